package results

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/metrics"
)

// side makes replications of one metric, with seeds from 1.
func side(name, metric string, xs ...float64) Side {
	s := Side{Name: name, Policy: "hpa", Currency: "USD"}
	for i, x := range xs {
		s.Replications = append(s.Replications, Replication{
			Seed: uint64(i + 1), Metrics: metrics.Values{metric: x}, Ledger: Ledger{Arrivals: 100, Served: 100},
		})
	}
	return s
}

func pair(t *testing.T, a, b Side, o SideOptions) *SideBySide {
	t.Helper()
	s, err := Pair(a, b, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What two policies of one summary say of each other is in that summary too.
func TestPairAgreesWithSummarise(t *testing.T) {
	runs := testRuns(9, 0)
	s, err := Summarise(runs, testInputs)
	if err != nil {
		t.Fatal(err)
	}
	got := pair(t, Side{Name: "static", Replications: s.Policies[0].Replications}, Side{Name: "hpa", Replications: s.Policies[1].Replications}, SideOptions{})
	if len(got.Rows) != len(Headline()) || len(got.Seeds) != 9 || len(got.Warnings) != 0 {
		t.Fatalf("%d rows, seeds %v, warnings %v", len(got.Rows), got.Seeds, got.Warnings)
	}
	for i, r := range got.Rows {
		c := s.Comparisons[i]
		if c.Policy != "hpa" || c.Metric != r.Metric {
			t.Fatalf("row %d is %s, the summary has %s", i, r.Metric, c.Metric)
		}
		want := Comparison{Base: "static", Policy: "hpa", Metric: r.Metric, DeltaRatio: r.Change.Mean, CILow: r.Change.CILow, CIHigh: r.Change.CIHigh, P: r.P, Verdict: r.Verdict}
		if d := cmp.Diff(want, c); d != "" {
			t.Errorf("%s: the summary says otherwise (-pair +summary)\n%s", r.Metric, d)
		}
		if d := cmp.Diff(s.Policies[1].Metrics[r.Metric], r.B); d != "" {
			t.Errorf("%s of B (-summary +pair)\n%s", r.Metric, d)
		}
	}
}

func TestPairOfEquals(t *testing.T) {
	a := side("a", "energy_kwh", 1, 2, 3, 4, 5, 6)
	got := pair(t, a, a, SideOptions{Metrics: []string{"energy_kwh"}})
	r := got.Rows[0]
	if r.Verdict != CannotSay || r.P != 1 || r.Difference.Mean != 0 || r.SeedsToTell != 0 || !got.Decided() {
		t.Errorf("%+v, decided %v", r, got.Decided())
	}
}

// Noise of ±1 in a difference of 0.3 needs far more than eight seeds to be seen,
// and the row says how many.
func TestPairSaysWhatItCouldSee(t *testing.T) {
	base := []float64{10, 10, 10, 10, 10, 10, 10, 10}
	other := []float64{11.3, 9.3, 11.3, 9.3, 11.3, 9.3, 11.3, 9.3}
	got := pair(t, side("a", "energy_kwh", base...), side("b", "energy_kwh", other...), SideOptions{Metrics: []string{"energy_kwh"}})
	r := got.Rows[0]
	// (t(7, .975) + t(7, .8)) · 1.069/√8 = (2.3646 + 0.8960) · 0.37796, over 10.
	if r.Detectable == nil || math.Abs(*r.Detectable-0.12324) > 1e-4 {
		t.Errorf("detectable %v, want 0.12324", r.Detectable)
	}
	// About ((1.96 + 0.842) · 1.069/0.3)² = 99.7, a little more by t.
	if r.Verdict != CannotSay || r.SeedsToTell < 99 || r.SeedsToTell > 103 || got.Decided() {
		t.Errorf("verdict %s, seeds to tell %d, decided %v", r.Verdict, r.SeedsToTell, got.Decided())
	}
}

func TestPairWithoutABase(t *testing.T) {
	got := pair(t, side("a", "requests_dropped_total", 0, 0, 0, 0, 0, 0), side("b", "requests_dropped_total", 1, 2, 3, 1, 2, 3), SideOptions{Metrics: []string{"requests_dropped_total"}})
	r := got.Rows[0]
	if r.Change != nil || r.Verdict != Worse || r.Difference.Mean != 2 {
		t.Errorf("%+v", r)
	}
}

func TestPairWarnings(t *testing.T) {
	a, b := side("a", "energy_kwh", 1, 2, 3, 4, 5, 6, 7), side("b", "energy_kwh", 2, 3, 4, 5, 6)
	b.Replications[1].Ledger.Arrivals = 99
	b.Replications[2].Metrics = metrics.Values{}
	b.Currency = "EUR"
	got := pair(t, a, b, SideOptions{Metrics: []string{"energy_kwh", "cost_usd"}})
	all := strings.Join(got.Warnings, "\n")
	for _, want := range []string{
		"A has 7 seeds and B 5: compared on the 5 they share",
		"with seed 2 A met 100 requests and B 99",
		"energy_kwh is compared on the 4 seeds of 5",
		"cost_usd has no figure on both sides with any seed",
		"costs are in USD on side A and in EUR on side B",
		"too few seeds (4) for any difference to be significant: use at least 6",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning says %q:\n%s", want, all)
		}
	}
	if _, err := Pair(a, side("c", "energy_kwh"), SideOptions{}); err == nil || !strings.Contains(err.Error(), "no seed in common") {
		t.Errorf("nothing in common: %v", err)
	}
	if _, err := Pair(a, a, SideOptions{Metrics: []string{"energy"}}); err == nil || !strings.Contains(err.Error(), "energy_kwh") {
		t.Errorf("unknown metric: %v", err)
	}
}

// Two metrics, one halved and one doubled with every seed: the geometric mean of
// the ratios is 1.
func TestGeomean(t *testing.T) {
	a, b := side("a", "energy_kwh", 4, 4, 4, 4, 4, 4), side("b", "energy_kwh", 2, 2, 2, 2, 2, 2)
	for i := range a.Replications {
		a.Replications[i].Metrics["cost_usd"], b.Replications[i].Metrics["cost_usd"] = 3, 6
		a.Replications[i].Metrics["slo_attainment_ratio"], b.Replications[i].Metrics["slo_attainment_ratio"] = 0.5, 1
		a.Replications[i].Metrics["requests_dropped_total"], b.Replications[i].Metrics["requests_dropped_total"] = 0, 1
	}
	got := pair(t, a, b, SideOptions{Metrics: []string{"energy_kwh", "cost_usd", "slo_attainment_ratio", "requests_dropped_total"}, Interval: BootstrapInterval})
	if g := got.Geomean; g == nil || len(g.Metrics) != 2 || math.Abs(g.Change.Mean) > 1e-12 {
		t.Errorf("%+v", got.Geomean)
	}
	if c := got.Rows[0].Change; c.Mean != -0.5 || c.CILow != -0.5 {
		t.Errorf("energy %+v", c)
	}
	only := pair(t, a, b, SideOptions{Metrics: []string{"energy_kwh", "slo_attainment_ratio"}})
	if only.Geomean != nil {
		t.Errorf("one metric has a mean: %+v", only.Geomean)
	}
}
