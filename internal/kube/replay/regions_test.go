package replay

import (
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/engine"
)

// A control plane is one cluster: several regions are refused, by their number.
func TestRegionsAreRefused(t *testing.T) {
	err := Check(Options{Config: &engine.Config{Regions: []engine.Region{{Name: "near"}, {Name: "far"}}}})
	if err == nil || !strings.Contains(err.Error(), "the scenario has 2 regions") {
		t.Errorf("error %v", err)
	}
}
