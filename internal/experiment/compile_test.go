package experiment

import (
	"testing"

	"github.com/kwatt-sim/kwatt/internal/engine"
)

const small = "testdata/small.yaml"

// A service that starts without load starts with a replica: at zero an HPA is
// disabled and would never serve anybody.
func TestAServiceStartsWithAReplica(t *testing.T) {
	for _, c := range compile(t, "testdata/night.yaml", nil) {
		if got := c.Services[0].Initial; got != 1 {
			t.Errorf("policy %s starts with %d replicas, want 1", c.Policy, got)
		}
		r := runs(t, []*engine.Config{c}, 1)[0]
		if r.Ledger.Arrivals == 0 || float64(r.Ledger.Served) < 0.9*float64(r.Ledger.Arrivals) {
			t.Errorf("policy %s after a night without load: %+v", c.Policy, r.Ledger)
		}
	}
	c := compile(t, "testdata/night.yaml", []string{"hpa"}, "spec.services[0].replicas.initial=0")[0]
	if got := c.Services[0].Initial; got != 0 {
		t.Errorf("replicas.initial 0 is %d", got)
	}
}

// A share is a whole GPU divided by a whole number, however it is rounded in
// the file: as many replicas fit as policies are told.
func TestARoundedShareFillsTheGPU(t *testing.T) {
	for share, ways := range map[string]int{"0.33334": 3, "0.3333": 3, "0.142857": 7, "0.14286": 7, "0.25": 4} {
		c := compile(t, small, []string{"static"}, "spec.services[0].gpu.share="+share)[0]
		if got, want := c.Cluster.Services[0].Needs[0].Part, 1/float64(ways); got != want {
			t.Errorf("share %s is part %v of a GPU, want %v", share, got, want)
		}
	}
}
