package routing

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// three regions whose replicas serve 100 req/s each at a joule and 0.001 money.
func three() []Region {
	pool := []Pool{{Rate: 100, Joules: 1, Money: 0.001}}
	return []Region{
		{Name: "de", Network: 10 * time.Millisecond, PUE: 1, Pools: pool},
		{Name: "pl", Network: 20 * time.Millisecond, PUE: 1, Pools: pool},
		{Name: "se", Network: 30 * time.Millisecond, PUE: 2, Pools: pool},
	}
}

func configOf(kind string) Config {
	return Config{Kind: kind, Interval: time.Minute, Headroom: 0.1, MinAdvantage: 0.05, EnergyPerKWh: []float64{0, 0, 0}, Weights: []float64{1, 0, 3}}
}

func router(t testing.TB, c Config, regions []Region) *Router {
	t.Helper()
	r, err := New(c, regions)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func seen(demand float64, ready [3]int, intensity [3]float64) Observation {
	o := Observation{Valid: true, Demand: demand}
	for i := range ready {
		o.Regions = append(o.Regions, View{Ready: []int{ready[i]}, Intensity: intensity[i]})
	}
	return o
}

func wantShares(t *testing.T, d Decision, want ...float64) {
	t.Helper()
	for i, w := range want {
		if math.Abs(d.Shares[i]-w) > 1e-12 {
			t.Fatalf("shares %v, want %v (%s)", d.Shares, want, d.Reason)
		}
	}
}

// By hand: a region takes its ready replicas × 100 req/s × 1.1, the next the rest.
func TestSharesByHand(t *testing.T) {
	grid := [3]float64{300, 700, 100} // with PUE 2 a request in se counts 200
	for _, c := range []struct {
		kind   string
		demand float64
		ready  [3]int
		want   [3]float64
	}{
		{Nearest, 100, [3]int{2, 2, 2}, [3]float64{1, 0, 0}},
		{Nearest, 440, [3]int{2, 1, 9}, [3]float64{0.5, 0.25, 0.25}},
		{Green, 440, [3]int{9, 9, 2}, [3]float64{0.5, 0, 0.5}},
		{Green, 440, [3]int{1, 9, 1}, [3]float64{0.25, 0.5, 0.25}},
		{Green, 440, [3]int{9, 0, 0}, [3]float64{1, 0, 0}},
		{Green, 8800, [3]int{1, 1, 2}, [3]float64{0.25, 0.25, 0.5}}, // more than all can take
		{Green, 0, [3]int{1, 1, 1}, [3]float64{0, 0, 1}},
		{Green, 100, [3]int{0, 0, 0}, [3]float64{1. / 3, 1. / 3, 1. / 3}},
		{Weighted, 100, [3]int{0, 9, 0}, [3]float64{0.25, 0, 0.75}},
	} {
		d := router(t, configOf(c.kind), three()).Decide(seen(c.demand, c.ready, grid))
		wantShares(t, d, c.want[:]...)
		if d.Reason == "" || !d.Decided {
			t.Errorf("%+v without a reason", d)
		}
	}
}

// A million requests of a joule are 0.27778 kWh at the node. In de that is 0.0833
// of energy at 0.3, in pl 0.0278 at 0.1, in se with its PUE 0.0556 at 0.1; nodes
// are 1000 everywhere, and a tonne of CO2e of 1e6 makes a gram one.
func TestCostsByHand(t *testing.T) {
	c := configOf(Cheapest)
	c.EnergyPerKWh, c.CarbonPerTonne = []float64{0.3, 0.1, 0.1}, 1e6
	d := router(t, c, three()).Decide(seen(100, [3]int{1, 1, 1}, [3]float64{0, 1, 0}))
	kWh := 1 / 3.6
	for i, want := range []float64{1000 + 0.3*kWh, 1000 + 0.1*kWh + kWh, 1000 + 0.2*kWh} {
		if math.Abs(d.Costs[i]-want) > 1e-9 {
			t.Errorf("region %d costs %v, want %v", i, d.Costs[i], want)
		}
	}
	wantShares(t, d, 0, 0, 1)
	d = router(t, configOf(Green), three()).Decide(seen(100, [3]int{1, 1, 1}, [3]float64{300, 700, 100}))
	for i, want := range []float64{300 * kWh, 700 * kWh, 200 * kWh} {
		if math.Abs(d.Costs[i]-want) > 1e-9 {
			t.Errorf("region %d emits %v g per million, want %v", i, d.Costs[i], want)
		}
	}
	// Of two pools it is the mean over what their ready replicas serve.
	mixed := three()
	mixed[0].Pools = []Pool{{Rate: 100, Joules: 1}, {Rate: 300, Joules: 3}}
	o := seen(100, [3]int{1, 1, 1}, [3]float64{300, 700, 100})
	o.Regions[0].Ready = []int{3, 1}
	if d = router(t, configOf(Green), mixed).Decide(o); math.Abs(d.Costs[0]-2*300*kWh) > 1e-9 || d.Limits[0] != 1.1*600 {
		t.Errorf("two pools: %+v", d)
	}
}

// A region that is a little cleaner waits; one that is much cleaner passes, and
// then it is the other that must be much cleaner.
func TestOrdersDoNotFlap(t *testing.T) {
	r := router(t, configOf(Green), three())
	all := [3]int{9, 9, 9}
	for _, step := range []struct {
		grid  [3]float64
		first int
	}{
		{[3]float64{100, 700, 60}, 0}, {[3]float64{100, 700, 49}, 0}, {[3]float64{100, 700, 47}, 2},
		{[3]float64{90, 700, 47}, 2}, {[3]float64{89, 700, 47}, 0}, {[3]float64{89, 10, 47}, 1},
	} {
		d := r.Decide(seen(100, all, step.grid))
		if d.Shares[step.first] != 1 {
			t.Errorf("grid %v: shares %v, want all in region %d (%s)", step.grid, d.Shares, step.first, d.Reason)
		}
	}
}

// A region out of the SLO's reach gets nothing that another can take, and nothing
// changes before telemetry shows something.
func TestOutOfReach(t *testing.T) {
	regions := three()
	regions[2].Pools = []Pool{{}}
	r := router(t, configOf(Green), regions)
	d := r.Open(500, [][]int{{9}, {9}, {9}}, []float64{300, 700, 1})
	wantShares(t, d, 1, 0, 0)
	if !strings.Contains(d.Reason, "se out of the SLO's reach") {
		t.Errorf("reason %q", d.Reason)
	}
	d = r.Decide(Observation{})
	wantShares(t, d, 1, 0, 0)
	if d.Decided {
		t.Error("it decides without telemetry")
	}
	wantShares(t, r.Decide(seen(1000, [3]int{0, 0, 5}, [3]float64{1, 1, 1})), 0, 0, 1) // nobody else is ready
}

// A region that starts with one replica grows: the router fills it by the headroom,
// a scaler with a margin of its own adds replicas, and so on.
func TestRegionsGrow(t *testing.T) {
	r := router(t, configOf(Green), three())
	ready, steps := 1, 0
	for ; ready < 20; steps++ {
		d := r.Decide(seen(2200, [3]int{50, 0, ready}, [3]float64{300, 700, 1}))
		next := int(math.Ceil(d.Shares[2] * 2200 / 100)) // replicas for what it gets
		if next <= ready || steps > 20 {
			t.Fatalf("with %d replicas it gets %v: it does not grow", ready, d.Shares)
		}
		ready = next
	}
	if steps < 5 {
		t.Errorf("20 replicas in %d steps: headroom is no limit", steps)
	}
}

// Whatever is seen, shares are shares, nobody is filled beyond its limit while
// another has room, and the regions' order in the file does not matter.
func TestSharesAreSane(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]string{Nearest, Cheapest, Green}).Draw(rt, "kind")
		forward, backward := router(t, configOf(kind), three()), three()
		slices.Reverse(backward)
		back := router(t, configOf(kind), backward)
		for range rapid.IntRange(1, 5).Draw(rt, "steps") {
			var ready [3]int
			var grid [3]float64
			for i := range ready {
				ready[i] = rapid.IntRange(0, 5).Draw(rt, "ready")
				grid[i] = rapid.Float64Range(0, 900).Draw(rt, "grid")
			}
			o := seen(rapid.Float64Range(0, 2000).Draw(rt, "demand"), ready, grid)
			d := forward.Decide(o)
			slices.Reverse(o.Regions)
			e := back.Decide(o)
			slices.Reverse(e.Shares)
			sum, total := 0.0, 0.0
			for i, s := range d.Shares {
				sum += s
				total += d.Limits[i]
				if math.Abs(e.Shares[i]-s) > 1e-12 {
					rt.Fatalf("in another order of regions %v, here %v", e.Shares, d.Shares)
				}
			}
			if math.Abs(sum-1) > 1e-9 {
				rt.Fatalf("shares %v", d.Shares)
			}
			for i, s := range d.Shares {
				if s < 0 || o.Demand <= total && s*o.Demand > d.Limits[i]*(1+1e-9) {
					rt.Fatalf("region %d gets %v of %v req/s, limits %v", i, s, o.Demand, d.Limits)
				}
			}
		}
	})
}

func TestBadConfigs(t *testing.T) {
	for name, edit := range map[string]func(*Config){
		"kind": func(c *Config) { c.Kind = "Best" }, "interval": func(c *Config) { c.Interval = 0 },
		"weights": func(c *Config) { c.Kind, c.Weights = Weighted, []float64{0, 0, 0} }, "a weight": func(c *Config) { c.Kind, c.Weights = Weighted, []float64{1, -1, 2} },
		"too few weights": func(c *Config) { c.Kind, c.Weights = Weighted, []float64{1} }, "tariffs": func(c *Config) { c.Kind, c.EnergyPerKWh = Cheapest, nil },
	} {
		c := configOf(Green)
		edit(&c)
		if _, err := New(c, three()); err == nil || !strings.HasPrefix(err.Error(), "routing: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := New(configOf(Green), nil); err == nil {
		t.Error("no regions are taken")
	}
}

// The network takes its part of the promise; joules are those of a full node.
func TestNewRegion(t *testing.T) {
	m := policies.Model{
		Service: "ranker", MaxBatch: 1, Instances: 1, LatencyTarget: 0.1, LatencyQuantile: 0.95, PUE: 1.2,
		Pools: []policies.Pool{{
			Name: "a", GPUsPerNode: 2, PodsPerNode: 2, MaxNodes: 3, Share: 1, BatchSeconds: []float64{0, 0.01}, BusyWatts: []float64{0, 200},
			ContextWatts: 50, BareWatts: 30, NodeBaseWatts: 100, HostPerWatt: 0.5, NodeHour: 3.6,
		}},
	}
	near, ok := NewRegion(m, "near", 0, 0.5)
	if p := near.Pools[0]; !ok || math.Abs(p.Rate-50) > 1e-6 {
		t.Fatalf("%+v", near)
	}
	// Two boards, half of the time at 200 W and half at 50: 250 W, 190 of them above
	// bare, so the host adds 95; 100 req/s.
	if p := near.Pools[0]; math.Abs(p.Joules-(100+250+95)/100.) > 0.01 || math.Abs(p.Money-1e-5) > 1e-12 || near.PUE != 1.2 {
		t.Errorf("%+v, want 4.45 J and 1e-5 a request", p)
	}
	far, ok := NewRegion(m, "far", 80*time.Millisecond, 0.8)
	if same, _ := NewRegion(m, "far", 0, 0.8); !ok || far.Pools[0].Rate >= same.Pools[0].Rate || far.Pools[0].Rate <= 0 {
		t.Errorf("with 20 ms left %v req/s, with 100 ms %v", far.Pools[0].Rate, same.Pools[0].Rate)
	}
	for _, network := range []time.Duration{95 * time.Millisecond, 100 * time.Millisecond, time.Second} {
		if r, ok := NewRegion(m, "moon", network, 0.8); ok || r.Pools[0].Rate != 0 {
			t.Errorf("over %v the promise is kept: %+v", network, r)
		}
	}
}
