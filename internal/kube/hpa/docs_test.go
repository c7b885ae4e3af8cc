package hpa_test

import (
	"testing"

	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/kube/hpa"
	"github.com/kwatt-sim/kwatt/internal/policies"
)

// docs/hpa.md is the template with the catalogue, the flags and the number of
// mutants filled in.
func TestDocsMatchTheCode(t *testing.T) {
	kind, err := policies.Find("hpa")
	if err != nil {
		t.Fatal(err)
	}
	c := kind.NewConfig().(*hpa.Config)
	golden.Page(t, "../../../docs/hpa.md", "testdata/hpa.md.tmpl", nil, map[string]any{
		"Pods": hpa.PodMetrics(), "Service": hpa.ServiceMetrics(), "Mutants": len(mutants),
		"Flags": []struct {
			Field, Flag string
			Default     any
		}{
			{"syncPeriod", "sync-period", c.SyncPeriod},
			{"tolerance", "tolerance", c.Tolerance},
			{"downscaleStabilization", "downscale-stabilization", c.DownscaleStabilization},
			{"cpuInitializationPeriod", "cpu-initialization-period", c.CPUInitializationPeriod},
			{"initialReadinessDelay", "initial-readiness-delay", c.InitialReadinessDelay},
		},
	})
}
