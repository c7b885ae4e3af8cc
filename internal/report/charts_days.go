package report

import (
	"fmt"
	"math"
	"time"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
	"github.com/kwatt-sim/kwatt/internal/units"
)

const dayMinutes = 24 * 60

// dayView is the window's days, one beside the other: what a long trace hides in
// charts whose lines are thinned.
func (t timeline) dayView(services []string) []*chart {
	if t.axis.Span <= 2*dayMinutes || len(t.runs) == 0 {
		return nil
	}
	energy := t.byDay(t.grid(""), dayQuantity{
		id: "energy", title: "Energy by day", name: "energy of the facility", unit: unitStep{1, "kWh"}, sum: true,
		get: func(p *results.Point) *float64 { return p.FacilityWatts },
		of:  func(watts, seconds float64) float64 { return units.KWh(watts * seconds) },
	}, "")
	co2e := t.byDay(t.grid(""), dayQuantity{
		id: "co2e", title: "Operational CO2e by day", name: "operational CO2e", unit: unitStep{1e-3, "kg"}, sum: true,
		get: func(p *results.Point) *float64 { return p.CO2eRate },
		of:  func(perHour, seconds float64) float64 { return perHour * seconds / 3600 },
	}, "")
	out := []*chart{energy, co2e}
	for i, s := range services {
		out = append(out, t.byDay(t.grid(s), dayQuantity{
			id: fmt.Sprintf("p95-%d", i), title: "Highest p95 latency by day: " + s, name: "p95 latency of the slowest bin", unit: unitStep{1e3, "ms"},
			get: func(p *results.Point) *float64 { return p.LatencyP95 },
		}, s))
	}
	return present(out)
}

// dayQuantity is a figure of a day: a sum over its bins, or their largest.
type dayQuantity struct {
	id, title, name string
	unit            unitStep
	sum             bool
	get             column
	of              func(value, seconds float64) float64 // a bin's part of a sum
}

// byDay is a chart with a step for each day and policy. A day begins at
// midnight where the trace has a clock, else every 24 hours; the first and the
// last may be short.
func (t timeline) byDay(grid []float64, q dayQuantity, service string) *chart {
	c := chart{ID: "chart-day-" + q.id, Title: q.title, Caption: "A step a day; the first and the last may be parts of one.",
		Time: &timeChart{Axis: t.axis, YName: withUnit(q.name, q.unit.unit), Unit: q.unit.unit}}
	ends := t.dayEnds()
	c.Table = &dataTable{Caption: c.Time.YName + ", by day.", Head: []string{"day"}}
	for i := range ends {
		c.Table.Rows = append(c.Table.Rows, []string{t.dayName(i)})
	}
	// A day's value stands at both of its ends: the first needs a start.
	c.Time.X = append([]float64{t.axis.Start}, ends...)
	var columns [][]float64
	for _, line := range t.policyLines(service, grid, q.get, 1) {
		days := t.perDay(grid, line.Y, ends, q)
		line.Step, line.Y = true, append([]float64{days[0]}, days...)
		c.Time.Series = append(c.Time.Series, line)
		columns = append(columns, line.Y)
		c.Table.Head = append(c.Table.Head, line.Name)
		for i, v := range days {
			text := absent
			if finite(v) {
				text = commas(tty.Number(v))
			}
			c.Table.Rows[i] = append(c.Table.Rows[i], text)
		}
	}
	c.Caption += t.seedCaption(t.runs...)
	c.Time.Scale = scaleOf(false, columns...)
	c.Keys = keysOf(c.Time.Series)
	return &c
}

// dayEnds are the minutes of the axis at which its days end.
func (t timeline) dayEnds() []float64 {
	end := t.axis.Start + t.axis.Span
	var out []float64
	for at := (math.Floor(t.axis.Start/dayMinutes) + 1) * dayMinutes; at < end-1e-6; at += dayMinutes {
		out = append(out, at)
	}
	return append(out, end)
}

func (t timeline) dayName(i int) string {
	if !t.axis.clocked() {
		return fmt.Sprintf("day %d", i+1)
	}
	first := math.Floor(t.axis.Start/dayMinutes) * dayMinutes
	at := t.axis.Midnight.Add(time.Duration((first + float64(i)*dayMinutes) * float64(time.Minute)))
	return at.Format("Mon 2 January 2006")
}

// perDay is the figure of each day; NaN where no bin has a value. A bin belongs
// to the day in which it ends.
func (t timeline) perDay(grid, values, ends []float64, q dayQuantity) []float64 {
	out := make([]float64, len(ends))
	for i := range out {
		out[i] = math.NaN()
	}
	day, from := 0, 0.0
	for i, v := range values {
		at, seconds := t.axis.Start+grid[i]/60, grid[i]-from
		from = grid[i]
		for day < len(ends)-1 && at > ends[day]+1e-6 {
			day++
		}
		switch {
		case math.IsNaN(v):
		case q.sum && math.IsNaN(out[day]):
			out[day] = q.of(v, seconds) * q.unit.factor
		case q.sum:
			out[day] += float64(q.of(v, seconds) * q.unit.factor)
		case math.IsNaN(out[day]):
			out[day] = v * q.unit.factor
		default:
			out[day] = max(out[day], v*q.unit.factor)
		}
	}
	return out
}
