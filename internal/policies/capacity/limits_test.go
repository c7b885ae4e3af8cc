package capacity_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
)

func toCap(watts float64) policies.Limit {
	return policies.Limit{Kind: policies.PowerCap, Value: watts}
}
func toClock(mhz float64) policies.Limit { return policies.Limit{Kind: policies.SMClock, Value: mhz} }

// capped is a pool of single requests: 10 ms at 100 W, under a cap of 70 W 12 ms at
// 70 W, under 50 W 40 ms at 50 W.
func capped() policies.Model {
	return policies.Model{
		Service: "ranker", MaxBatch: 1, Instances: 1, LatencyTarget: 0.03, LatencyQuantile: 0.95,
		Pools: []policies.Pool{{
			Name: "p", PodsPerNode: 2, GPUsPerNode: 2, MaxNodes: 10, Share: 1, HostPerWatt: 0.2,
			BatchSeconds: []float64{0, 0.01}, BusyWatts: []float64{0, 100}, ContextWatts: 30, BareWatts: 20, NodeBaseWatts: 100, CapWatts: 100,
			Limits: []policies.Limited{
				{Limit: toCap(50), BatchSeconds: []float64{0, 0.04}, BusyWatts: []float64{0, 50}},
				{Limit: toCap(70), BatchSeconds: []float64{0, 0.012}, BusyWatts: []float64{0, 70}},
			},
		}},
	}
}

// The cap of 50 W breaks the SLO at once, so it is no level. At 20 req/s one replica
// is busy 0.2 of the time at 100 W, or 0.24 at 70 W; by hand, with the host's 20 %:
// 100 + 2·20 + 1.2·(30-20) + 1.2·0.2·70 = 168.8 W, and 1.2·0.24·40 = 11.52 W in
// place of the last 16.8 W.
func TestLevels(t *testing.T) {
	levels, err := capacity.Levels(capped(), 0.85, policies.PowerCap)
	if err != nil {
		t.Fatal(err)
	}
	if len(levels) != 2 || levels[0].Limits[0] != (policies.Limit{}) || levels[1].Limits[0] != toCap(70) {
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
	// Kinds that are not asked for are left out.
	if levels, err := capacity.Levels(capped(), 0.85, policies.SMClock); err != nil || len(levels) != 1 {
		t.Errorf("%d levels, %v", len(levels), err)
	}
}

// Beside the caps, 1200 MHz: 11 ms at 80 W. It serves more than under 70 W, so it comes
// before. At 20 req/s 140 + 1.2·10 + 1.2·0.22·50 = 165.2 W; at the cap 163.52 W, which is
// less. At 800 MHz, 13 ms at 60 W, it is 140 + 12 + 1.2·0.26·30 = 161.36 W. At 74 req/s
// only the board's own and 1200 MHz serve it on one replica: 140 + 12 + 1.2·0.74·70 =
// 214.16 W and 152 + 1.2·0.814·50 = 200.84 W.
func TestCapOrClock(t *testing.T) {
	m := capped()
	m.LatencyTarget = 0
	p := &m.Pools[0]
	p.Limits = append(p.Limits[1:],
		policies.Limited{Limit: toClock(800), BatchSeconds: []float64{0, 0.013}, BusyWatts: []float64{0, 60}},
		policies.Limited{Limit: toClock(1200), BatchSeconds: []float64{0, 0.011}, BusyWatts: []float64{0, 80}})
	levels, err := capacity.Levels(m, 0.85, policies.PowerCap, policies.SMClock)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, l := range levels {
		order = append(order, l.Limits[0].String())
	}
	if want := []string{"none", "1200 MHz", "70 W", "800 MHz"}; !slices.Equal(order, want) {
		t.Fatalf("levels %v, want %v", order, want)
	}
	one := capacity.Bounds{Min: 1, Max: 1}
	for _, x := range []struct {
		rate   float64
		kinds  []policies.LimitKind
		choice string
		watts  float64
	}{
		{20, []policies.LimitKind{policies.PowerCap}, "70 W", 163.52},
		{20, []policies.LimitKind{policies.PowerCap, policies.SMClock}, "800 MHz", 161.36},
		{74, []policies.LimitKind{policies.PowerCap}, "none", 214.16},
		{74, []policies.LimitKind{policies.PowerCap, policies.SMClock}, "1200 MHz", 200.84},
		{68, []policies.LimitKind{policies.PowerCap, policies.SMClock}, "70 W", 152 + 1.2*68*0.012*40},
	} {
		levels, err := capacity.Levels(m, 0.85, x.kinds...)
		if err != nil {
			t.Fatal(err)
		}
		level, best := capacity.CheapestOf(levels, x.rate, one)
		if got := levels[level].Limits[0].String(); got != x.choice || math.Abs(best.Watts-x.watts) > 0.01 {
			t.Errorf("%v req/s, %v: %s, %+v; want %s, %v W", x.rate, x.kinds, got, best, x.choice, x.watts)
		}
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
		p.Limits[1].BatchSeconds = []float64{0, 0.01 * slower}
		p.Limits[0].BatchSeconds = []float64{0, 0.01 * slower * rapid.Float64Range(1, 2).Draw(rt, "slower still")}
		levels, err := capacity.Levels(m, 0.85, policies.PowerCap)
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
