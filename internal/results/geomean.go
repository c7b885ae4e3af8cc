package results

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// ServiceGeomean is the geometric mean of B/A over services, of one metric.
type ServiceGeomean struct {
	Metric   string   `json:"metric"`
	Services []string `json:"services"` // that have it on both sides, above zero
	Change   float64  `json:"change"`   // the mean ratio less 1
}

// ServiceGeomeans compares b with a over services: of each metric the geometric
// mean of the ratios of the means, in which a service counts as one whatever its
// load. It takes the metrics that services have and that improve downwards; of one
// service alone there is no mean. A service that has no figure above zero on both
// sides is left out, and so are the regions of a service, which are parts of it.
func ServiceGeomeans(a, b map[string]ServiceSummary, names []string) ([]ServiceGeomean, error) {
	var out []ServiceGeomean
	for _, name := range names {
		m, err := metrics.Find(name)
		if err != nil {
			return nil, err
		}
		if !m.PerService || m.Better != metrics.LowerIsBetter {
			continue
		}
		g := ServiceGeomean{Metric: name}
		var ratios []float64
		for _, service := range slices.Sorted(maps.Keys(a)) {
			if strings.Contains(service, "@") {
				continue
			}
			x, y := a[service].Metrics[name].Mean, b[service].Metrics[name].Mean
			if x > 0 && y > 0 {
				g.Services, ratios = append(g.Services, service), append(ratios, y/x)
			}
		}
		if len(ratios) < 2 {
			continue
		}
		mean, err := stats.GeoMean(ratios)
		if err != nil {
			return nil, fmt.Errorf("geometric mean of %s over services: %w", name, err)
		}
		g.Change = Round(mean - 1)
		out = append(out, g)
	}
	return out, nil
}
