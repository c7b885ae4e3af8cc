package results

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/metrics"
)

// powerRun is a run that drew busy and base energy, wrong by a tenth and a half.
func powerRun(policy string, seed uint64, busy, base float64) *Run {
	return &Run{
		Policy: policy, Seed: seed, Metrics: metrics.Values{"energy_kwh": busy + base, "gpu_hours": 3},
		EnergyByComponent: map[string]float64{"g busy": busy, "g base": base},
		Spread:            map[string]map[string]float64{"energy_kwh": {"g busy": 0.1 * busy, "g base": 0.5 * base}},
	}
}

func summaryOf(t *testing.T, runs ...*Run) *Summary {
	t.Helper()
	s, err := Summarise(runs, Inputs{Scenario: "s", Policies: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func close9(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-8*math.Abs(want) {
		t.Errorf("%s = %.10g, by hand %.10g", what, got, want)
	}
}

// Within a component the seeds are wrong together, so seeds do not narrow the
// interval; between components the squares add up.
func TestPowerIntervalByHand(t *testing.T) {
	s := summaryOf(t, powerRun("a", 1, 80, 20), powerRun("a", 2, 120, 20), powerRun("b", 1, 50, 10), powerRun("b", 2, 50, 10))
	a, b := s.Policies[0], s.Policies[1]
	half := 1.959963984540054 * math.Hypot(0.1*100, 0.5*20)
	close9(t, "low", a.Metrics["energy_kwh"].ModelLow, 120-half)
	close9(t, "high", a.Metrics["energy_kwh"].ModelHigh, 120+half)
	if e := a.Metrics["gpu_hours"]; e.ModelLow != 0 || e.ModelHigh != 0 {
		t.Errorf("GPU-hours rest on no power figure, and have %+v", e)
	}
	want := []Component{{"g base", 20.0 / 120, 10.0 / 120}, {"g busy", 100.0 / 120, 10.0 / 120}}
	for i, c := range a.EnergyByComponent {
		if c.Name != want[i].Name {
			t.Errorf("component %d is %s, want %s", i, c.Name, want[i].Name)
		}
		close9(t, c.Name, c.Share, want[i].Share)
		close9(t, c.Name, c.Uncertainty, want[i].Uncertainty)
	}

	// b/a = 60/120; each component's part of the energy differs by little.
	apart := math.Hypot(0.1*50/60-0.1*100/120, 0.5*10/60-0.5*20/120)
	half = 1.959963984540054 * 0.5 * apart
	c := s.Comparisons[len(s.Comparisons)-1]
	if c.Metric != "energy_kwh" {
		t.Fatalf("the last comparison is of %s", c.Metric)
	}
	close9(t, "low of the ratio", c.ModelLow, -0.5-half)
	close9(t, "high of the ratio", c.ModelHigh, -0.5+half)
	if e := b.Metrics["energy_kwh"]; c.ModelHigh-c.ModelLow > (e.ModelHigh-e.ModelLow)/e.Mean {
		t.Error("the ratio is no better known than the energy")
	}
}

// A policy that draws less of everything by one factor saves that factor, however
// wrong the watts are.
func TestCommonErrorCancelsInTheRatio(t *testing.T) {
	s := summaryOf(t, powerRun("a", 1, 80, 20), powerRun("a", 2, 80, 20), powerRun("b", 1, 60, 15), powerRun("b", 2, 60, 15))
	c := s.Comparisons[len(s.Comparisons)-1]
	if c.Metric != "energy_kwh" || math.Abs(c.ModelLow+0.25) > 1e-9 || math.Abs(c.ModelHigh+0.25) > 1e-9 {
		t.Errorf("%+v, want a saving of a quarter without an interval", c)
	}
}

func TestMetricsWithoutPowerSayNothingOfIt(t *testing.T) {
	r := powerRun("a", 1, 1, 1)
	r.Spread, r.EnergyByComponent = nil, nil
	s := summaryOf(t, r)
	out, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "model") || strings.Contains(string(out), "energyByComponent") {
		t.Errorf("%s", out)
	}
}
