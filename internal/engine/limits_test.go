package engine

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/serving"
)

// limiter is a plan that asks for limits too: for the i-th at its i-th decision.
type limiter struct {
	*plan
	limits [][]policies.Limit
}

func (l *limiter) Decide(o policies.Observation) policies.Decision {
	d := l.plan.Decide(o)
	if d.Limits = l.limits[min(len(l.seen), len(l.limits))-1]; d.Limits != nil {
		d.LimitReason = "plan"
	}
	return d
}

func toCap(watts float64) []policies.Limit {
	return []policies.Limit{{Kind: policies.PowerCap, Value: watts}}
}
func toClock(mhz float64) []policies.Limit {
	return []policies.Limit{{Kind: policies.SMClock, Value: mhz}}
}

var (
	toNone   = []policies.Limit{{}}
	notAsked []policies.Limit
)

// limited gives a world of world1 boards that can be held down to 300 W and 500 W, and
// to 800 MHz and 1200 MHz.
func limited(c *Config, scalers ...*limiter) *Config {
	for i, s := range scalers {
		svc := &c.Services[i]
		svc.Pools = append([]PoolService(nil), svc.Pools...)
		svc.NewScaler = func() (policies.Scaler, error) { s.seen = nil; return s, nil }
		for _, x := range []struct {
			limit         []policies.Limit
			watts, slower float64
		}{{toCap(300), 280, 1.5}, {toCap(500), 480, 1.2}, {toClock(800), 260, 2}, {toClock(1200), 340, 1.25}} {
			svc.Pools[0].Limits = append(svc.Pools[0].Limits, LimitService{
				Limit: x.limit[0], Times: serving.NewServiceTime([]float64{0, x.slower * serviceNs}, serving.Deterministic, 0, false),
				BusyWatts: []float64{0, x.watts}, Grades: []grade.Grade{grade.B, grade.B}, Full: 10 / x.slower,
			})
		}
	}
	return c
}

func limitEntries(r *results.Run) (out []decisions.Entry) {
	for _, e := range r.Decisions {
		if e.Kind == decisions.PowerCap || e.Kind == decisions.SMClock {
			out = append(out, e)
		}
	}
	return out
}

// A square wave with a limit from the middle on, by hand. It is asked for in a burst,
// at 605.43 s, and holds at 606.43 s: 30 bursts of 50 requests and the 32 until then
// take 0.1 s each at P_busy, the others longer at fewer watts. The one that runs at
// 606.43 s ends as it was to.
func TestEnergyWithALimitInTheMiddle(t *testing.T) {
	for name, x := range map[string]struct {
		limit          []policies.Limit
		seconds, watts float64 // of a batch
		kind           string
		from           func(powermodel.GPU) float64
	}{
		"cap":   {toCap(300), 0.15, 280, decisions.PowerCap, func(g powermodel.GPU) float64 { return g.CapWatts }},
		"clock": {toClock(1200), 0.125, 340, decisions.SMClock, func(powermodel.GPU) float64 { return 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			const seconds, before = 1200, 30*50 + 32
			p := &plan{interval: 605430 * time.Millisecond, replicas: []int{1}}
			c := limited(world1(t, squareWave(seconds), p), &limiter{p, [][]policies.Limit{toNone, x.limit}})
			c.Cluster.Pools[0].Max = 1
			r := run(t, c, 1)
			all := float64(r.Ledger.Served)
			if all < 2999 || all > 3000 { // the last one falls on the end of its burst
				t.Fatalf("%+v", r.Ledger)
			}
			gpu, node := c.Cluster.Pools[0].Node.GPU, c.Cluster.Pools[0].Node
			full := c.Services[0].Pools[0].BusyWatts[1]
			held := x.seconds * (all - before)
			busy := 0.1*before + held
			joules := 0.1*before*full + held*x.watts + gpu.Context.Value*(seconds-busy) + seconds*(gpu.Bare.Value+node.BaseWatts.Value)
			near6(t, "energy_node_kwh", r.Metrics["energy_node_kwh"], joules/3.6e6)
			near6(t, "gpu_busy_ratio", r.Services["ranker"]["gpu_busy_ratio"], busy/seconds)
			near6(t, "energy of grade B", r.EnergyByGrade[grade.B]-gradeShare(c, grade.B, joules, full, before, busy, seconds), held*x.watts/joules)
			change := &decisions.Limit{Pool: "h100", From: x.from(gpu), To: x.limit[0].Value}
			want := []decisions.Entry{{T: 605.43, Service: "ranker", Kind: x.kind, Reason: "plan"}}
			if x.kind == decisions.PowerCap {
				want[0].Cap = change
			} else {
				want[0].Clock = change
			}
			if d := cmp.Diff(want, limitEntries(r)); d != "" {
				t.Error(d)
			}
		})
	}
}

// gradeShare is the share of the energy at grade g of all but limited batches.
func gradeShare(c *Config, g grade.Grade, joules, full, before, busy, seconds float64) float64 {
	pool := c.Cluster.Pools[0].Node
	sum := 0.0
	for _, x := range []struct {
		g grade.Grade
		j float64
	}{
		{c.Services[0].Pools[0].Grades[1], 0.1 * before * full}, {pool.GPU.Context.Grade, pool.GPU.Context.Value * (seconds - busy)},
		{pool.GPU.Bare.Grade, pool.GPU.Bare.Value * seconds}, {pool.BaseWatts.Grade, pool.BaseWatts.Value * seconds},
	} {
		if x.g == g {
			sum += x.j
		}
	}
	return sum / joules
}

// On a pool that two services share the highest limit asked for holds; one that asks
// for none, or for the other kind, leaves the pool as it is. A limit is never below what
// was asked for, and a change of kind is two entries.
func TestHighestLimitHolds(t *testing.T) {
	every := func(replicas int) *plan { return &plan{interval: time.Minute, replicas: []int{replicas}} }
	p, q := every(1), every(1)
	c := world2(t, constant(1, 900), p, q)
	own := c.Cluster.Pools[0].Node.GPU.CapWatts
	both := func(p, q []policies.Limit) [2][]policies.Limit { return [2][]policies.Limit{p, q} }
	a, b := &limiter{plan: p}, &limiter{plan: q}
	for _, x := range [][2][]policies.Limit{
		both(toNone, toNone), both(toCap(300), notAsked), both(toCap(300), toCap(300)), both(toCap(300), toCap(499)), both(toCap(400), toCap(250)), // at 0 to 240 s
		both(toCap(400), toCap(600)), both(toNone, toCap(600)), both(toClock(700), toCap(300)), // to 420 s
		both(toClock(700), toClock(500)), both(toClock(700), toClock(801)), both(toCap(300), toCap(300)), both(toClock(700), toCap(300)), // to 660 s
	} {
		a.limits, b.limits = append(a.limits, x[0]), append(b.limits, x[1])
	}
	limited(c, a, b)
	type change struct {
		T        float64
		Kind     string
		From, To float64
	}
	var got []change
	for _, e := range limitEntries(run(t, c, 1)) {
		of := e.Cap
		if e.Kind == decisions.SMClock {
			of = e.Clock
		}
		got = append(got, change{e.T, e.Kind, of.From, of.To})
	}
	want := []change{
		{120, decisions.PowerCap, own, 300}, {180, decisions.PowerCap, 300, 500}, {300, decisions.PowerCap, 500, own},
		{480, decisions.SMClock, 0, 800}, {540, decisions.SMClock, 800, 1200},
		// The first of the two asks a moment before the other: their kinds differ then.
		{600, decisions.SMClock, 1200, 0}, {600, decisions.PowerCap, own, 300}, {660, decisions.PowerCap, 300, own},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// From a cap to a clock at once: both entries, each with its unit's own value.
func TestFromACapToAClock(t *testing.T) {
	p := &plan{interval: time.Minute, replicas: []int{1}}
	c := limited(world1(t, constant(1, 300), p), &limiter{p, [][]policies.Limit{toNone, toCap(300), toClock(1200)}})
	own := c.Cluster.Pools[0].Node.GPU.CapWatts
	want := []decisions.Entry{
		{T: 60, Service: "ranker", Kind: decisions.PowerCap, Reason: "plan", Cap: &decisions.Limit{Pool: "h100", From: own, To: 300}},
		{T: 120, Service: "ranker", Kind: decisions.PowerCap, Reason: "plan", Cap: &decisions.Limit{Pool: "h100", From: 300, To: own}},
		{T: 120, Service: "ranker", Kind: decisions.SMClock, Reason: "plan", Clock: &decisions.Limit{Pool: "h100", To: 1200}},
	}
	if d := cmp.Diff(want, limitEntries(run(t, c, 1))); d != "" {
		t.Error(d)
	}
}

// Pods that come while a limit holds are held down too.
func TestLaterPodsAreHeldDown(t *testing.T) {
	p := &plan{interval: time.Minute, replicas: []int{1, 1, 2}}
	c := limited(world1(t, constant(4, 600), p), &limiter{p, [][]policies.Limit{toNone, toCap(300)}})
	r := run(t, c, 1)
	m := r.Services["ranker"]
	// 4 req/s: 61 s at 0.1 s, then 539 s at 0.15 s, whoever serves them.
	busy := 4*61*0.1 + 4*539*0.15
	if got := m["gpu_busy_ratio"] * m["replicas_mean"] * 600; math.Abs(got-busy) > 0.02*busy {
		t.Errorf("busy for %v s, by hand %v s", got, busy)
	}
}

// Through an API server that is as quick as thought the run is the same: a replay
// takes the same way.
func TestLimitsOutside(t *testing.T) {
	world := func() *Config {
		p := &plan{interval: time.Minute, replicas: []int{2}}
		return limited(world1(t, constant(6, 600), p), &limiter{p, [][]policies.Limit{toNone, toCap(300), toCap(300), toNone}})
	}
	want := run(t, world(), 1)
	c := world()
	throughEcho(c)
	got := run(t, c, 1)
	if len(limitEntries(want)) != 2 {
		t.Fatal(limitEntries(want))
	}
	if d := cmp.Diff(limitEntries(want), limitEntries(got)); d != "" {
		t.Error(d)
	}
	if a, b := want.Metrics["energy_node_kwh"], got.Metrics["energy_node_kwh"]; a != b {
		t.Errorf("%v kWh within, %v kWh outside", a, b)
	}
}
