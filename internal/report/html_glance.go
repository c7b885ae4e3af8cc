package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// glanceTable is the few figures by which a policy is chosen.
type glanceTable struct {
	Columns []glanceColumn
	Rows    []glanceRow
	HasSLO  bool
	Targets string // the latency targets in words
}

type glanceColumn struct{ Metric, Label, Unit string }

type glanceRow struct {
	Policy, Color string
	SLO           sloVerdict
	Cells         []glanceCell
}

// glanceCell is a figure; Share is its part of the column's largest, in
// percent, for the bar below it: 0 for a ratio, which has no use for one.
type glanceCell struct {
	Value, Half string
	Share       float64
	Delta
}

// glanceMetrics are among results.Headline, so that each has a difference.
var glanceMetrics = []string{
	"latency_p95_seconds", "slo_attainment_ratio", "energy_kwh",
	"co2e_grams_per_million_requests", "cost_usd_per_million_requests",
}

func newGlance(d Document) (glanceTable, error) {
	s := d.Summary
	t := glanceTable{HasSLO: len(d.SLOs) > 0, Targets: targetsText(d.SLOs)}
	rows, err := estimateRows(glanceMetrics, len(s.Policies), d.Currency, func(i int) map[string]results.Estimate {
		return s.Policies[i].Metrics
	})
	if err != nil {
		return t, err
	}
	rows = slices.DeleteFunc(rows, allZero) // no price was given, or no grid
	for _, row := range rows {
		t.Columns = append(t.Columns, glanceColumn{Metric: row.metric, Label: metricLabel(row.metric), Unit: row.scale.unit})
	}
	for i, p := range s.Policies {
		out := glanceRow{Policy: p.Name, Color: policyColor(i), SLO: judge(p, d.SLOs)}
		for _, row := range rows {
			var cell glanceCell
			if row.scale.unit != "%" {
				cell.Share = shareOfLargest(row.cells, i)
			}
			cell.Value, cell.Half = estimateText(row.cells[i], row.scale.factor)
			if i > 0 {
				cell.Delta = deltaOf(s, p.Name, row.metric)
			}
			out.Cells = append(out.Cells, cell)
		}
		t.Rows = append(t.Rows, out)
	}
	return t, nil
}

func allZero(row estimateRow) bool {
	return !slices.ContainsFunc(row.cells, func(e *results.Estimate) bool { return e != nil && e.Mean != 0 })
}

// shareOfLargest is a cell's part of its row's largest figure, in percent.
func shareOfLargest(cells []*results.Estimate, i int) float64 {
	largest := 0.0
	for _, e := range cells {
		if e != nil && finite(e.Mean) {
			largest = max(largest, e.Mean)
		}
	}
	if largest == 0 || cells[i] == nil || !finite(cells[i].Mean) {
		return 0
	}
	return math.Round(1000*max(cells[i].Mean, 0)/largest) / 10
}

// sloVerdict says whether a policy keeps all latency targets.
type sloVerdict struct {
	Class string // met | missed | open
	Text  string // "met", or what is missed and by how much
}

// judge compares each service's quantile over the whole scenario with its
// target; where the confidence interval spans the target it stays open.
func judge(p results.PolicySummary, slos []SLO) sloVerdict {
	var missed, open []string
	for _, slo := range slos {
		e, ok := p.Services[slo.Service].Metrics[slo.metric()]
		if !ok || !finite(e.Mean, e.CILow, e.CIHigh) {
			open = append(open, "no figure for "+slo.Service)
			continue
		}
		scale := scaleFor("s", "", max(e.Mean, slo.Seconds))
		text := fmt.Sprintf("%s %s %s %s", slo.Service, slo.Quantile, commas(tty.Number(e.Mean*scale.factor)), scale.unit)
		switch low, high := e.CILow, e.CIHigh; {
		case e.N < 2 && e.Mean > slo.Seconds || e.N >= 2 && low > slo.Seconds:
			missed = append(missed, text)
		case e.N >= 2 && high > slo.Seconds:
			open = append(open, text)
		}
	}
	switch {
	case len(missed) > 0:
		return sloVerdict{"missed", strings.Join(missed, ", ")}
	case len(open) > 0:
		return sloVerdict{"open", strings.Join(open, ", ")}
	default:
		return sloVerdict{"met", ""}
	}
}

func targetsText(slos []SLO) string {
	var out []string
	for _, slo := range slos {
		scale := scaleFor("s", "", slo.Seconds)
		out = append(out, fmt.Sprintf("%s %s at most %s %s", slo.Service, slo.Quantile, tickLabel(slo.Seconds*scale.factor), scale.unit))
	}
	return strings.Join(out, "; ")
}

// winner is the policy with the best figure of a column.
type winner struct {
	Label  string // "least energy"
	Policy string
	Color  string
	Figure string
	Delta
	Tied string // policies whose intervals overlap the winner's
}

// winnerLabels name what is won, by metric; the lowest figure wins each.
var winnerLabels = []struct{ metric, label string }{
	{"latency_p95_seconds", "shortest p95"},
	{"energy_kwh", "least energy"},
	{"co2e_grams_per_million_requests", "least CO2e"},
	{"cost_usd_per_million_requests", "lowest cost"},
}

// winners picks the best policy of each column, among those that keep the
// latency targets where there are targets and at least one does.
func winners(d Document, g glanceTable) []winner {
	if len(g.Rows) < 2 {
		return nil
	}
	eligible := func(i int) bool { return !g.anyMet() || g.Rows[i].SLO.Class == "met" }
	var out []winner
	for _, w := range winnerLabels {
		column := slices.IndexFunc(g.Columns, func(c glanceColumn) bool { return c.Metric == w.metric })
		if column < 0 {
			continue
		}
		best := -1
		for i, p := range d.Summary.Policies {
			e, ok := p.Metrics[w.metric]
			if ok && eligible(i) && (best < 0 || e.Mean < d.Summary.Policies[best].Metrics[w.metric].Mean) {
				best = i
			}
		}
		if best < 0 {
			continue
		}
		cell := g.Rows[best].Cells[column]
		out = append(out, winner{
			Label: w.label, Policy: g.Rows[best].Policy, Color: g.Rows[best].Color,
			Figure: strings.TrimSpace(cell.Value + " " + g.Columns[column].Unit), Delta: cell.Delta,
			Tied: tied(d.Summary, best, w.metric, eligible),
		})
	}
	return out
}

// anyMet is true when there are targets and a policy keeps them all.
func (g glanceTable) anyMet() bool {
	return g.HasSLO && slices.ContainsFunc(g.Rows, func(r glanceRow) bool { return r.SLO.Class == "met" })
}

// NoneMet is true when there are targets and no policy surely keeps them all.
func (g glanceTable) NoneMet() bool { return g.HasSLO && !g.anyMet() }

// tied lists the policies that could be as good as the best: their intervals
// overlap its own.
func tied(s *results.Summary, best int, metric string, eligible func(int) bool) string {
	var names []string
	b := s.Policies[best].Metrics[metric]
	for i, p := range s.Policies {
		if e, ok := p.Metrics[metric]; ok && i != best && eligible(i) && e.CILow <= b.CIHigh {
			names = append(names, p.Name)
		}
	}
	return strings.Join(names, ", ")
}
