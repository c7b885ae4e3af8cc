package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// withPower gives a made-up summary what the power figures leave open.
func withPower(s *results.Summary) *results.Summary {
	for i := range s.Policies {
		for _, metric := range powerMetrics {
			e := s.Policies[i].Metrics[metric]
			e.ModelLow, e.ModelHigh = 0.8*e.Mean, 1.2*e.Mean
			s.Policies[i].Metrics[metric] = e
		}
		s.Policies[i].EnergyByComponent = []results.Component{{Name: "nvidia-t4 base", Share: 0.5, Uncertainty: 0.25}, {Name: "nvidia-t4 busy", Share: 0.5, Uncertainty: 0.1}}
	}
	for i := range s.Comparisons {
		if c := &s.Comparisons[i]; c.Metric == "energy_kwh" {
			c.ModelLow, c.ModelHigh = -0.331, -0.29
		}
	}
	return s
}

func TestPowerUncertaintyShowsInEveryReport(t *testing.T) {
	s := withPower(madeUpSummary(t, fourPolicies, 6))
	html := fixture(t, "ranker", fixturePolicies, 2, 60)
	withPower(html.Summary)
	var page bytes.Buffer
	if err := HTML(&page, html); err != nil {
		t.Fatal(err)
	}
	text := textOf(t, s, Options{})
	for _, row := range []string{
		"energy ±             20%           20%           20%           20%",
		"energy Δ               –  -33.1…-29.0%  -33.1…-29.0%  -33.1…-29.0%",
		"known to ±98%",
	} {
		if !strings.Contains(text, row) {
			t.Errorf("no %q in\n%s", row, text)
		}
	}
	for name, out := range map[string]string{"Markdown": markdownOf(t, s, Options{}), "HTML": page.String()} {
		for _, want := range []string{"20%", "-33.1…-29.0%", "nvidia-t4 base, 50% of the energy", "wrong by the same factor under every policy"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q", name, want)
			}
		}
	}
	for line := range strings.Lines(text) {
		if tty.Runes(strings.TrimSuffix(line, "\n")) > defaultWidth {
			t.Errorf("too wide: %s", line)
		}
	}
}

func TestNoPowerUncertaintyIsNoTable(t *testing.T) {
	s := madeUpSummary(t, fourPolicies, 6)
	for _, out := range []string{textOf(t, s, Options{}), markdownOf(t, s, Options{})} {
		if strings.Contains(strings.ToLower(out), "uncertainty of the power figures") {
			t.Errorf("a table of nothing:\n%s", out)
		}
	}
}
