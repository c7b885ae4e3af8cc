package engine

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/serving"
)

// capper is a plan that asks for caps too: for the i-th at its i-th decision.
type capper struct {
	*plan
	watts []float64
}

func (c *capper) Decide(o policies.Observation) policies.Decision {
	d := c.plan.Decide(o)
	if w := c.watts[min(len(c.seen), len(c.watts))-1]; w >= 0 {
		d.PowerCaps, d.CapReason = []float64{w}, "plan"
	}
	return d
}

// capped gives a world of world1 boards that can be held down to 300 W and 500 W.
func capped(c *Config, scalers ...*capper) *Config {
	for i, s := range scalers {
		svc := &c.Services[i]
		svc.Pools = append([]PoolService(nil), svc.Pools...)
		svc.NewScaler = func() (policies.Scaler, error) { s.seen = nil; return s, nil }
		for _, x := range []struct{ watts, slower float64 }{{300, 1.5}, {500, 1.2}} {
			svc.Pools[0].Caps = append(svc.Pools[0].Caps, CapService{
				Watts: x.watts, Times: serving.NewServiceTime([]float64{0, x.slower * serviceNs}, serving.Deterministic, 0, false),
				BusyWatts: []float64{0, x.watts - 20}, Grades: []grade.Grade{grade.B, grade.B}, Full: 10 / x.slower,
			})
		}
	}
	return c
}

func capEntries(r *results.Run) (out []decisions.Entry) {
	for _, e := range r.Decisions {
		if e.Kind == decisions.PowerCap {
			out = append(out, e)
		}
	}
	return out
}

// A square wave with a cap from the middle on, by hand. The cap is asked for in a
// burst, at 605.43 s, and holds at 606.43 s: 30 bursts of 50 requests and the 32
// until then take 0.1 s each at P_busy, the others 0.15 s at 280 W. The one that
// runs at 606.43 s ends as it was to.
func TestEnergyWithACapInTheMiddle(t *testing.T) {
	const seconds, before = 1200, 30*50 + 32
	p := &plan{interval: 605430 * time.Millisecond, replicas: []int{1}}
	c := capped(world1(t, squareWave(seconds), p), &capper{p, []float64{0, 300}})
	c.Cluster.Pools[0].Max = 1
	r := run(t, c, 1)
	all := float64(r.Ledger.Served)
	if all < 2999 || all > 3000 { // the last one falls on the end of its burst
		t.Fatalf("%+v", r.Ledger)
	}
	gpu, node := c.Cluster.Pools[0].Node.GPU, c.Cluster.Pools[0].Node
	full := c.Services[0].Pools[0].BusyWatts[1]
	busy := 0.1*before + 0.15*(all-before)
	joules := 0.1*before*full + 0.15*(all-before)*280 + gpu.Context.Value*(seconds-busy) + seconds*(gpu.Bare.Value+node.BaseWatts.Value)
	near6(t, "energy_node_kwh", r.Metrics["energy_node_kwh"], joules/3.6e6)
	near6(t, "gpu_busy_ratio", r.Services["ranker"]["gpu_busy_ratio"], busy/seconds)
	near6(t, "energy of grade B", r.EnergyByGrade[grade.B]-gradeShare(c, grade.B, joules, full, before, busy, seconds), 0.15*(all-before)*280/joules)
	want := []decisions.Entry{{T: 605.43, Service: "ranker", Kind: decisions.PowerCap, Reason: "plan", Cap: &decisions.Cap{Pool: "h100", From: gpu.CapWatts, To: 300}}}
	if d := cmp.Diff(want, capEntries(r)); d != "" {
		t.Error(d)
	}
}

// gradeShare is the share of the energy at grade g of all but capped batches.
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

// On a pool that two services share the highest cap asked for holds; one that asks
// for none wants the pool's own. A cap is never below what was asked for.
func TestHighestCapHolds(t *testing.T) {
	every := func(replicas int) *plan { return &plan{interval: time.Minute, replicas: []int{replicas}} }
	p, q := every(1), every(1)
	c := world2(t, constant(1, 600), p, q)
	own := c.Cluster.Pools[0].Node.GPU.CapWatts
	capped(c, &capper{p, []float64{0, 300, 300, 300, 400, 400, 0}}, &capper{q, []float64{0, -1, 300, 499, 250, 600, 600}})
	r := run(t, c, 1)
	var got [][3]float64
	for _, e := range capEntries(r) {
		got = append(got, [3]float64{e.T, e.Cap.From, e.Cap.To})
	}
	want := [][3]float64{{120, own, 300}, {180, 300, 500}, {300, 500, own}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Pods that come while a cap holds are held down too.
func TestLaterPodsAreHeldDown(t *testing.T) {
	p := &plan{interval: time.Minute, replicas: []int{1, 1, 2}}
	c := capped(world1(t, constant(4, 600), p), &capper{p, []float64{0, 300}})
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
func TestCapsOutside(t *testing.T) {
	world := func() *Config {
		p := &plan{interval: time.Minute, replicas: []int{2}}
		return capped(world1(t, constant(6, 600), p), &capper{p, []float64{0, 300, 300, 0}})
	}
	want := run(t, world(), 1)
	c := world()
	throughEcho(c)
	got := run(t, c, 1)
	if len(capEntries(want)) != 2 {
		t.Fatal(capEntries(want))
	}
	if d := cmp.Diff(capEntries(want), capEntries(got)); d != "" {
		t.Error(d)
	}
	if a, b := want.Metrics["energy_node_kwh"], got.Metrics["energy_node_kwh"]; a != b {
		t.Errorf("%v kWh within, %v kWh outside", a, b)
	}
}
