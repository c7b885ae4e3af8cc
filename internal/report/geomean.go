package report

import (
	"fmt"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// serviceGeomeans is each policy against the first over all services, a row a
// metric.
type serviceGeomeans struct {
	Base, Note string
	Policies   []string // but the first
	Rows       []serviceGeomeanRow
}

type serviceGeomeanRow struct {
	Label string
	Cells []string
}

// newServiceGeomeans makes the table; without rows where there is one service, or
// one policy.
func newServiceGeomeans(s *results.Summary) (serviceGeomeans, error) {
	t := serviceGeomeans{Note: "The " + serviceGeomeanNote("the policy over the first one") + "."}
	var names []string
	for _, m := range metrics.Catalogue() {
		names = append(names, m.Name)
	}
	for i, p := range s.Policies {
		if i == 0 {
			t.Base = p.Name
			continue
		}
		all, err := results.ServiceGeomeans(s.Policies[0].Services, p.Services, names)
		if err != nil {
			return t, fmt.Errorf("policy %s: %w", p.Name, err)
		}
		t.Policies = append(t.Policies, p.Name)
		for _, g := range all {
			at := slices.IndexFunc(t.Rows, func(r serviceGeomeanRow) bool { return r.Label == serviceGeomeanLabel(g) })
			if at < 0 {
				at = len(t.Rows)
				t.Rows = append(t.Rows, serviceGeomeanRow{Label: serviceGeomeanLabel(g), Cells: slices.Repeat([]string{absent}, len(s.Policies)-1)})
			}
			t.Rows[at].Cells[i-1] = percent(g.Change)
		}
	}
	return t, nil
}

// serviceGeomeanLabel is a row's name: "latency p95, 2 services".
func serviceGeomeanLabel(g results.ServiceGeomean) string {
	return fmt.Sprintf("%s, %d services", metricLabel(g.Metric), len(g.Services))
}

func serviceGeomeanNote(ratio string) string {
	return "geometric mean of " + ratio + " over the services, of their means over the seeds; each counts as one, whatever its load, and the mean has no interval"
}
