package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// drawnRun is the replication that stands for a policy in the charts over
// time: the one with its smallest seed.
type drawnRun struct {
	index int // of the policy in the summary, which gives the colour
	run   *results.Run
}

// drawnRuns picks one run for each policy of the summary, in its order.
// Policies without a run are left out.
func drawnRuns(s *results.Summary, runs []*results.Run) []drawnRun {
	var out []drawnRun
	for i, p := range s.Policies {
		var first *results.Run
		for _, r := range runs {
			if r != nil && r.Policy == p.Name && (first == nil || r.Seed < first.Seed) {
				first = r
			}
		}
		if first != nil {
			out = append(out, drawnRun{index: i, run: first})
		}
	}
	return out
}

// timeline builds the charts over time; all have the same axis.
type timeline struct {
	runs  []drawnRun
	axis  timeAxis
	limit int    // points to a series
	seeds string // how many replications there are of a policy, in words
}

func newTimeline(runs []drawnRun, start time.Time, limit int) timeline {
	end := 0.0
	for _, d := range runs {
		for _, p := range d.run.Points {
			end = max(end, p.T)
		}
	}
	return timeline{runs: runs, axis: newTimeAxis(start, end/60), limit: limit}
}

// column reads one quantity of a point; nil is a gap.
type column func(*results.Point) *float64

// grid is the ends of all bins of a service (or of the cluster, ""), in
// seconds; runs of one scenario share them.
func (t timeline) grid(service string) []float64 {
	var seconds []float64
	for _, d := range t.runs {
		for _, p := range d.run.Points {
			if p.Service == service {
				seconds = append(seconds, p.T)
			}
		}
	}
	slices.Sort(seconds)
	return slices.Compact(seconds)
}

// values puts a quantity of a run on the grid, times factor.
func (t timeline) values(d drawnRun, service string, grid []float64, get column, factor float64) []float64 {
	out := make([]float64, len(grid))
	for i := range out {
		out[i] = math.NaN()
	}
	for i := range d.run.Points {
		p := &d.run.Points[i]
		v := get(p)
		if p.Service != service || v == nil || math.IsInf(*v, 0) {
			continue
		}
		if at, ok := slices.BinarySearch(grid, p.T); ok {
			out[at] = results.Round(*v) * factor // as the run's files have it
		}
	}
	return out
}

// policyLines is one line for each drawn policy.
func (t timeline) policyLines(service string, grid []float64, get column, factor float64) []series {
	var out []series
	for _, d := range t.runs {
		y := t.values(d, service, grid, get, factor)
		if slices.ContainsFunc(y, func(v float64) bool { return !math.IsNaN(v) }) {
			out = append(out, series{Name: d.run.Policy, Color: policyColor(d.index), Y: y})
		}
	}
	return out
}

// largest finds the largest value of a quantity in all drawn runs.
func (t timeline) largest(service string, gets ...column) float64 {
	largest := 0.0
	for _, d := range t.runs {
		for i := range d.run.Points {
			p := &d.run.Points[i]
			for _, get := range gets {
				if v := get(p); p.Service == service && v != nil && !math.IsInf(*v, 0) && !math.IsNaN(*v) {
					largest = max(largest, *v)
				}
			}
		}
	}
	return largest
}

// unitStep is a unit and the factor that leads to it.
type unitStep struct {
	factor float64
	unit   string
}

// unitFor is the last unit in which the largest value is at least 1; the
// steps are ordered from the smallest unit.
func unitFor(largest float64, steps ...unitStep) unitStep {
	best := steps[0]
	for _, s := range steps[1:] {
		if largest*s.factor >= 1 {
			best = s
		}
	}
	return best
}

// finish thins the series, scales the axis and adds the table and the legend.
func (t timeline) finish(c chart, grid []float64, pick slicePick) *chart {
	x := make([]float64, len(grid))
	for i, s := range grid {
		x[i] = t.axis.Start + s/60
	}
	columns := make([][]float64, len(c.Time.Series))
	for i, s := range c.Time.Series {
		columns[i] = s.Y
	}
	c.Time.Axis = t.axis
	c.Table = sliceTable(t.axis, x, c.Time, pick)
	if c.Time.Stacked {
		c.Time.X, columns = thinMeans(x, columns, t.limit)
		pile(columns)
	} else {
		c.Time.X, columns = downsample(x, columns, t.limit)
	}
	for i := range c.Time.Series {
		c.Time.Series[i].Y = columns[i]
	}
	if c.Time.Target != nil {
		columns = append(columns, []float64{c.Time.Target.Value})
	}
	for _, m := range c.Time.Marks {
		columns = append(columns, []float64{m.Y})
	}
	c.Caption = strings.TrimSpace(c.Caption + t.seedCaption(t.runs...))
	c.Time.Scale = scaleOf(c.Time.Scale.Log, columns...)
	if c.Time.Scale.Log {
		c.Time.YName += ", log scale"
	}
	c.Keys = keysOf(c.Time.Series)
	if c.Time.Stacked { // without one of its parts the others would stand on nothing
		for i := range c.Keys {
			c.Keys[i].Series, c.Keys[i].Mark = nil, "block"
		}
	}
	if c.Time.Target != nil {
		c.Keys = append(c.Keys, c.Time.Target.key())
	}
	return &c
}

// keysOf makes a legend entry for each name; a dashed "hpa, desired" belongs to "hpa".
func keysOf(all []series) []legendKey {
	var keys []legendKey
	for _, s := range all {
		owner := slices.IndexFunc(keys, func(k legendKey) bool { return s.Dash && strings.HasPrefix(s.Name, k.Name+", ") })
		if owner >= 0 {
			keys[owner].Series = append(keys[owner].Series, s.Name)
			continue
		}
		mark := "line"
		if s.Area {
			mark = "area"
		}
		keys = append(keys, legendKey{Name: s.Name, Color: s.Color, Mark: mark, Series: []string{s.Name}})
	}
	return keys
}

// binText says over what time one value is taken: "bins of 1m".
func (t timeline) binText(service string) string {
	grid := t.grid(service)
	if len(grid) < 2 {
		return ""
	}
	bin := time.Duration((grid[1] - grid[0]) * float64(time.Second)).Round(time.Millisecond)
	text := fmt.Sprintf("bins of %s", units.Duration(bin))
	if len(grid) > t.limit {
		text += fmt.Sprintf(", thinned to %d points that keep every peak", t.limit/2*2)
	}
	return text
}

// seedCaption ends the caption of a chart over time: which replications it draws,
// of how many.
func (t timeline) seedCaption(runs ...drawnRun) string {
	drawn := seedText(runs)
	if drawn == "" || t.seeds == "" {
		return ""
	}
	return fmt.Sprintf(" Drawn: %s, n = 1 of %s.", drawn, t.seeds)
}

// seedText says which replications the charts over time draw.
func seedText(runs []drawnRun) string {
	if len(runs) == 0 {
		return ""
	}
	low := slices.MinFunc(runs, func(a, b drawnRun) int { return cmp.Compare(a.run.Seed, b.run.Seed) }).run.Seed
	high := slices.MaxFunc(runs, func(a, b drawnRun) int { return cmp.Compare(a.run.Seed, b.run.Seed) }).run.Seed
	if low == high {
		return fmt.Sprintf("seed %d", low)
	}
	return fmt.Sprintf("each policy's first seed, from %d to %d", low, high)
}
