package report

import (
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// powerStates are what the facility's power is drawn for, from the top of the
// pile; what serves no request at once lies at its foot.
var powerStates = []struct {
	name, color string
	get         column
}{
	{"GPUs busy", "#009E73", func(p *results.Point) *float64 { return p.BusyWatts }},
	{"GPUs idle", "#E69F00", func(p *results.Point) *float64 { return p.IdleWatts }},
	{"hosts", "#8a8f98", func(p *results.Point) *float64 { return p.HostWatts }},
	{"nodes booting", "#D55E00", func(p *results.Point) *float64 { return p.BootWatts }},
	{"nodes asleep", "#0072B2", func(p *results.Point) *float64 { return p.SleepWatts }},
}

// maxPiles is how many policies get a chart of their own.
const maxPiles = 6

// powerByState is a chart for each policy: the facility's power, by what drew
// it. All have one scale, so that they can be compared.
func (t timeline) powerByState(grid []float64) []*chart {
	whole := func(p *results.Point) *float64 { return p.FacilityWatts }
	largest := t.largest("", whole)
	u := unitFor(largest, unitStep{1, "W"}, unitStep{1e-3, "kW"}, unitStep{1e-6, "MW"})
	var out []*chart
	for i, d := range t.runs[:min(len(t.runs), maxPiles)] {
		one := timeline{runs: []drawnRun{d}, axis: t.axis, limit: t.limit, seeds: t.seeds}
		c := chart{ID: fmt.Sprintf("chart-state-%d", i), Title: "Power by state: " + d.run.Policy,
			Caption: "Facility power by what drew it, PUE included. Stacked; the charts of all policies have the same scale.",
			Time:    &timeChart{YName: withUnit("power", u.unit), Unit: u.unit, Stacked: true},
		}
		if len(grid) > t.limit {
			c.Caption += fmt.Sprintf(" Means over %d slices of time.", t.limit)
		}
		if i == maxPiles-1 && len(t.runs) > maxPiles {
			c.Caption += fmt.Sprintf(" The first %d policies have such a chart, all have their watts in timeseries.csv.", maxPiles)
		}
		for _, state := range powerStates {
			if one.largest("", state.get) == 0 {
				continue
			}
			for _, s := range one.policyLines("", grid, state.get, u.factor) {
				s.Name, s.Color, s.Area, s.Step = state.name, state.color, true, true
				c.Time.Series = append(c.Time.Series, s)
			}
		}
		drawn := one.finish(c, grid, slicePick{text: "mean", mean: true})
		drawn.Time.Scale = linearScale(0, largest*u.factor)
		out = append(out, drawn)
	}
	return out
}
