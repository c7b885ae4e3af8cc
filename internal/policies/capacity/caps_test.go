package capacity_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
)

// capped is a pool of single requests: 10 ms at 100 W, under a cap of 70 W 12 ms at
// 70 W, under 50 W 40 ms at 50 W.
func capped() policies.Model {
	return policies.Model{
		Service: "ranker", MaxBatch: 1, Instances: 1, LatencyTarget: 0.03, LatencyQuantile: 0.95,
		Pools: []policies.Pool{{
			Name: "p", PodsPerNode: 2, GPUsPerNode: 2, MaxNodes: 10, Share: 1, HostPerWatt: 0.2,
			BatchSeconds: []float64{0, 0.01}, BusyWatts: []float64{0, 100}, ContextWatts: 30, BareWatts: 20, NodeBaseWatts: 100, CapWatts: 100,
			Caps: []policies.PowerCap{
				{Watts: 50, BatchSeconds: []float64{0, 0.04}, BusyWatts: []float64{0, 50}},
				{Watts: 70, BatchSeconds: []float64{0, 0.012}, BusyWatts: []float64{0, 70}},
				{Watts: 100, BatchSeconds: []float64{0, 0.01}, BusyWatts: []float64{0, 100}},
			},
		}},
	}
}

// The cap of 50 W breaks the SLO at once, so it is no level. At 20 req/s one replica
// is busy 0.2 of the time at 100 W, or 0.24 at 70 W; by hand, with the host's 20 %:
// 100 + 2·20 + 1.2·(30-20) + 1.2·0.2·70 = 168.8 W, and 1.2·0.24·40 = 11.52 W in
// place of the last 16.8 W.
func TestLevels(t *testing.T) {
	levels, err := capacity.Levels(capped(), 0.85)
	if err != nil {
		t.Fatal(err)
	}
	if len(levels) != 2 || levels[0].Caps[0] != 0 || levels[1].Caps[0] != 70 {
		t.Fatalf("%+v", levels)
	}
	b := capacity.Bounds{Min: 1, Max: 20}
	level, best := capacity.CheapestOf(levels, 20, b)
	if level != 1 || best.Replicas != 1 || math.Abs(best.Watts-163.52) > 0.01 {
		t.Errorf("level %d, %+v", level, best)
	}
	if p := levels[0].Cheapest(20, b); math.Abs(p.Watts-168.8) > 0.01 {
		t.Errorf("at its own cap: %+v", p)
	}
	if level, best := capacity.CheapestOf(levels, 1e6, b); level != 0 || !best.Overload || best.Replicas != 20 {
		t.Errorf("beyond all: level %d, %+v", level, best)
	}
	// One replica more is not worth a lower cap; a static cap of 70 W is the first level.
	m := capped()
	m.Pools[0].CapWatts, m.Pools[0].BatchSeconds, m.Pools[0].BusyWatts = 70, m.Pools[0].Caps[1].BatchSeconds, m.Pools[0].Caps[1].BusyWatts
	if levels, err := capacity.Levels(m, 0.85); err != nil || len(levels) != 1 {
		t.Errorf("%d levels, %v", len(levels), err)
	}
}

// More to choose from never draws more, and keeps the SLO.
func TestCapsDrawNoMore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := capped()
		p := &m.Pools[0]
		p.HostPerWatt = rapid.Float64Range(0, 0.5).Draw(rt, "host")
		p.NodeBaseWatts = rapid.Float64Range(0, 300).Draw(rt, "base")
		m.LatencyTarget = rapid.Float64Range(0.015, 0.3).Draw(rt, "target")
		slower := rapid.Float64Range(1, 2).Draw(rt, "slower")
		p.Caps[1].BatchSeconds = []float64{0, 0.01 * slower}
		p.Caps[0].BatchSeconds = []float64{0, 0.01 * slower * rapid.Float64Range(1, 2).Draw(rt, "slower still")}
		levels, err := capacity.Levels(m, 0.85)
		if err != nil {
			rt.Fatal(err)
		}
		last, b := 0.0, capacity.Bounds{Min: 1, Max: 20}
		for demand := 10.0; demand < 1500; demand += 53 {
			own := levels[0].Cheapest(demand, b)
			_, best := capacity.CheapestOf(levels, demand, b)
			switch {
			case own.Overload != best.Overload && own.Overload:
				rt.Fatalf("%v req/s: a cap serves what the board's own does not", demand)
			case best.Overload:
				return
			case best.Watts > own.Watts || best.Watts < last:
				rt.Fatalf("%v req/s: %v W, without caps %v W, for less demand %v W", demand, best.Watts, own.Watts, last)
			case best.Latency > m.LatencyTarget*(1+1e-6):
				rt.Fatalf("%v req/s: latency %v s of %v s", demand, best.Latency, m.LatencyTarget)
			}
			last = best.Watts
		}
	})
}
