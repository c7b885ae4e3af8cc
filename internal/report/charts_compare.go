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
	for _, c := range []*chart{tradeOff(s, slos), relative(s)} {
		if c != nil {
			out = append(out, c)
		}
	}
	return out
}

// tradeOff sets latency against energy: the price of one in the other.
func tradeOff(s *results.Summary, slos []SLO) *chart {
	const across, up = "energy_kwh", "latency_p95_seconds"
	largestX, largestY := 0.0, 0.0
	for _, p := range s.Policies {
		largestX, largestY = max(largestX, p.Metrics[across].Mean), max(largestY, p.Metrics[up].Mean)
	}
	scaleX, scaleY := scaleFor("kWh", "", largestX), scaleFor("s", "", largestY)
	d := &dotChart{XName: "energy of the facility (" + scaleX.unit + ")", YName: "p95 latency (" + scaleY.unit + ")"}
	c := &chart{ID: "chart-tradeoff", Title: "Latency against energy", Dots: d,
		Caption: "Down and left is better. Whiskers: confidence intervals."}
	var xs, ys []float64
	for i, p := range s.Policies {
		ex, okX := p.Metrics[across]
		ey, okY := p.Metrics[up]
		if !okX || !okY {
			continue
		}
		x, y := spanOf(ex, scaleX.factor), spanOf(ey, scaleY.factor)
		d.Dots = append(d.Dots, dot{
			Name: p.Name, Color: policyColor(i), X: x, Y: y,
			Text: fmt.Sprintf("%s: %s %s, p95 %s %s", p.Name, commas(tty.Number(x.Mean)), scaleX.unit, commas(tty.Number(y.Mean)), scaleY.unit),
		})
		xs, ys = append(xs, x.Low, x.High), append(ys, y.Low, y.High)
		c.Keys = append(c.Keys, legendKey{Name: p.Name, Color: policyColor(i), Mark: "dot", Series: []string{p.Name}})
	}
	if len(d.Dots) < 2 {
		return nil
	}
	if len(slos) == 1 && slos[0].Quantile == "p95" { // of all requests only where there is one service
		v := slos[0].Seconds * scaleY.factor
		d.Target = &target{Label: fmt.Sprintf("SLO %s %s", tickLabel(v), scaleY.unit), Value: v}
		c.Keys = append(c.Keys, d.Target.key())
		ys = append(ys, v)
	}
	d.X, d.Y = scaleAround(xs), scaleAround(ys)
	d.placeLabels()
	if d.Y.Log {
		d.YName += ", log scale"
	}
	return c
}

// relative is each policy's price as a change from the first policy.
func relative(s *results.Summary) *chart {
	d := &dotChart{}
	c := &chart{ID: "chart-relative", Dots: d,
		Caption: "Left of zero saves. Paired by seed; whiskers: confidence intervals."}
	xs := []float64{0}
	labels := []struct{ metric, text string }{
		{"energy_kwh", "energy"},
		{"co2e_grams_per_million_requests", "CO2e per request"},
		{"cost_usd_per_million_requests", "cost per request"},
	}
	for _, l := range labels {
		for i, p := range s.Policies {
			cmp, ok := comparisonOf(s, p.Name, l.metric)
			if !ok || i == 0 || !finite(cmp.DeltaRatio, cmp.CILow, cmp.CIHigh) {
				continue
			}
			x := span{100 * cmp.DeltaRatio, 100 * cmp.CILow, 100 * cmp.CIHigh}
			row := float64(len(d.Rows))
			d.Rows = append(d.Rows, l.text+" · "+shorten(p.Name))
			d.Dots = append(d.Dots, dot{
				Name: p.Name, Color: policyColor(i), X: x, Y: span{row, row, row},
				Text: fmt.Sprintf("%s, %s: %s [%s, %s]", p.Name, l.text, percent(cmp.DeltaRatio), percent(cmp.CILow), percent(cmp.CIHigh)),
			})
			xs = append(xs, x.Low, x.High)
		}
	}
	if len(d.Dots) == 0 {
		return nil
	}
	c.Title = "Energy, CO2e and cost relative to " + s.Policies[0].Name
	d.XName = "change from " + shorten(s.Policies[0].Name) + " (%)"
	for i, p := range s.Policies[1:] {
		c.Keys = append(c.Keys, legendKey{Name: p.Name, Color: policyColor(i + 1), Mark: "dot", Series: []string{p.Name}})
	}
	d.X, d.Y = scaleOf(false, xs), valueScale{Min: -0.5, Max: float64(len(d.Rows)) - 0.5, Step: 1}
	return c
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
