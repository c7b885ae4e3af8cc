package report

import (
	"fmt"
	"math"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// compareCharts draws the policies against each other over all seeds.
func compareCharts(s *results.Summary, slos []SLO) []*chart {
	var out []*chart
	for _, c := range []*chart{tradeOff(s, slos), pareto(s, slos), relativePrices(s), relativeLatency(s)} {
		if c != nil {
			out = append(out, c)
		}
	}
	fillRows(out)
	return out
}

// tradeOff sets latency against energy: the price of one in the other. It is nil
// where the Pareto chart already does.
func tradeOff(s *results.Summary, slos []SLO) *chart {
	if frontMetrics(s)[0] == "energy_kwh" {
		return nil // the Pareto chart shows just these
	}
	across, up := newPriceAxis(s, "energy_kwh"), newPriceAxis(s, "latency_p95_seconds")
	d := &dotChart{XName: across.label, YName: up.label}
	c := &chart{ID: "chart-tradeoff", Title: "Latency against energy", Dots: d,
		Caption: "Down and left is better. Means over " + seedsText(s) + "; whiskers: confidence intervals.",
		Table: &dataTable{
			Caption: "Means over " + seedsText(s) + ", with confidence intervals.",
			Head:    []string{"policy", across.label, up.label},
		}}
	for i, p := range s.Policies {
		if !hasAll(p, []string{across.metric, up.metric}) {
			continue
		}
		x, y := spanOf(p.Metrics[across.metric], across.factor), spanOf(p.Metrics[up.metric], up.factor)
		d.Dots = append(d.Dots, dot{
			Name: p.Name, Color: policyColor(i), X: x, Y: y,
			Text: fmt.Sprintf("%s: %s %s, p95 %s %s", p.Name, commas(tty.Number(x.Mean)), across.unit, commas(tty.Number(y.Mean)), up.unit),
		})
		c.Table.Rows = append(c.Table.Rows, []string{p.Name, across.text(p), up.text(p)})
		c.Keys = append(c.Keys, legendKey{Name: p.Name, Color: policyColor(i), Mark: "dot", Series: []string{p.Name}})
	}
	if len(d.Dots) < 2 {
		return nil
	}
	c.scaleDots(slos, up)
	return c
}

// forestRow is a metric of a forest plot, and its name there.
type forestRow struct{ metric, text string }

// relativePrices is what a policy saves against the first one.
func relativePrices(s *results.Summary) *chart {
	return forest(s, "relative", "Energy, CO2e and cost", []forestRow{
		{"energy_kwh", "energy"},
		{"co2e_grams_per_million_requests", "CO2e per request"},
		{"cost_usd_per_million_requests", "cost per request"},
	})
}

// relativeLatency has an axis of its own: latencies may change by factors where
// prices change by percents.
func relativeLatency(s *results.Summary) *chart {
	return forest(s, "relative-latency", "Latency", []forestRow{
		{"latency_p50_seconds", "p50 latency"},
		{"latency_p95_seconds", "p95 latency"},
		{"latency_p99_seconds", "p99 latency"},
	})
}

// forest is each policy's change from the first policy, paired by seed, with
// its interval: a row for each metric and policy.
func forest(s *results.Summary, id, title string, rows []forestRow) *chart {
	d := &dotChart{}
	c := &chart{ID: "chart-" + id, Dots: d,
		Caption: "Left of zero is less. Paired by seed over " + seedsText(s) + "; whiskers: confidence intervals. Hollow: cannot be told from no change.",
		Table: &dataTable{
			Caption: "Change from the first policy, paired by seed over " + seedsText(s) + "; p of an exact sign-flip test, corrected for the metrics shown.",
			Head:    []string{"metric", "policy", "change", "interval", "p", "verdict"},
		}}
	xs := []float64{0}
	for _, l := range rows {
		for i, p := range s.Policies {
			cmp, ok := comparisonOf(s, p.Name, l.metric)
			if !ok || i == 0 || !finite(cmp.DeltaRatio, cmp.CILow, cmp.CIHigh) {
				continue
			}
			x := span{100 * cmp.DeltaRatio, 100 * cmp.CILow, 100 * cmp.CIHigh}
			row := float64(len(d.Rows))
			interval := fmt.Sprintf("[%s, %s]", percent(cmp.CILow), percent(cmp.CIHigh))
			d.Rows = append(d.Rows, l.text+" · "+shorten(p.Name))
			d.Dots = append(d.Dots, dot{
				Name: p.Name, Color: policyColor(i), Hollow: cmp.Verdict == "~", X: x, Y: span{row, row, row},
				Text: fmt.Sprintf("%s, %s: %s %s", p.Name, l.text, percent(cmp.DeltaRatio), interval),
			})
			c.Table.Rows = append(c.Table.Rows, []string{l.text, p.Name, percent(cmp.DeltaRatio), interval, pText(cmp.P), verdictText(cmp.Verdict)})
			xs = append(xs, x.Low, x.High)
		}
	}
	if len(d.Dots) == 0 {
		return nil
	}
	c.Title = title + " relative to " + s.Policies[0].Name
	d.XName = "change from " + shorten(s.Policies[0].Name) + " (%)"
	for i, p := range s.Policies[1:] {
		c.Keys = append(c.Keys, legendKey{Name: p.Name, Color: policyColor(i + 1), Mark: "dot", Series: []string{p.Name}})
	}
	d.X, d.Y = scaleOf(false, xs), valueScale{Min: -0.5, Max: float64(len(d.Rows)) - 0.5, Step: 1}
	return c
}

func pText(p float64) string {
	if !finite(p) {
		return absent
	}
	return tty.Number(p)
}

func verdictText(verdict string) string {
	if verdict == "~" {
		return "cannot tell"
	}
	return verdict
}

// shorten keeps a name from filling an axis; the legend has it in full.
func shorten(name string) string {
	const most = 24
	if runes := []rune(name); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return name
}

// spanOf scales an estimate; an interval that is not finite shrinks to the mean.
func spanOf(e results.Estimate, factor float64) span {
	s := span{e.Mean * factor, e.CILow * factor, e.CIHigh * factor}
	if !finite(s.Low, s.High) {
		s.Low, s.High = s.Mean, s.Mean
	}
	return s
}

func finite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
