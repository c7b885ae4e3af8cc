package engine

import (
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/cluster/clustertest"
	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/serving"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// steps is a grid that changes its intensity at the given minutes.
type steps struct {
	at   []int
	each []float64 // one more than at
}

func (g steps) IntensityAt(t vtime.Time) float64 {
	i := 0
	for i < len(g.at) && t >= vtime.At(time.Duration(g.at[i])*time.Minute) {
		i++
	}
	return g.each[i]
}

func (g steps) NextChangeAfter(t vtime.Time) vtime.Time {
	for _, m := range g.at {
		if at := vtime.At(time.Duration(m) * time.Minute); at > t {
			return at
		}
	}
	return vtime.Forever
}

// The intensity changes between scrapes and bins, and at one of them; each
// holds for its own minutes only.
func TestCarbonFollowsTheGrid(t *testing.T) {
	c := world1(t, make([]float64, 1800), &plan{interval: time.Hour, replicas: []int{1}})
	c.Telemetry.ScrapeInterval, c.Bin = 7*time.Minute, 30*time.Minute
	c.Grids = []Grid{steps{at: []int{10, 21, 25}, each: []float64{100, 700, 0, 400}}}
	r := run(t, c, 1)
	perMinute := r.Metrics["energy_kwh"] / 30 // nobody asks for anything: the draw is constant
	near6(t, "co2e_operational_grams", r.Metrics["co2e_operational_grams"], perMinute*(10*100+11*700+5*400))
	near6(t, "carbon intensity of the bin", *r.Points[1].CarbonIntensity, (10*100+11*700+5*400)/30.0)
}

// Two pods fill a node. A third makes another one boot from 1 to 2 min, is gone
// at 5 min, and the node sleeps from 10 min to the end at 20 min.
func TestEnergyOfBootingAndSleepingByHand(t *testing.T) {
	c := world1(t, make([]float64, 1200), &plan{interval: time.Minute, replicas: []int{2, 3, 3, 3, 3, 2}})
	c.Cluster.NewScheduler, c.Cluster.EmptiestFirst, c.Cluster.Autoscaler.Sleep = clustertest.Pack, true, true
	m := run(t, c, 1).Metrics
	node := c.Cluster.Pools[0].Node
	context, bare := node.GPU.Context.Value, node.GPU.Bare.Value
	gpuJ := 2*1200*context + 180*context + (480-180)*bare + 480*bare
	nodeJ := gpuJ + (1200+480)*node.BaseWatts.Value + 60*node.BootWatts.Value + 600*node.SleepWatts.Value
	near6(t, "energy_gpu_kwh", m["energy_gpu_kwh"], gpuJ/3.6e6)
	near6(t, "energy_idle_kwh", m["energy_idle_kwh"], gpuJ/3.6e6)
	near6(t, "energy_node_kwh", m["energy_node_kwh"], nodeJ/3.6e6)
	near6(t, "node_hours", m["node_hours"], (1200+540)/3600.0)
	near6(t, "gpu_hours", m["gpu_hours"], 2*(1200+540)/3600.0)
	near6(t, "gpu_allocated_ratio", m["gpu_allocated_ratio"], (2*1200+180)/(2*(1200+540.0)))
	near6(t, "pending_pod_seconds", m["pending_pod_seconds"], 60)
	near6(t, "replicas_mean", m["replicas_mean"], 2+(180-30)/1200.0)
	near6(t, "co2e_embodied_grams", m["co2e_embodied_grams"], node.EmbodiedKg*1000*(1200+1140)/(4*365*24*3600))
	near6(t, "cost_usd", m["cost_usd"], 2*m["gpu_hours"]+0.1*m["energy_kwh"]+50e-6*m["co2e_grams"])
}

// never lets nobody look: the meter hears of changes from the cluster alone.
func never(c *Config) {
	c.Telemetry = Telemetry{ScrapeInterval: time.Hour, Window: time.Hour}
	c.Bin = time.Hour
}

// A pod that is bound and one that is deleted change what a GPU draws at that
// instant, also when nothing else happens then.
func TestEnergyChangesWithThePod(t *testing.T) {
	c := world1(t, make([]float64, 300), &plan{interval: 37 * time.Second, replicas: []int{1, 2, 1}})
	never(c)
	c.Cluster.Services[0].ModelLoad = time.Minute // the second pod is still starting when it is deleted
	m := run(t, c, 1).Metrics
	node := c.Cluster.Pools[0].Node
	gpuJ := (300+37)*node.GPU.Context.Value + (300-37)*node.GPU.Bare.Value
	near6(t, "energy_gpu_kwh", m["energy_gpu_kwh"], gpuJ/3.6e6)
	near6(t, "gpu_allocated_ratio", m["gpu_allocated_ratio"], (300+37)/600.0)
	near6(t, "replicas_mean", m["replicas_mean"], 1)
}

// A replica that drains is not ready any more, but works until its queue is
// empty: every request's 100 ms are metered, and none is lost at the end.
func TestDrainedWorkIsMetered(t *testing.T) {
	rates := make([]float64, 200)
	for i := range 60 {
		rates[i] = 30 // 1.5 times what two replicas can do
	}
	c := world1(t, rates, &plan{interval: 37 * time.Second, replicas: []int{2, 1}})
	never(c)
	c.Services[0].Serving.QueueCapacity = 1 << 20
	r := run(t, c, 1)
	if r.Ledger.Served != r.Ledger.Arrivals || r.Ledger.Served < 1790 {
		t.Fatalf("ledger %+v, want all of 1,800 requests served", r.Ledger)
	}
	m, busy := r.Metrics, 0.1*float64(r.Ledger.Served)
	near6(t, "busy seconds", m["gpu_busy_ratio"]*m["gpu_allocated_ratio"]*m["gpu_hours"]*3600, busy)
	near6(t, "replicas_mean", m["replicas_mean"], (37*2+163)/200.0)
	drained := m["gpu_allocated_ratio"]*400 - 200 // s for which the second replica held its GPU
	if drained < 50 || drained > 60 {             // 37 s and a queue of about 185
		t.Errorf("the second replica held its GPU for %v s", drained)
	}

	c = world1(t, rates[:40], &plan{interval: 37 * time.Second, replicas: []int{2, 1}})
	c.Services[0].Serving.QueueCapacity = 1 << 20
	if l := run(t, c, 1).Ledger; l.InFlight < 350 || l.Dropped != 0 {
		t.Errorf("ledger %+v at the end of the window, want what waits in both replicas in flight", l)
	}
}

// Two pods share a GPU in halves: each loads half of it while it is busy, and
// the context idles for what is left of the whole.
func TestEnergyOfSharesByHand(t *testing.T) {
	c := world1(t, constant(8, 600), &plan{interval: time.Minute, replicas: []int{2}})
	c.Services[0].Serving.Routing = serving.RoundRobin
	c.Services[0].Pools[0].Load = 0.5
	c.Cluster.Services[0].Needs[0].Part = 0.5
	r := run(t, c, 1)
	node, n := c.Cluster.Pools[0].Node, float64(r.Ledger.Served)
	if n < 4790 {
		t.Fatalf("ledger %+v, want nearly all of 4,800 served", r.Ledger)
	}
	loaded := 0.5 * 0.1 * n
	inFlight := 0.1 * float64(r.Ledger.InFlight) // at most; their kernels ran for a part of it
	want := loaded*c.Services[0].Pools[0].BusyWatts[1] + (600-loaded)*node.GPU.Context.Value + 600*node.GPU.Bare.Value
	if got := r.Metrics["energy_gpu_kwh"] * 3.6e6; got < want-1e-6*want || got > want+inFlight*node.GPU.CapWatts+1e-6*want {
		t.Errorf("energy_gpu_kwh is %v J, want %v", got, want)
	}
	near6(t, "gpu_allocated_ratio", r.Metrics["gpu_allocated_ratio"], 0.5)
}

// With several instances and batches of all sizes, too, the joules do not
// depend on how often anybody looks.
func TestEnergyOfInstancesDoesNotDependOnTheSampling(t *testing.T) {
	var want *results.Run
	for _, scrape := range []time.Duration{11 * time.Minute, time.Second} {
		c := world1(t, constant(30, 1200), &plan{interval: time.Minute, replicas: []int{1}})
		s := &c.Services[0]
		s.Process.Name = "Poisson"
		s.Serving.Instances, s.Serving.MaxBatch = 3, 4
		s.Pools[0].Times = serving.NewServiceTime([]float64{0, 100e6, 150e6, 170e6, 250e6}, serving.Exponential, 0, false)
		s.Pools[0].BusyWatts = []float64{0, 200, 300, 450, 690}
		s.Pools[0].Grades = make([]grade.Grade, 5)
		c.Telemetry.ScrapeInterval, c.Bin = scrape, 3*scrape
		got := run(t, c, 1)
		if want == nil {
			want = got
		}
		for _, name := range []string{"energy_gpu_kwh", "energy_idle_kwh", "co2e_grams", "gpu_busy_ratio"} {
			near6(t, name, got.Metrics[name], want.Metrics[name])
		}
	}
	if b := want.Metrics["batch_size_mean"]; b < 1.05 || b > 3.95 {
		t.Errorf("batches of %v on average: the test needs all sizes", b)
	}
}
