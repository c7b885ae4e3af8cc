package openmetrics_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// dashboard is what the tests read of dashboards/kwatt.json.
type dashboard struct {
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
}

func readDashboard(t testing.TB) dashboard {
	t.Helper()
	b, err := os.ReadFile("../../dashboards/kwatt.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// filled puts values for the dashboard's variables.
func filled(expr, scenario, policy, seed, window string) string {
	return strings.NewReplacer("$scenario", scenario, "$policy", policy, "$seed", seed, "$__range", window).Replace(expr)
}

// Every expression of the dashboard is PromQL over series that an export has.
func TestDashboardAsksForWhatIsThere(t *testing.T) {
	text, _, _ := export(t, small, "energy-aware", time.Minute)
	p := parse(t, text)
	names := map[string]bool{}
	for _, l := range p.labels {
		names[l.Get("__name__")] = true
	}
	asked := map[string]bool{}
	for _, panel := range readDashboard(t).Panels {
		for _, target := range panel.Targets {
			e, err := parser.ParseExpr(filled(target.Expr, "small", ".*", "1", "20m"))
			if err != nil {
				t.Errorf("panel %s: %s: %v", panel.Title, target.Expr, err)
				continue
			}
			for _, selector := range parser.ExtractSelectors(e) {
				for _, m := range selector {
					if m.Name == "__name__" {
						asked[m.Value] = true
						if !names[m.Value] {
							t.Errorf("panel %s asks for %s, which no export has", panel.Title, m.Value)
						}
					}
				}
			}
		}
	}
	for name := range names {
		if !asked[name] {
			t.Errorf("no panel shows %s", name)
		}
	}
}
