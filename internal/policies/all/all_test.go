package all_test

import (
	"slices"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/policies"
	_ "github.com/kwatt-sim/kwatt/internal/policies/all"
)

func TestAllAreRegistered(t *testing.T) {
	var names []string
	for _, k := range policies.Kinds() {
		names = append(names, k.Name)
		if k.NewConfig() == k.NewConfig() {
			t.Errorf("%s: configurations share memory", k.Name)
		}
	}
	if want := []string{"carbonAware", "energyAware", "external", "forecast", "hpa", "keda", "knative", "oracle", "static"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}
