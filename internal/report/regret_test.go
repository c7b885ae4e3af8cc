package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// withRegret holds every policy of a made-up summary against bounds.
func withRegret(s *results.Summary) *results.Summary {
	s.Regret = &results.RegretReport{Bounds: []results.Bound{
		{Name: "least-energy", Metric: "energy_kwh", What: "an oracle's plan", Metrics: map[string]results.Estimate{"energy_kwh": {Mean: 40, N: 3}, "co2e_grams": {Mean: 9000, N: 3}, "cost_usd": {N: 3}}},
		{Name: "best-static", Missing: "nothing <keeps> it"},
	}}
	for i, p := range s.Policies {
		s.Regret.Policies = append(s.Regret.Policies, results.PolicyRegret{
			Policy: p.Name, SLOKept: i, Seeds: 3,
			Regrets: []results.Regret{{Bound: "least-energy", Metric: "energy_kwh", Ratio: 0.1234 * float64(i)}},
		})
	}
	return s
}

func TestRegretShowsInEveryReport(t *testing.T) {
	s := withRegret(madeUpSummary(t, fourPolicies, 3))
	html := fixture(t, "ranker", fixturePolicies, 2, 60)
	withRegret(html.Summary)
	var page bytes.Buffer
	if err := HTML(&page, html); err != nil {
		t.Fatal(err)
	}
	text := textOf(t, s, Options{})
	for _, want := range []string{"energy over least-energy      0%   +12.3%   +24.7%   +37.0%", "SLO kept                     0/3      1/3      2/3      3/3"} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for name, out := range map[string]string{"text": strings.Join(strings.Fields(text), " "), "Markdown": markdownOf(t, s, Options{}), "HTML": page.String()} {
		for _, want := range []string{"12.3%", "1/3", "least-energy is an oracle", "40.00 kWh, 9,000 g CO2e.", "There is no best-static: nothing ", "how far from the best"} {
			if !strings.Contains(out, want) && !strings.Contains(strings.ReplaceAll(out, "9000", "9,000"), want) {
				t.Errorf("%s: no %q", name, want)
			}
		}
		if name != "text" && strings.Contains(out, "<keeps>") {
			t.Errorf("%s: text is not escaped", name)
		}
	}
	for line := range strings.Lines(text) {
		if tty.Runes(strings.TrimSuffix(line, "\n")) > defaultWidth {
			t.Errorf("too wide: %s", line)
		}
	}
}

func TestNoRegretIsNoTable(t *testing.T) {
	s := madeUpSummary(t, fourPolicies, 3)
	if out := textOf(t, s, Options{}) + markdownOf(t, s, Options{}); strings.Contains(out, "how far from the best") {
		t.Error("a table without bounds")
	}
}
