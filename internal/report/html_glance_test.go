package report

import (
	"testing"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/results"
)

func TestJudge(t *testing.T) {
	policy := func(mean, low, high float64, n int) results.PolicySummary {
		e := results.Estimate{Mean: mean, CILow: low, CIHigh: high, N: n}
		return results.PolicySummary{Services: map[string]results.ServiceSummary{
			"s": {Metrics: map[string]results.Estimate{"latency_p95_seconds": e}},
		}}
	}
	goal := []SLO{{Service: "s", Quantile: "p95", Seconds: 0.2}}
	tests := []struct {
		name   string
		policy results.PolicySummary
		slos   []SLO
		want   sloVerdict
	}{
		{"well below", policy(0.1, 0.09, 0.11, 10), goal, sloVerdict{"met", ""}},
		{"exactly on it", policy(0.2, 0.2, 0.2, 10), goal, sloVerdict{"met", ""}},
		{"well above", policy(0.3, 0.25, 0.35, 10), goal, sloVerdict{"missed", "s p95 300.0 ms"}},
		{"interval spans it", policy(0.19, 0.17, 0.21, 10), goal, sloVerdict{"open", "s p95 190.0 ms"}},
		{"one seed, above", policy(0.3, 0.3, 0.3, 1), goal, sloVerdict{"missed", "s p95 300.0 ms"}},
		{"one seed, below", policy(0.1, 0.1, 0.1, 1), goal, sloVerdict{"met", ""}},
		{"no figure fails closed", results.PolicySummary{}, goal, sloVerdict{"open", "no figure for s"}},
		{"one of two missed", policy(0.3, 0.25, 0.35, 10), append(goal, SLO{"s", "p95", 1}), sloVerdict{"missed", "s p95 300.0 ms"}},
	}
	for _, tt := range tests {
		if got := judge(tt.policy, tt.slos); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// Three policies: a keeps the target, b is cheaper and misses it, c is cheaper
// than a and keeps it.
func TestWinnersKeepTheTarget(t *testing.T) {
	policy := func(name string, p95, energy float64) results.PolicySummary {
		latency := results.Estimate{Mean: p95, CILow: p95 * 0.99, CIHigh: p95 * 1.01, N: 10}
		return results.PolicySummary{
			Name: name,
			Metrics: map[string]results.Estimate{
				"latency_p95_seconds":           latency,
				"energy_kwh":                    {Mean: energy, CILow: energy - 5, CIHigh: energy + 5, N: 10},
				"cost_usd_per_million_requests": {N: 10}, // no prices given
			},
			Services: map[string]results.ServiceSummary{"s": {Metrics: map[string]results.Estimate{"latency_p95_seconds": latency}}},
		}
	}
	d := Document{
		Summary: &results.Summary{Policies: []results.PolicySummary{policy("a", 0.1, 100), policy("b", 0.5, 40), policy("c", 0.15, 95)}},
		SLOs:    []SLO{{Service: "s", Quantile: "p95", Seconds: 0.2}},
	}
	check := func(want ...string) {
		t.Helper()
		g, err := newGlance(d)
		if err != nil {
			t.Fatal(err)
		}
		got := winners(d, g)
		if len(got) != len(want) {
			t.Fatalf("%d winners, want %d: %+v", len(got), len(want), got)
		}
		for i, w := range got {
			if text := w.Label + ": " + w.Policy + " / " + w.Tied; text != want[i] {
				t.Errorf("winner %q, want %q", text, want[i])
			}
		}
	}
	check("shortest p95: a / ", "least energy: c / a")
	d.SLOs[0].Seconds = 0.01 // nobody keeps it: the best of all
	check("shortest p95: a / ", "least energy: b / ")
	d.SLOs = nil
	check("shortest p95: a / ", "least energy: b / ")
}

func TestAlerts(t *testing.T) {
	s := &results.Summary{Policies: []results.PolicySummary{
		{Name: "half", EnergyByGrade: map[string]float64{grade.X.String(): 0.5}},
		{Name: "most", EnergyByGrade: map[string]float64{grade.X.String(): 0.51}},
		{Name: "leaky", Replications: []results.Replication{{Ledger: results.Ledger{Arrivals: 5000, Served: 3000}}}},
	}}
	want := []string{
		"leaky: the request ledger does not add up, 2,000 requests are missing.",
		"51% of the node energy of most rests on grade X power figures: interpolated or assumed, without a source.",
	}
	got := alerts(s)
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("alerts %q, want %q", got, want)
	}
}

func TestCommas(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "1234": "1234", "12345": "12,345", "1234567": "1,234,567", "-12345.5": "−12,345.5", "0.001": "0.001", "-3.2": "−3.2",
	} {
		if got := commas(in); got != want {
			t.Errorf("commas(%q) = %q, want %q", in, got, want)
		}
	}
}
