package report

import (
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// frontMetrics are the prices among which the front is drawn: that on X, that on
// Y, and one more. Less of each is better. Where nothing has a price in money,
// energy takes its place.
func frontMetrics(s *results.Summary) []string {
	first := "energy_kwh"
	for _, p := range s.Policies {
		if _, priced := p.Metrics["cost_usd_per_million_requests"]; priced {
			first = "cost_usd_per_million_requests"
		}
	}
	return []string{first, "latency_p95_seconds", "co2e_grams_per_million_requests"}
}

// ringMark is the legend's entry for a policy that is not on the front.
var ringMark = legendKey{Name: "not on the front", Color: demandColor, Mark: "ring"}

// paretoFront marks the policies that no other beats: none is at most as dear
// in all of the metrics and cheaper in one, by the means over the seeds. A
// policy that lacks one of the metrics is left out of it.
func paretoFront(policies []results.PolicySummary, names []string) []bool {
	front := make([]bool, len(policies))
	for i, p := range policies {
		front[i] = hasAll(p, names)
		for _, other := range policies {
			front[i] = front[i] && !dominates(other, p, names)
		}
	}
	return front
}

func hasAll(p results.PolicySummary, names []string) bool {
	for _, name := range names {
		if e, ok := p.Metrics[name]; !ok || !finite(e.Mean) {
			return false
		}
	}
	return true
}

func dominates(a, b results.PolicySummary, names []string) bool {
	if !hasAll(a, names) || !hasAll(b, names) {
		return false
	}
	less := false
	for _, name := range names {
		x, y := a.Metrics[name].Mean, b.Metrics[name].Mean
		if x > y {
			return false
		}
		less = less || x < y
	}
	return less
}

// pareto sets latency against cost, and marks the front in those two and CO2e.
func pareto(s *results.Summary, slos []SLO) *chart {
	names := frontMetrics(s)
	q := make([]priceAxis, len(names))
	for i, name := range names {
		q[i] = newPriceAxis(s, name)
	}
	what := "cost"
	if names[0] == "energy_kwh" {
		what = "energy"
	}
	d := &dotChart{XName: q[0].label, YName: q[1].label}
	c := &chart{ID: "chart-pareto", Title: "Pareto front: " + what + ", CO2e and latency", Dots: d,
		Caption: "Filled: on the front; no other policy is as good in " + what + ", CO2e per request and p95 latency and better in one, by the means over " +
			seedsText(s) + ". Down and left is better. Whiskers: confidence intervals; where they overlap, more seeds may move the front.",
		Table: &dataTable{
			Caption: "Means over " + seedsText(s) + ", with confidence intervals.",
			Head:    []string{"policy", q[0].label, q[2].label, q[1].label, "on the front"},
		}}
	front := paretoFront(s.Policies, names)
	for i, p := range s.Policies {
		if !hasAll(p, names) {
			continue
		}
		verdict := "no"
		if front[i] {
			verdict = "yes"
		}
		cost, p95, co2e := q[0].text(p), q[1].text(p), q[2].text(p)
		d.Dots = append(d.Dots, dot{
			Name: p.Name, Color: policyColor(i), Hollow: !front[i],
			X: spanOf(p.Metrics[names[0]], q[0].factor), Y: spanOf(p.Metrics[names[1]], q[1].factor),
			Text: fmt.Sprintf("%s: %s %s, p95 %s %s, CO2e %s %s, on the front: %s", p.Name, cost, q[0].unit, p95, q[1].unit, co2e, q[2].unit, verdict),
		})
		c.Table.Rows = append(c.Table.Rows, []string{p.Name, cost, co2e, p95, verdict})
		c.Keys = append(c.Keys, legendKey{Name: p.Name, Color: policyColor(i), Mark: "dot", Series: []string{p.Name}})
	}
	if len(d.Dots) < 2 {
		return nil
	}
	c.Keys = append(c.Keys, ringMark)
	c.scaleDots(slos, q[1])
	return c
}

// priceAxis is how a metric is written on an axis.
type priceAxis struct {
	metric, label, unit string
	factor              float64
}

func newPriceAxis(s *results.Summary, metric string) priceAxis {
	largest := 0.0
	for _, p := range s.Policies {
		if e := p.Metrics[metric]; finite(e.Mean) {
			largest = max(largest, e.Mean)
		}
	}
	labels := map[string]string{
		"cost_usd_per_million_requests": "cost of a million requests", "latency_p95_seconds": "p95 latency",
		"co2e_grams_per_million_requests": "CO2e of a million requests", "energy_kwh": "energy of the facility",
	}
	bases := map[string]string{
		"cost_usd_per_million_requests": "USD", "latency_p95_seconds": "s", "co2e_grams_per_million_requests": "g", "energy_kwh": "kWh",
	}
	scale := scaleFor(bases[metric], Options{Currency: s.Currency}.currency(), largest)
	return priceAxis{metric: metric, label: withUnit(labels[metric], scale.unit), unit: scale.unit, factor: scale.factor}
}

// text is a policy's mean with its interval.
func (a priceAxis) text(p results.PolicySummary) string {
	e := p.Metrics[a.metric]
	x := spanOf(e, a.factor)
	if x.Low == x.High {
		return commas(tty.Number(x.Mean))
	}
	return fmt.Sprintf("%s [%s, %s]", commas(tty.Number(x.Mean)), commas(tty.Number(x.Low)), commas(tty.Number(x.High)))
}

// scaleDots fits the axes of a chart with a latency on Y to its dots and to the
// target, where one service has one.
func (c *chart) scaleDots(slos []SLO, y priceAxis) {
	d := c.Dots
	var xs, ys []float64
	for i := range d.Dots {
		p := &d.Dots[i]
		// An interval of the mean may reach below zero, no cost or latency does.
		p.X.Low, p.Y.Low = max(p.X.Low, 0), max(p.Y.Low, 0)
		xs, ys = append(xs, p.X.Low, p.X.High), append(ys, p.Y.Low, p.Y.High)
	}
	if len(slos) == 1 && slos[0].Quantile == "p95" { // of all requests only where there is one service
		v := slos[0].Seconds * y.factor
		d.Target = &target{Label: fmt.Sprintf("SLO %s %s", tickLabel(v), y.unit), Value: v}
		c.Keys = append(c.Keys, d.Target.key())
		ys = append(ys, v)
	}
	d.X, d.Y = scaleAround(xs), scaleAround(ys)
	d.placeLabels()
	if d.Y.Log {
		d.YName += ", log scale"
	}
}
