package calibrate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/powerprofile"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// Bounds of grade A.
const (
	mostDisagreement = 0.05 // of the power reading with the energy counter
	mostHampered     = 0.01 // part of the samples with the clocks held down by heat or a brake
)

// figures turns cells into figures.
type figures struct {
	method   sensor // what watts are
	reading  sensor // what the energy counter is compared with, and what std is of
	readings powerprofile.Readings
	impure   []string // what marks every figure
}

// newFigures chooses the sensors for all cells alike: the energy counter, if it
// gave a slope in every cell, and the most direct of the power readings.
func newFigures(cells []Measured, impure []string) figures {
	f := figures{method: usage, reading: usage, readings: readings(cells), impure: impure}
	counted := true
	for _, m := range cells {
		rows := m.phase(Measure)
		if instant.there(rows) {
			f.reading = instant
		}
		counted = counted && (m.Cell.Kind == Step || slope(rows).OK)
	}
	f.method = f.reading
	if counted {
		f.method = energy
	}
	f.readings.Watts = f.method.name
	return f
}

// of is the figure of one cell.
func (f figures) of(m Measured) powerprofile.Figure {
	rows := m.phase(Measure)
	fig := powerprofile.Figure{
		EnergyWatts: known(slope(rows)), InstantWatts: mean(rows, instant.of), UsageWatts: mean(rows, usage.of),
		Celsius:        mean(rows, func(r Row) Quantity { return r.State.Celsius }),
		SMClockMHz:     mean(rows, func(r Row) Quantity { return r.State.SMClock }),
		MemoryClockMHz: mean(rows, func(r Row) Quantity { return r.State.MemoryClock }),
		Utilisation:    mean(rows, func(r Row) Quantity { return r.State.Utilisation }),
		Measured:       units.Duration(m.end().At.Sub(rows[0].At).Round(time.Millisecond)),
		Settled:        units.Duration(rows[0].At.Sub(m.Rows[0].At).Round(time.Millisecond)),
		Throttle:       throttled(rows),
		Std:            round(deviation(f.reading.values(rows))),
		N:              f.independent(rows),
	}
	fig.Watts = round(average(f.reading.values(rows)))
	if f.method.name == energy.name && fig.EnergyWatts != nil {
		fig.Watts = *fig.EnergyWatts
	}
	f.grade(&fig, m, rows)
	return fig
}

// independent is how many of the samples are not repetitions of the sensor's
// last reading.
func (f figures) independent(rows []Row) int {
	changes := len(f.reading.changes(rows)) + 1
	r := f.readings.Usage
	if f.reading.name == instant.name {
		r = f.readings.Instant
	}
	if r == nil || r.Update == nil || *r.Update == 0 {
		return changes
	}
	span := rows[len(rows)-1].At.Sub(rows[0].At)
	return max(1, min(len(rows), int(span/r.Update.D())))
}

// grade says A, or B or C and why.
func (f figures) grade(fig *powerprofile.Figure, m Measured, rows []Row) {
	g := grade.A
	note := func(worst grade.Grade, format string, args ...any) {
		g = grade.Worse(g, worst)
		fig.Notes = append(fig.Notes, fmt.Sprintf(format, args...))
	}
	if !m.end().Steady && m.Cell.Kind != Observe {
		note(grade.B, "not steady after %v", fig.Settled)
	}
	for _, name := range hampered.Names() {
		if share := fig.Throttle[name]; share > mostHampered {
			note(grade.B, "clocks were held down by %s for %.0f %% of the samples", name, 100*share)
		}
	}
	if f.method.name == energy.name && fig.EnergyWatts == nil {
		note(grade.B, "the energy counter stood still: watts are the mean of the %s reading", f.reading.name)
	}
	if d := f.disagreement(rows); d.OK && math.Abs(d.V) > mostDisagreement {
		note(grade.B, "the %s reading is %+.1f %% off the energy counter", f.reading.name, 100*d.V)
	}
	others := 0
	for _, r := range m.Rows {
		others = max(others, r.Others)
	}
	if others > 0 && m.Cell.Kind != Observe {
		note(grade.C, "%d processes of others were on the GPU", others)
	}
	for _, reason := range f.impure {
		note(grade.C, "%s", reason)
	}
	fig.Grade = g.String()
}

// disagreement is reading / energy counter − 1.
func (f figures) disagreement(rows []Row) Quantity {
	counted, values := slope(rows), f.reading.values(rows)
	if !counted.OK || len(values) == 0 {
		return Quantity{}
	}
	return Of(average(values)/counted.V - 1)
}

// disagreements sums them up over the cells; nil without an energy counter.
func (f figures) disagreements(cells []Measured) *powerprofile.Disagreement {
	d := powerprofile.Disagreement{Reading: f.reading.name}
	var all []float64
	for _, m := range cells {
		if m.Cell.Kind == Step {
			continue
		}
		one := f.disagreement(m.phase(Measure))
		if !one.OK {
			continue
		}
		if len(all) == 0 || math.Abs(one.V) > math.Abs(d.Worst) {
			d.Worst, d.WorstCell = one.V, m.Cell.ID()
		}
		all = append(all, one.V)
	}
	if len(all) == 0 {
		return nil
	}
	d.Mean, d.Worst = round(average(all)), round(d.Worst)
	return &d
}

// throttled is the part of the samples with each reason.
func throttled(rows []Row) map[string]float64 {
	counts := map[string]int{}
	for _, r := range rows {
		for _, name := range r.State.Throttle.Names() {
			counts[name]++
		}
	}
	if len(counts) == 0 {
		return nil
	}
	parts := map[string]float64{}
	for name, n := range counts {
		parts[name] = round(float64(n) / float64(len(rows)))
	}
	return parts
}

// mean of a quantity over the rows that have it; nil when none has.
func mean(rows []Row, of func(Row) Quantity) *float64 {
	values := sensor{of: of}.values(rows)
	if len(values) == 0 {
		return nil
	}
	return known(Of(average(values)))
}

// known is q as a profile holds it.
func known(q Quantity) *float64 {
	if !q.OK {
		return nil
	}
	v := round(q.V)
	return &v
}

// round keeps six significant digits: more than any sensor has.
func round(v float64) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	return r
}

// sortCells orders complete cells as the plan has them.
func sortCells(cells []Measured, p Plan) []Measured {
	rank := map[string]int{}
	for i, c := range p.Cells {
		rank[c.ID()] = i
	}
	sorted := slices.Clone(cells)
	slices.SortStableFunc(sorted, func(a, b Measured) int { return rank[a.Cell.ID()] - rank[b.Cell.ID()] })
	return sorted
}
