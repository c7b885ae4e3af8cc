package results

import (
	"math"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/metrics"
)

// regretRun needs kWh and keeps the SLO of its one service for a share of the requests.
func regretRun(policy string, seed uint64, kWh, attained float64) *Run {
	return &Run{
		Policy: policy, Seed: seed, Metrics: metrics.Values{"energy_kwh": kWh, "co2e_grams": 100 * kWh, "cost_usd": 0},
		Services: map[string]metrics.Values{"s": {"slo_attainment_ratio": attained}},
	}
}

// Policies are held against bounds by seed: in the bound's own metric, and the
// static one in all; a policy that breaks its promise may stand below the bound.
func TestRegretByHand(t *testing.T) {
	runs := []*Run{regretRun("a", 1, 11, 0.96), regretRun("a", 2, 22, 0.949), regretRun("b", 1, 8, 0.5), regretRun("b", 2, 16, 0.5)}
	s, err := Summarise(runs, Inputs{Scenario: "x", Policies: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	least, err := NewBound("least-energy", "energy_kwh", "", []*Run{regretRun("least-energy", 2, 20, 1), regretRun("least-energy", 1, 10, 1)})
	if err != nil {
		t.Fatal(err)
	}
	static, err := NewBound("best-static", "", "", []*Run{regretRun("best-static", 1, 20, 1), regretRun("best-static", 2, 40, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddRegret(runs, []Bound{least, static, {Name: "least-cost", Metric: "cost_usd", Missing: "none"}}, SLOs{"s": 0.95}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		kept   int
		ratios []float64 // energy over least-energy, energy and co2e over best-static; cost is 0 and has none
	}{{1, []float64{0.1, -0.45, -0.45}}, {0, []float64{-0.2, -0.6, -0.6}}} {
		p := s.Regret.Policies[i]
		if p.SLOKept != want.kept || p.Seeds != 2 || len(p.Regrets) != len(want.ratios) {
			t.Fatalf("%+v", p)
		}
		for k, r := range p.Regrets {
			if math.Abs(r.Ratio-want.ratios[k]) > 1e-9 || math.Abs(r.CILow-r.Ratio) > 1e-6 {
				t.Errorf("%s over %s in %s: %+v, want %v at every seed", p.Policy, r.Bound, r.Metric, r, want.ratios[k])
			}
		}
	}
	if _, err := NewBound("x", "", "", []*Run{regretRun("x", 1, math.NaN(), 1)}); err == nil {
		t.Error("a bound that is no number")
	}
}

func TestSLOs(t *testing.T) {
	r := regretRun("a", 1, 1, 0.94)
	for _, c := range []struct {
		slos SLOs
		want bool
	}{{nil, true}, {SLOs{"s": 0.95}, false}, {SLOs{"s": 0.94}, true}, {SLOs{"other": 0.99}, true}} {
		if got := c.slos.AllKept(r); got != c.want {
			t.Errorf("%v: %v", c.slos, got)
		}
	}
}
