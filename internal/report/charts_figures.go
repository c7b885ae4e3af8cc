package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// serviceCharts draws one service: its demand, latencies and replicas.
func (t timeline) serviceCharts(index int, service string, slos []SLO) []*chart {
	grid := t.grid(service)
	if len(grid) == 0 {
		return nil
	}
	figures := []*chart{t.demand(index, service, grid)}
	figures = append(figures, t.latencies(index, service, grid, slos)...)
	figures = append(figures, t.lost(index, service, grid), t.replicas(index, service, grid))
	figures = append(figures, t.simple(fmt.Sprintf("busy-%d", index), service, grid, quantity{
		title: "Busy share of the allocated GPUs", name: "busy share", units: []unitStep{{100, "%"}}, mean: true,
		get: func(p *results.Point) *float64 { return p.GPUBusyRatio },
	}))
	return present(figures)
}

// clusterCharts draws what all services share: nodes, power and carbon.
func (t timeline) clusterCharts() []*chart {
	grid := t.grid("")
	if len(grid) == 0 {
		return nil
	}
	figures := []*chart{
		t.simple("nodes", "", grid, quantity{
			title: "Nodes powered on", name: "nodes", units: []unitStep{{1, ""}}, step: true, mean: true,
			get: func(p *results.Point) *float64 { return p.NodesOn },
		}),
		t.simple("power", "", grid, quantity{
			title: "Facility power", name: "power, PUE included", units: []unitStep{{1, "W"}, {1e-3, "kW"}, {1e-6, "MW"}}, mean: true,
			get: func(p *results.Point) *float64 { return p.FacilityWatts },
		}),
	}
	figures = append(figures, t.powerByState(grid)...)
	figures = append(figures,
		t.simple("co2e", "", grid, quantity{
			title: "Operational CO2e", name: "emission rate", units: []unitStep{{1, "g/h"}, {1e-3, "kg/h"}, {1e-6, "t/h"}}, mean: true,
			get: func(p *results.Point) *float64 { return p.CO2eRate },
		}),
		t.carbonIntensity(grid),
	)
	return present(figures)
}

// present drops the charts for which there was nothing to draw.
func present(figures []*chart) []*chart {
	var out []*chart
	for _, c := range figures {
		if c != nil && len(c.Time.Series) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// quantity is what a chart with one line for each policy shows.
type quantity struct {
	title, name string
	units       []unitStep // from the smallest
	step, log   bool
	mean        bool // the table shows means over its slices, else maxima
	target      *target
	get         column
}

func (t timeline) simple(id, service string, grid []float64, q quantity) *chart {
	u := unitFor(t.largest(service, q.get), q.units...)
	c := chart{ID: "chart-" + id, Title: q.title, Time: &timeChart{
		YName: withUnit(q.name, u.unit), Unit: u.unit, Scale: valueScale{Log: q.log}, Target: q.target,
		Series: t.policyLines(service, grid, q.get, u.factor),
	}}
	for i := range c.Time.Series {
		c.Time.Series[i].Step = q.step
	}
	pick := slicePick{text: "largest value", mean: false}
	if q.mean {
		pick = slicePick{text: "mean", mean: true}
	}
	return t.finish(c, grid, pick)
}

func withUnit(name, unit string) string {
	if unit == "" {
		return name
	}
	return name + " (" + unit + ")"
}

// demand is what arrives and what each policy's ready replicas could serve.
// Policies see the same customers, in grey; but in a region each those that its
// router sends there.
func (t timeline) demand(index int, service string, grid []float64) *chart {
	arrivals := func(p *results.Point) *float64 { return p.ArrivalRate }
	c := chart{
		ID: fmt.Sprintf("chart-demand-%d", index), Title: "Demand against capacity", Wide: true,
		Caption: "Capacity is what the ready replicas could serve at full batches. Where it falls below demand, requests wait or are lost; what stands above demand is paid for and idle.",
		Time:    &timeChart{YName: "request rate (req/s)", Unit: "req/s"},
	}
	capacity := t.policyLines(service, grid, func(p *results.Point) *float64 { return p.CapacityRate }, 1)
	for i := range capacity {
		capacity[i].Step = true
	}
	demand := t.policyLines(service, grid, arrivals, 1)
	if alike(demand) && len(demand) > 0 {
		one := demand[0]
		one.Name, one.Color, one.Area = "demand", demandColor, true
		c.Time.Series = append([]series{one}, capacity...)
		return t.finish(c, grid, slicePick{text: "mean", mean: true})
	}
	if len(demand) > 0 {
		c.Caption += " Dashed: what each policy's router sends here."
	}
	for i := range demand {
		demand[i].Name += ", demand"
		demand[i].Dash = true
	}
	c.Time.Series = slices.Concat(capacity, demand)
	return t.finish(c, grid, slicePick{text: "mean", mean: true})
}

// alike reports whether all lines are the same one.
func alike(lines []series) bool {
	return !slices.ContainsFunc(lines, func(s series) bool {
		return !slices.EqualFunc(s.Y, lines[0].Y, func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
	})
}

// latencies is a chart for each of the median, the 95th and the 99th
// percentile, with the target in the one it is about.
func (t timeline) latencies(index int, service string, grid []float64, slos []SLO) []*chart {
	quantiles := []struct {
		name, title string
		get         column
	}{
		{"p95", "95th percentile of latency", func(p *results.Point) *float64 { return p.LatencyP95 }},
		{"p99", "99th percentile of latency", func(p *results.Point) *float64 { return p.LatencyP99 }},
		{"p50", "Median latency", func(p *results.Point) *float64 { return p.LatencyP50 }},
	}
	u := unitStep{1e3, "ms"}
	if t.largest(service, quantiles[0].get, quantiles[1].get, quantiles[2].get) >= 20 {
		u = unitStep{1, "s"}
	}
	var figures []*chart
	for _, q := range quantiles {
		var goal *target
		for _, slo := range slos {
			if slo.Service == service && slo.Quantile == q.name {
				goal = &target{Label: fmt.Sprintf("SLO %s %s", tickLabel(slo.Seconds*u.factor), u.unit), Value: slo.Seconds * u.factor}
			}
		}
		figures = append(figures, t.simple(fmt.Sprintf("%s-%d", q.name, index), service, grid, quantity{
			title: q.title, name: q.name + " latency", units: []unitStep{u}, log: true, target: goal, get: q.get,
		}))
	}
	return figures
}

// lost is the requests dropped and timed out; nil when there are none.
func (t timeline) lost(index int, service string, grid []float64) *chart {
	get := func(p *results.Point) *float64 { return p.LostRate }
	if t.largest(service, get) == 0 {
		return nil
	}
	return t.simple(fmt.Sprintf("lost-%d", index), service, grid, quantity{
		title: "Requests dropped or timed out", name: "loss rate", units: []unitStep{{1, "req/s"}}, mean: true, get: get,
	})
}

// replicas is the ready replicas, and dashed the desired ones.
func (t timeline) replicas(index int, service string, grid []float64) *chart {
	c := chart{
		ID: fmt.Sprintf("chart-replicas-%d", index), Title: "Replicas",
		Caption: "Solid: ready. Dashed: desired.", Time: &timeChart{YName: "replicas"},
	}
	ready := t.policyLines(service, grid, func(p *results.Point) *float64 { return p.ReplicasReady }, 1)
	desired := t.policyLines(service, grid, func(p *results.Point) *float64 { return p.ReplicasDesired }, 1)
	for i := range ready {
		ready[i].Step = true
	}
	for i := range desired {
		desired[i].Name += ", desired"
		desired[i].Step, desired[i].Dash = true, true
	}
	c.Time.Series = slices.Concat(ready, desired)
	t.markDecisions(&c, service)
	return t.finish(c, grid, slicePick{text: "mean", mean: true})
}

// carbonIntensity is the grid's, which no policy changes.
func (t timeline) carbonIntensity(grid []float64) *chart {
	lines := t.policyLines("", grid, func(p *results.Point) *float64 { return p.CarbonIntensity }, 1)
	if len(lines) == 0 {
		return nil
	}
	one := lines[0]
	one.Name, one.Color, one.Area = "grid", demandColor, true
	return t.finish(chart{ID: "chart-intensity", Title: "Carbon intensity of the grid", Time: &timeChart{
		YName: "intensity (gCO2e/kWh)", Unit: "gCO2e/kWh", Series: []series{one},
	}}, grid, slicePick{text: "mean", mean: true})
}
