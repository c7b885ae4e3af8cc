package scenario

import (
	"slices"
	"strings"
	"testing"
)

// A policy keeps its own scheduler when others before it are left out.
func TestChooseKeepsEachPolicysScheduler(t *testing.T) {
	f, err := Load("../../scenarios/scheduler-profiles.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Clone(f.Schedulers)
	if err := f.Choose([]string{"energy-aware", "bin-packing"}); err != nil {
		t.Fatal(err)
	}
	if got := f.PolicyNames(); !slices.Equal(got, []string{"energy-aware", "bin-packing"}) {
		t.Errorf("policies %v", got)
	}
	if len(f.Schedulers) != 2 || f.Schedulers[0] != all[2] || f.Schedulers[1] != all[1] {
		t.Errorf("the schedulers are not those of the policies")
	}
	for _, names := range [][]string{{"default"}, {"bin-packing", "bin-packing"}} {
		if err := f.Choose(names); err == nil || !strings.Contains(err.Error(), "the scenario has energy-aware, bin-packing, each to be named once") {
			t.Errorf("%v: %v", names, err)
		}
	}
}
