package experiment

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/units"
)

func TestPromises(t *testing.T) {
	p95, grams := units.Duration(50e6), units.Grams(0.001)
	f := &scenario.File{}
	f.Scenario.Spec.Services = []scenario.Service{{Name: "ranker",
		SLO: scenario.SLO{Latency: &scenario.LatencySLO{P95: &p95}, CarbonPerRequest: &grams}}}
	policy := func(name string, p95, half, perMillion float64) results.PolicySummary {
		return results.PolicySummary{
			Name:     name,
			Services: map[string]results.ServiceSummary{"ranker": {Metrics: map[string]results.Estimate{"latency_p95_seconds": {Mean: p95, CILow: p95 - half, CIHigh: p95 + half, N: 5}}}},
			Metrics:  map[string]results.Estimate{"co2e_grams_per_million_requests": {Mean: perMillion, CILow: perMillion, CIHigh: perMillion, N: 5}},
		}
	}
	got := Promises(f, &results.Summary{Policies: []results.PolicySummary{
		policy("keeps", 0.04, 0.001, 900), policy("misses", 0.06, 0.001, 1100), policy("unsure", 0.05, 0.002, 1000),
		{Name: "served-nothing"},
	}})
	var texts []string
	for _, n := range got {
		texts = append(texts, n.Text)
	}
	want := []string{
		"policy misses misses the SLO p95 latency of ranker: it has 60 ms, at most 50 ms is promised",
		"policy misses misses the SLO carbon per request of ranker: it has 1.1 mg CO2e, at most 1 mg CO2e is promised",
		"policy unsure cannot be told to keep the SLO p95 latency of ranker: it has 50 ms, at most 50 ms is promised",
	}
	if d := cmp.Diff(want, texts); d != "" {
		t.Error(d)
	}
}
