package engine

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/cluster/clustertest"
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/serving"
	"github.com/kwatt-sim/kwatt/internal/units"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// powerWorld is a world in which everything that draws power happens: two
// services that share boards, batches of all sizes, nodes that boot, sleep and
// wake. Its scalers follow a plan, so nothing that telemetry shows decides.
func powerWorld(t *rapid.T, tb testing.TB) *Config {
	seconds := rapid.IntRange(120, 900).Draw(t, "seconds")
	rates := make([]float64, seconds)
	wave, peak := rapid.IntRange(5, 200).Draw(t, "wave"), rapid.Float64Range(0, 12).Draw(t, "peak")
	for i := range rates {
		if i/wave%2 == 0 {
			rates[i] = peak
		}
	}
	draw := func(name string) *plan {
		p := &plan{replicas: rapid.SliceOfN(rapid.IntRange(0, 5), 1, 8).Draw(t, name)}
		p.interval = time.Duration(rapid.IntRange(7, 90).Draw(t, name+" interval")) * time.Second
		return p
	}
	c := world2(tb, rates, draw("first"), draw("second"))
	c.Services[0].Process.Name = "Poisson"
	parts := []float64{1, 0.5, 0.25}
	for i := range c.Services {
		s := &c.Services[i]
		s.Pools, c.Cluster.Services[i].Needs = slices.Clone(s.Pools), slices.Clone(c.Cluster.Services[i].Needs) // world2 shares them
		part := rapid.SampledFrom(parts).Draw(t, "part")
		s.Serving.MaxBatch, s.Serving.Instances = 4, rapid.IntRange(1, 2).Draw(t, "instances")
		s.Serving.MaxQueueDelay = 20e6
		s.Pools[0].Times = serving.NewServiceTime([]float64{0, 100e6, 150e6, 170e6, 250e6}, serving.Deterministic, 0, false)
		s.Pools[0].BusyWatts = []float64{0, 200, 300, 450, 690}
		s.Pools[0].Grades = make([]grade.Grade, 5)
		// A MIG slice loads the board by another part than it takes.
		s.Pools[0].Load = part * rapid.SampledFrom([]float64{1, 0.75}).Draw(t, "load")
		c.Cluster.Services[i].Needs[0] = cluster.Need{Part: part}
	}
	pool := &c.Cluster.Pools[0]
	pool.Node.HostPerWatt.Value = rapid.SampledFrom([]float64{0, 0.1, 0.3}).Draw(t, "host")
	pool.Initial, pool.Min = 1, rapid.IntRange(0, 1).Draw(t, "min")
	pool.ProvisionDelay = time.Duration(rapid.IntRange(1, 100).Draw(t, "boot")) * time.Second
	pool.WakeDelay = time.Duration(rapid.IntRange(1, 30).Draw(t, "wake")) * time.Second
	c.Cluster.Autoscaler.ConsolidateAfter = time.Duration(rapid.IntRange(1, 120).Draw(t, "consolidate")) * time.Second
	c.Cluster.Autoscaler.Sleep = rapid.Bool().Draw(t, "sleep")
	if rapid.Bool().Draw(t, "pack") {
		c.Cluster.NewScheduler = clustertest.Pack
	}
	c.Grids = []Grid{steps{at: []int{2, 5}, each: []float64{100, 700, 0}}}
	c.EmbodiedLifetime = 0
	return c
}

// How often telemetry looks changes no joule.
func TestEnergyIsTheSameForEveryTelemetryInterval(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := powerWorld(rt, t)
		seed := rapid.Uint64Range(1, 1e6).Draw(rt, "seed")
		var want *results.Run
		for _, scrape := range []time.Duration{5 * time.Second, 15 * time.Second, time.Minute} {
			c.Telemetry = Telemetry{ScrapeInterval: scrape, Window: scrape}
			got := run(t, c, seed)
			if want == nil {
				want = got
			}
			if got.Ledger != want.Ledger {
				rt.Fatalf("scraped every %v: ledger %+v, every 5 s %+v", scrape, got.Ledger, want.Ledger)
			}
			for name, w := range want.Metrics {
				if g := got.Metrics[name]; math.Abs(g-w) > 1e-9*math.Abs(w) {
					rt.Fatalf("scraped every %v: %s is %.12g, every 5 s %.12g", scrape, name, g, w)
				}
			}
			for metric, by := range want.Spread {
				rounding := 1e-12 * math.Abs(want.Metrics[metric]) // where a component's parts cancel out
				for component, w := range by {
					if g := got.Spread[metric][component]; math.Abs(g-w) > 1e-9*math.Abs(w)+rounding {
						rt.Fatalf("scraped every %v: uncertainty of %s by %s is %.12g, every 5 s %.12g", scrape, metric, component, g, w)
					}
				}
			}
		}
	})
}

// stateSeconds adds up the node-seconds in each state from the ledger of
// decisions: the slow twin of the meter.
func stateSeconds(c *Config, r *results.Run) (on, booting, asleep float64) {
	type span struct {
		state string
		since float64
	}
	now := map[string]span{}
	for i := range c.Cluster.Pools[0].Initial {
		now["h100-"+string(rune('0'+i))] = span{"on", 0}
	}
	end := c.Duration.Seconds()
	leave := func(s span, at float64) {
		switch s.state {
		case "on":
			on += at - s.since
		case "booting":
			booting += at - s.since
		case "asleep":
			asleep += at - s.since
		}
	}
	next := map[string]string{
		decisions.NodeOn: "booting", decisions.NodeWake: "booting", decisions.NodeReady: "on", decisions.NodeSleep: "asleep", decisions.NodeOff: "off",
	}
	for _, d := range r.Decisions {
		if state, ok := next[d.Kind]; ok {
			leave(now[d.Node], d.T)
			now[d.Node] = span{state, d.T}
		}
	}
	for _, s := range now {
		leave(s, end)
	}
	return on, booting, asleep
}

// Booting, waking, sleeping and idle nodes draw what their state draws, for as
// long as they are in it, and so do idle boards.
func TestNoStateIsFree(t *testing.T) {
	cycles := 0
	rapid.Check(t, func(rt *rapid.T) {
		c := powerWorld(rt, t)
		r := run(t, c, rapid.Uint64Range(1, 1e6).Draw(rt, "seed"))
		on, booting, asleep := stateSeconds(c, r)
		node := &c.Cluster.Pools[0].Node
		const h100 = "nvidia-h100-sxm "
		near := func(what string, got, want float64) {
			rt.Helper()
			if math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
				rt.Fatalf("%s: %.12g kWh, by the ledger %.12g", what, got, want)
			}
		}
		kWh := func(watts, seconds float64) float64 { return units.KWh(watts * seconds * c.PUE) }
		near("base", r.EnergyByComponent[h100+"base"], kWh(node.BaseWatts.Value, on))
		near("boot", r.EnergyByComponent[h100+"boot"], kWh(node.BootWatts.Value, booting))
		near("sleep", r.EnergyByComponent[h100+"sleep"], kWh(node.SleepWatts.Value, asleep))

		// A board that is on draws its bare watts at the least, and its context's
		// while it is loaded and no kernel runs.
		m := r.Metrics
		idle := r.EnergyByComponent[h100+"context"] + r.EnergyByComponent[h100+"bare"]
		near("idle", m["energy_idle_kwh"]*c.PUE, idle)
		gpuSeconds := on * float64(node.GPUs)
		contextSeconds := r.EnergyByComponent[h100+"context"] / kWh(node.GPU.Context.Value, 1)
		bareSeconds := r.EnergyByComponent[h100+"bare"] / kWh(node.GPU.Bare.Value, 1)
		busySeconds := gpuSeconds - contextSeconds - bareSeconds
		if busySeconds < -1e-6 || (r.Ledger.Served == 0) != (busySeconds < 1e-6) && r.Ledger.InFlight == 0 {
			rt.Fatalf("boards were on for %v s: idle with a context %v s, without %v s, so busy %v s with %+v", gpuSeconds, contextSeconds, bareSeconds, busySeconds, r.Ledger)
		}
		if floor := kWh(node.GPU.Bare.Value, gpuSeconds) / c.PUE; m["energy_gpu_kwh"] < floor*(1-1e-9) {
			rt.Fatalf("boards drew %v kWh, bare they would have drawn %v", m["energy_gpu_kwh"], floor)
		}
		if booting > 0 {
			cycles++
		}
	})
	if cycles == 0 {
		t.Error("no node ever booted: the test has seen nothing")
	}
}

// The energy of a run with boots is larger by just what they draw than that of
// the same run whose boots draw nothing.
func TestPowerCyclesCostEnergy(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := powerWorld(rt, t)
		seed := rapid.Uint64Range(1, 1e6).Draw(rt, "seed")
		with := run(t, c, seed)
		_, booting, _ := stateSeconds(c, with)
		watts := c.Cluster.Pools[0].Node.BootWatts.Value
		c.Cluster.Pools[0].Node.BootWatts.Value = 0
		free := run(t, c, seed)
		if got, want := with.Metrics["energy_node_kwh"]-free.Metrics["energy_node_kwh"], units.KWh(watts*booting); math.Abs(got-want) > 1e-9 {
			rt.Fatalf("%v s of booting cost %v kWh, want %v", booting, got, want)
		}
	})
}

// What the services answer for and what nobody does make the whole, whatever
// shares the boards.
func TestAttributionLeavesNoJouleOver(t *testing.T) {
	shared := 0
	rapid.Check(t, func(rt *rapid.T) {
		c := powerWorld(rt, t)
		r := run(t, c, rapid.Uint64Range(1, 1e6).Draw(rt, "seed"))
		sum := r.Metrics["energy_unattributed_kwh"]
		for _, v := range r.Services {
			if v["energy_attributed_kwh"] < 0 {
				rt.Fatalf("a service answers for %v kWh", v["energy_attributed_kwh"])
			}
			sum += v["energy_attributed_kwh"]
		}
		if want := r.Metrics["energy_kwh"]; math.Abs(sum-want) > 1e-9*want || r.Metrics["energy_unattributed_kwh"] < -1e-9*want {
			rt.Fatalf("services and nobody answer for %v kWh, the facility drew %v", sum, want)
		}
		total := 0.0
		for _, kWh := range r.EnergyByComponent {
			total += kWh
		}
		if want := r.Metrics["energy_kwh"]; math.Abs(total-want) > 1e-9*want {
			rt.Fatalf("the components are %v kWh, the facility drew %v", total, want)
		}
		if r.Services["ranker"]["energy_attributed_kwh"] > 0 && r.Services["second"]["energy_attributed_kwh"] > 0 {
			shared++
		}
	})
	if shared == 0 {
		t.Error("no two services ever drew anything: the test has seen nothing")
	}
}

// Two services with half a board each on a node of two boards, by hand: one
// computes, the other waits. The second board is nobody's.
func TestAttributionByHand(t *testing.T) {
	rates := constant(5, 600)
	c := world2(t, rates, &plan{interval: time.Minute, replicas: []int{1}}, &plan{interval: time.Minute, replicas: []int{1}})
	c.Services[1].Curve.Rates = rates // shared: make the second its own
	quiet := *c.Services[1].Curve
	quiet.Rates = make([]float64, len(rates))
	c.Services[1].Curve = &quiet
	for i := range c.Services {
		c.Services[i].Pools[0].Load = 0.5
		c.Cluster.Services[i].Needs[0].Part = 0.5
	}
	c.Cluster.NewScheduler = clustertest.Pack
	node := &c.Cluster.Pools[0].Node
	node.HostPerWatt.Value = 0.2
	r := run(t, c, 1)
	busy := 0.5 * 0.1 * float64(r.Ledger.Served)
	context, bare := node.GPU.Context.Value, node.GPU.Bare.Value
	host := func(joules, seconds float64) float64 { return joules + 0.2*(joules-bare*seconds) }
	idle := host((600-busy)*context, 600-busy)
	first := host(busy*c.Services[0].Pools[0].BusyWatts[1], busy) + idle/2 + 600*node.BaseWatts.Value/4
	second := idle/2 + 600*node.BaseWatts.Value/4
	nobody := 600*bare + 600*node.BaseWatts.Value/2
	near6(t, "ranker", r.Services["ranker"]["energy_attributed_kwh"], units.KWh(first*1.25))
	near6(t, "second", r.Services["second"]["energy_attributed_kwh"], units.KWh(second*1.25))
	near6(t, "nobody", r.Metrics["energy_unattributed_kwh"], units.KWh(nobody*1.25))
	near6(t, "all", r.Metrics["energy_kwh"], units.KWh((first+second+nobody)*1.25))
}

// The uncertainty that a component leaves is what the metric changes by when all
// of its figures are off by one standard deviation: the same run with those
// figures says so.
func TestUncertaintyIsTheChangeOfTheFigures(t *testing.T) {
	seen := map[string]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		c := powerWorld(rt, t)
		seed := rapid.Uint64Range(1, 1e6).Draw(rt, "seed")
		before := run(t, c, seed)
		node := &c.Cluster.Pools[0].Node
		off := func(p *powermodel.Point) func() {
			was := p.Value
			p.Value *= 1 + p.Uncertainty()
			return func() { p.Value = was }
		}
		spoil := map[string]func() func(){
			"busy": func() func() {
				for i := range c.Services {
					for b := range c.Services[i].Pools[0].BusyWatts {
						c.Services[i].Pools[0].BusyWatts[b] *= 1 + powermodel.GradeUncertainty(grade.A)
					}
				}
				return func() {
					for i := range c.Services {
						c.Services[i].Pools[0].BusyWatts = []float64{0, 200, 300, 450, 690}
					}
				}
			},
			"context": func() func() { return off(&node.GPU.Context) },
			"bare":    func() func() { return off(&node.GPU.Bare) },
			"base":    func() func() { return off(&node.BaseWatts) },
			"host":    func() func() { return off(&node.HostPerWatt) },
			"boot":    func() func() { return off(&node.BootWatts) },
			"sleep":   func() func() { return off(&node.SleepWatts) },
		}
		name := rapid.SampledFrom([]string{"busy", "context", "bare", "base", "host", "boot", "sleep"}).Draw(rt, "component")
		mend := spoil[name]()
		after := run(t, c, seed)
		mend()
		for _, metric := range []string{"energy_gpu_kwh", "energy_idle_kwh", "energy_node_kwh", "energy_kwh", "joules_per_request", "co2e_operational_grams", "co2e_grams", "cost_usd"} {
			got, want := before.Spread[metric]["nvidia-h100-sxm "+name], after.Metrics[metric]-before.Metrics[metric]
			if math.Abs(got-want) > 1e-8*math.Abs(before.Metrics[metric]) {
				rt.Fatalf("%s of %s: uncertain by %.12g, off by %.12g when the figures are", metric, name, got, want)
			}
			seen[name] = seen[name] || want != 0
		}
	})
	for _, name := range kindNames {
		if !seen[name] {
			t.Errorf("nothing ever depended on %s: the test has seen nothing of it", name)
		}
	}
}

// The uncertainty of a quiet hour, by hand: one board with a context, one bare.
func TestUncertaintyByHand(t *testing.T) {
	c := world1(t, make([]float64, 3600), &plan{interval: time.Hour, replicas: []int{1}})
	node := &c.Cluster.Pools[0].Node
	node.HostPerWatt = powermodel.Point{Value: 0.2, Grade: grade.B, Rel: 0.3}
	node.GPU.Context.Rel = 0.07
	r := run(t, c, 1)
	kWh := func(watts float64) float64 { return watts / 1000 }
	context, bare := node.GPU.Context, node.GPU.Bare
	component := map[string]float64{
		"context": kWh(1.2 * context.Value * 0.07),    // the host's watts are wrong with it
		"bare":    kWh((1 - 0.2) * bare.Value * 0.10), // grade A: one board draws it, of the other it bounds the host's share
		"base":    kWh(node.BaseWatts.Value * 0.5),
		"host":    kWh(0.2 * (context.Value - bare.Value) * 0.3),
	}
	for name, want := range component {
		near6(t, name, r.Spread["energy_node_kwh"]["nvidia-h100-sxm "+name], want)
		near6(t, name+" at the facility", r.Spread["energy_kwh"]["nvidia-h100-sxm "+name], 1.25*want)
		near6(t, name+" in grams", r.Spread["co2e_operational_grams"]["nvidia-h100-sxm "+name], 1.25*want*400)
		near6(t, name+" in money", r.Spread["cost_usd"]["nvidia-h100-sxm "+name], 1.25*want*0.1+1.25*want*400*50e-6)
	}
	near6(t, "the board's own", r.Spread["energy_gpu_kwh"]["nvidia-h100-sxm context"], component["context"]/1.2)
	embodied := r.Spread["co2e_embodied_grams"]["nvidia-h100-sxm embodied"]
	near6(t, "embodied", embodied, node.EmbodiedUncertainty()*r.Metrics["co2e_embodied_grams"])
	near6(t, "embodied in all", r.Spread["co2e_grams"]["nvidia-h100-sxm embodied"], embodied)
	if n := len(r.Spread["energy_kwh"]); n != len(component) {
		t.Errorf("%d components: %v", n, r.Spread["energy_kwh"])
	}
	if _, ok := r.Spread["joules_per_request"]; ok {
		t.Error("nothing was served, and joules a request have an uncertainty")
	}
}

// Whatever slices a board, in space or in time, at every instant: what its pods
// answer for and what nobody does are the board's joules, no more and no less, and
// what the pods answer for with their part of the host is what the services do.
func TestPodsAndNobodyAnswerForEachBoard(t *testing.T) {
	shared := 0
	rapid.Check(t, func(rt *rapid.T) {
		c := powerWorld(rt, t)
		c.PUE = 1
		var last []PodReading
		before := map[string]float64{}
		c.Probe = &Probe{
			Interval: time.Duration(rapid.IntRange(1, 100).Draw(rt, "probe")) * time.Second,
			Read: func(at vtime.Time, nodes []NodeReading, pods []PodReading) {
				sums := map[*cluster.Node][]float64{}
				answering := map[*cluster.Node][]int{}
				for _, n := range nodes {
					sums[n.Node], answering[n.Node] = make([]float64, len(n.Boards)), make([]int, len(n.Boards))
				}
				for _, p := range pods {
					if p.BoardJoules < before[p.Pod] || p.Joules < p.BoardJoules*(1-1e-9) {
						rt.Fatalf("%v: %s answers for %v J of a board, before for %v J, of %v J in all", at, p.Pod, p.BoardJoules, before[p.Pod], p.Joules)
					}
					before[p.Pod] = p.BoardJoules
					sums[p.Node][p.GPU] += p.BoardJoules
					answering[p.Node][p.GPU]++
				}
				for _, n := range nodes {
					for g, b := range n.Boards {
						if got := sums[n.Node][g] + b.FreeJoules; math.Abs(got-b.Joules) > 1e-9*max(b.Joules, 1) {
							rt.Fatalf("%v: board %d of %s drew %v J, its pods and nobody answer for %v J", at, g, n.Node.Name, b.Joules, got)
						}
						if len(n.Node.GPUs[g].Pods) > 1 {
							shared++
						}
					}
				}
				last = slices.Clone(pods)
			},
		}
		r := run(t, c, rapid.Uint64Range(1, 1e6).Draw(rt, "seed"))
		by := map[int]float64{}
		for _, p := range last {
			by[p.Service] += units.KWh(p.Joules)
		}
		for i := range c.Services {
			if want := r.Services[c.Services[i].Name]["energy_attributed_kwh"]; math.Abs(by[i]-want) > 1e-9*max(want, 1e-9) {
				rt.Fatalf("the pods of %s answer for %v kWh, the service for %v", c.Services[i].Name, by[i], want)
			}
		}
	})
	if shared == 0 {
		t.Error("no board was ever shared: the test has seen nothing of it")
	}
}

// Reading the meters changes nothing.
func TestAProbeChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := powerWorld(rt, t)
		seed := rapid.Uint64Range(1, 1e6).Draw(rt, "seed")
		want := run(t, c, seed)
		c.Probe = &Probe{Interval: time.Duration(rapid.IntRange(1, 100).Draw(rt, "probe")) * time.Second, Read: func(vtime.Time, []NodeReading, []PodReading) {}}
		got := run(t, c, seed)
		if got.Ledger != want.Ledger || len(got.Decisions) != len(want.Decisions) {
			rt.Fatalf("ledger %+v with %d decisions, unwatched %+v with %d", got.Ledger, len(got.Decisions), want.Ledger, len(want.Decisions))
		}
		for name, w := range want.Metrics {
			if g := got.Metrics[name]; math.Abs(g-w) > 1e-9*math.Abs(w) {
				rt.Fatalf("%s is %.12g, unwatched %.12g", name, g, w)
			}
		}
	})
}
