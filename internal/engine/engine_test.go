package engine

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/cluster/clustertest"
	"github.com/kwatt-sim/kwatt/internal/cost"
	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/serving"
	"github.com/kwatt-sim/kwatt/internal/vtime"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// plan is a scaler that asks for plan[i] replicas at its i-th decision, and for
// the last ever after. It keeps what it was shown.
type plan struct {
	interval time.Duration
	replicas []int
	seen     []policies.Observation
}

func (p *plan) Interval() time.Duration { return p.interval }
func (p *plan) Decide(o policies.Observation) policies.Decision {
	p.seen = append(p.seen, o)
	return policies.Decision{Replicas: p.replicas[min(len(p.seen), len(p.replicas))-1], Reason: "plan"}
}

// steady is a grid of one intensity.
type steady float64

func (g steady) IntensityAt(vtime.Time) float64          { return float64(g) }
func (g steady) NextChangeAfter(t vtime.Time) vtime.Time { return t.Add(time.Hour) }

const serviceNs = 100e6

// world1 is one service on one pool of H100 nodes with two GPUs each.
func world1(t testing.TB, rates []float64, p *plan) *Config {
	t.Helper()
	gpu, err := powermodel.Lookup("nvidia-h100-sxm")
	if err != nil {
		t.Fatal(err)
	}
	end := vtime.At(time.Duration(len(rates)) * time.Second)
	busy, g := gpu.BusyWatts(1)
	node := powermodel.NewNode(gpu, 2)
	node.HostPerWatt.Value = 0 // so that sums by hand are short; the tests of the host set it
	return &Config{
		Policy: "plan", Duration: end, Bin: time.Minute, PUE: 1.25, Grids: []Grid{steady(400)},
		Telemetry: Telemetry{ScrapeInterval: 15 * time.Second, Window: time.Minute, Lag: 5 * time.Second},
		Services: []Service{{
			Name: "ranker", Curve: &workload.Curve{Step: time.Second, Rates: rates}, Process: workload.Process{Name: "Deterministic"},
			Serving: serving.Config{MaxBatch: 1, Instances: 1, QueueCapacity: 100, Horizon: end, SLO: 200e6},
			Pools: []PoolService{{
				Times: serving.NewServiceTime([]float64{0, serviceNs}, serving.Deterministic, 0, false), Load: 1, Full: 10,
				BusyWatts: []float64{0, busy}, Grades: []grade.Grade{g, g},
			}},
			Initial:   p.replicas[0],
			NewScaler: func() (policies.Scaler, error) { p.seen = nil; return p, nil },
		}},
		Cluster: cluster.Config{
			Pools: []cluster.Pool{{Name: "h100", Node: node, Initial: 1, Min: 1, Max: 4, ProvisionDelay: time.Minute}},
			Services: []cluster.Service{{Name: "ranker", Needs: []cluster.Need{{Part: 1}},
				ImagePull: 10 * time.Second, ModelLoad: 20 * time.Second}},
			NewScheduler: clustertest.Spread,
			Autoscaler:   cluster.Autoscaler{Enabled: true, Expander: cluster.LeastWaste, ConsolidateAfter: 5 * time.Minute},
		},
		EmbodiedLifetime: 4 * 365 * 24 * time.Hour,
		Prices:           cost.Prices{GPUHour: map[string]float64{"nvidia-h100-sxm": 2}, EnergyPerKWh: 0.1, CarbonPerTonne: 50},
	}
}

func run(t testing.TB, c *Config, seed uint64) *results.Run {
	t.Helper()
	r, err := Run(context.Background(), c, seed)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// squareWave is 5 req/s for 10 s, then nothing for 10 s, and so on.
func squareWave(seconds int) []float64 {
	rates := make([]float64, seconds)
	for i := range rates {
		if i/10%2 == 0 {
			rates[i] = 5
		}
	}
	return rates
}

func near6(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6*math.Abs(want) {
		t.Errorf("%s = %.9g, by hand %.9g", what, got, want)
	}
}

// A square wave on one replica for an hour, by hand: n requests keep one H100
// busy 0.1 s each at P_busy(1), its context idles otherwise, the node's other
// GPU stays bare.
func TestEnergyCarbonAndCostOfASquareWave(t *testing.T) {
	c := world1(t, squareWave(3600), &plan{interval: time.Minute, replicas: []int{1}})
	r := run(t, c, 1)
	node := c.Cluster.Pools[0].Node
	n := float64(r.Ledger.Served)
	if n < 8990 || n > 9000 || r.Ledger.Arrivals != r.Ledger.Served {
		t.Fatalf("ledger %+v, want 9,000 requests but for the last gap", r.Ledger)
	}
	busy := n * 0.1
	gpuJ := busy*c.Services[0].Pools[0].BusyWatts[1] + (3600-busy)*node.GPU.Context.Value + 3600*node.GPU.Bare.Value
	nodeJ := gpuJ + 3600*node.BaseWatts.Value
	facilityKWh := nodeJ * 1.25 / 3.6e6
	m := r.Metrics
	near6(t, "energy_gpu_kwh", m["energy_gpu_kwh"], gpuJ/3.6e6)
	near6(t, "energy_node_kwh", m["energy_node_kwh"], nodeJ/3.6e6)
	near6(t, "energy_kwh", m["energy_kwh"], facilityKWh)
	near6(t, "energy_idle_kwh", m["energy_idle_kwh"], (gpuJ-busy*c.Services[0].Pools[0].BusyWatts[1])/3.6e6)
	near6(t, "joules_per_request", m["joules_per_request"], nodeJ*1.25/n)
	near6(t, "gpu_busy_ratio", m["gpu_busy_ratio"], busy/3600)
	near6(t, "gpu_allocated_ratio", m["gpu_allocated_ratio"], 0.5)
	near6(t, "gpu_hours", m["gpu_hours"], 2)

	operational := facilityKWh * 400
	embodied := node.EmbodiedKg * 1000 * 3600 / (4 * 365 * 24 * 3600)
	near6(t, "co2e_operational_grams", m["co2e_operational_grams"], operational)
	near6(t, "co2e_embodied_grams", m["co2e_embodied_grams"], embodied)
	near6(t, "SCI per million", m["co2e_grams_per_million_requests"], (operational+embodied)/n*1e6)
	near6(t, "cost_usd", m["cost_usd"], 2*2+facilityKWh*0.1+(operational+embodied)*1e-6*50)
	if m["latency_p99_seconds"] < 0.0998 || m["latency_p99_seconds"] > 0.1002 || m["slo_attainment_ratio"] != 1 {
		t.Errorf("p99 %v s, attainment %v; nobody waits at 5 req/s", m["latency_p99_seconds"], m["slo_attainment_ratio"])
	}
}

// Energy is integrated on events: how often anybody looks does not change it.
func TestEnergyDoesNotDependOnTheSampling(t *testing.T) {
	var want *results.Run
	for _, scrape := range []time.Duration{time.Second, 7 * time.Second, 15 * time.Second, 11 * time.Minute} {
		c := world1(t, squareWave(1800), &plan{interval: time.Minute, replicas: []int{1}})
		c.Telemetry.ScrapeInterval, c.Bin = scrape, 3*scrape
		got := run(t, c, 1)
		if want == nil {
			want = got
		}
		for _, name := range []string{"energy_gpu_kwh", "energy_node_kwh", "energy_idle_kwh", "co2e_grams", "gpu_busy_ratio"} {
			near6(t, name+" scraped every "+scrape.String(), got.Metrics[name], want.Metrics[name])
		}
		if got.Ledger != want.Ledger {
			t.Errorf("scraped every %v: ledger %+v, want %+v", scrape, got.Ledger, want.Ledger)
		}
	}
}

func TestSameSeedSameRun(t *testing.T) {
	c := world1(t, squareWave(1200), &plan{interval: time.Minute, replicas: []int{1, 2, 5, 1}})
	c.Services[0].Process.Name = "Poisson"
	a, b := run(t, c, 7), run(t, c, 7)
	if d := cmp.Diff(a, b); d != "" {
		t.Errorf("two runs of one seed differ:\n%s", d)
	}
	if other := run(t, c, 8); other.Ledger == a.Ledger {
		t.Errorf("seed 8 gave the ledger of seed 7: %+v", other.Ledger)
	}
}

// Two policies with one seed meet the same customers.
func TestCommonRandomNumbers(t *testing.T) {
	var arrivals []int64
	for _, replicas := range [][]int{{1}, {3, 1, 2}} {
		c := world1(t, squareWave(1200), &plan{interval: 30 * time.Second, replicas: replicas})
		c.Services[0].Process.Name = "Poisson"
		r := run(t, c, 3)
		for _, p := range r.Points {
			if p.ArrivalRate != nil {
				arrivals = append(arrivals, int64(math.Round(*p.ArrivalRate*60)))
			}
		}
	}
	if half := len(arrivals) / 2; half == 0 || cmp.Diff(arrivals[:half], arrivals[half:]) != "" {
		t.Errorf("arrivals a minute differ between policies: %v", arrivals)
	}
}

// Scaling down drains: no request is lost, and the replica is gone afterwards.
func TestDrainServesWhatIsThere(t *testing.T) {
	rates := make([]float64, 600)
	for i := range rates {
		rates[i] = 19 // two replicas are nearly full, their queues are not empty
	}
	c := world1(t, rates, &plan{interval: time.Minute, replicas: []int{2, 2, 1, 2}})
	c.Services[0].Process.Name = "Poisson"
	c.Services[0].Serving.QueueCapacity = 1 << 20
	r := run(t, c, 1)
	if r.Ledger.Dropped != 0 || r.Ledger.TimedOut != 0 {
		t.Errorf("requests were lost: %+v", r.Ledger)
	}
	if r.Metrics["scale_events_total"] != 2 || r.Metrics["replicas_max"] != 2 {
		t.Errorf("scale events %v, most replicas %v", r.Metrics["scale_events_total"], r.Metrics["replicas_max"])
	}
	// Down at 2 min, asked back at 3 min, ready 20 s (model load) later.
	ready := []float64{}
	for _, p := range r.Points {
		if p.ReplicasReady != nil {
			ready = append(ready, *p.ReplicasReady)
		}
	}
	if d := cmp.Diff([]float64{2, 2, 1, 2, 2, 2, 2, 2, 2, 2}, ready); d != "" {
		t.Errorf("ready replicas by minute:\n%s", d)
	}
	near6(t, "replicas_mean", r.Metrics["replicas_mean"], (2*600.0-80)/600)
}

// What a scaler sees is never the truth of now: a step of the load at 2:00
// shows only after scrape and lag, and fully only after the window.
func TestTelemetryIsLate(t *testing.T) {
	rates := make([]float64, 300)
	for i := range rates {
		if rates[i] = 2; i >= 120 {
			rates[i] = 8
		}
	}
	p := &plan{interval: 5 * time.Second, replicas: []int{1}}
	run(t, world1(t, rates, p), 1)
	at := func(s int) policies.Observation { return p.seen[s/5] }
	if at(15).Valid || !at(20).Valid {
		t.Error("the first scrape is at 15 s and must be seen at 20 s, not before")
	}
	for _, c := range []struct {
		second int
		rate   float64 // newest scrape minus lag, averaged over a minute
	}{{115, 2}, {135, 2}, {140, 3.5}, {155, 5}, {170, 6.5}, {185, 8}, {295, 8}} {
		if got := at(c.second).ArrivalRate; math.Abs(got-c.rate) > 0.1 {
			t.Errorf("at %d s the scaler sees %.2f req/s, want %.2f", c.second, got, c.rate)
		}
	}
	last := at(295)
	if len(last.Pods) != 1 || !last.Pods[0].Ready || math.Abs(last.Pods[0].Metrics.BusyRatio-0.8) > 0.02 || math.Abs(last.Pods[0].Metrics.RequestRate-8) > 0.1 {
		t.Errorf("pods at the end: %+v, want one that is busy 80 %%", last.Pods)
	}
}

func TestMeterChecksItself(t *testing.T) {
	for name, spoil := range map[string]func(*meter){
		"joules by node":  func(m *meter) { m.byNode[0] += 1 },
		"joules by pool":  func(m *meter) { m.byPool[0] += 1 },
		"joules by grade": func(m *meter) { m.byGrade[0] += 1 },
		"joules by kind":  func(m *meter) { m.parts[0][kindHost].joules += 1 },
		"services":        func(m *meter) { m.w.services[0].joules += 1 },
		"nobody":          func(m *meter) { m.unattributed += 1 },
		"GPU-seconds":     func(m *meter) { m.gpuOpen += 1 },
		"busy":            func(m *meter) { m.gpuBusy, m.gpuContext = m.gpuBusy+1e4, m.gpuContext-1e4 },
	} {
		m := meter{byNode: []float64{60, 40}, byPool: []float64{100}, node: 100, gpuOn: 50, gpuBusy: 10, gpuContext: 20, gpuOpen: 20, gpuAllocated: 30}
		m.byGrade[0] = 100
		m.parts = [][kinds]tally{{kindBusy: {joules: 70}, kindBase: {joules: 30}}}
		m.w, m.unattributed = &world{services: []*service{{joules: 80}}}, 20
		if what := m.check(); what != "" {
			t.Fatal(what)
		}
		spoil(&m)
		if m.check() == "" {
			t.Errorf("%s: a spoilt meter passes", name)
		}
	}
}

func TestRunStopsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, world1(t, squareWave(60), &plan{interval: time.Minute, replicas: []int{1}}), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
