package experiment

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// parse compiles all policies of a scenario that lies in testdata.
func parse(t rapid.TB, text string) []*engine.Config {
	t.Helper()
	f, err := scenario.Parse([]byte(text), "testdata/generated.yaml", func(path string) (io.ReadCloser, error) { return os.Open(path) })
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var names []string
	for _, p := range f.Scenario.Spec.Policies {
		names = append(names, p.Name)
	}
	configs, err := Compile(f, names)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return configs
}

// choose draws one of the texts.
func choose(t *rapid.T, name string, texts ...string) string {
	return rapid.SampledFrom(texts).Draw(t, name)
}

// drawScenario writes a few minutes of one or two services on one or two pools.
func drawScenario(t *rapid.T) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: kwatt.dev/v1alpha1\nkind: Scenario\nmetadata: {name: generated}\nspec:\n  duration: %s\n  services:\n",
		choose(t, "duration", "150s", "4m"))
	for i := range rapid.IntRange(1, 2).Draw(t, "services") {
		fmt.Fprintf(&b, "    - name: service-%d\n", i)
		for _, line := range drawService(t) {
			fmt.Fprintf(&b, "      %s\n", line)
		}
	}
	fmt.Fprintf(&b, "  telemetry: %s\n  cluster:\n    nodePools:\n", choose(t, "telemetry", "{}", "{scrapeInterval: 7s, window: 20s, lag: 0s}", "{scrapeInterval: 1m, lag: 90s}"))
	for _, pool := range []string{"{name: a30, gpu: {model: nvidia-a30, perNode: 2}, ", "{name: a100, gpu: {model: nvidia-a100-sxm4-40gb}, "} {
		fmt.Fprintf(&b, "      - %snodes: %s, provisionDelay: %s}\n", pool,
			choose(t, "nodes", "{initial: 0, max: 3}", "{initial: 1}", "{initial: 2, min: 1, max: 3}"), choose(t, "provisionDelay", "0s", "20s"))
	}
	fmt.Fprintf(&b, "  carbon: %s\n  cost: {energyPerKWh: 0.2}\n  policies:\n", choose(t, "carbon", "{zone: DE, year: 2024}", "{constant: 300, embodied: exclude, pue: 1}"))
	for _, p := range drawPolicies(t) {
		fmt.Fprintf(&b, "    - {%s}\n", p)
	}
	return b.String()
}

func drawService(t *rapid.T) []string {
	maxBatch := rapid.SampledFrom([]int{1, 4, 8}).Draw(t, "maxBatch")
	models := []string{"{profile: bert-base-ranker, variant: tensorrt-fp16}", "{serviceTime: {base: 3ms, perItem: 1ms}}"}
	if maxBatch == 1 { // the predictions of batches of very uneven length take seconds
		models = append(models, "{serviceTime: {distribution: Exponential, mean: 12ms}}", "{profile: bert-base-ranker, variant: tensorrt-fp16, noise: 0.5}")
	}
	return []string{
		"workload: " + choose(t, "workload",
			"{trace: {constant: 90}}", "{trace: {constant: 40}, arrivals: {process: Deterministic}, events: [{at: 40s, ramp: 10s, hold: 20s, multiply: 8}]}",
			"{trace: {constant: 150}, arrivals: {process: Gamma, cv: 3}}", "{trace: {file: small.csv}, scale: {factor: 0.3}}",
			"{trace: {constant: 0.001}}"),
		"model: " + choose(t, "model", models...),
		"gpu: " + choose(t, "gpu", "{}", "{share: 0.5}", "{share: 0.3333}", "{mig: 1g.6gb}", "{mig: 2g.12gb}", "{mig: 1g.5gb}", "{mig: 3g.20gb}"),
		fmt.Sprintf("batching: {maxBatch: %d, maxQueueDelay: %s, instances: %d}", maxBatch, choose(t, "delay", "0s", "3ms"), rapid.IntRange(1, 3).Draw(t, "instances")),
		"queue: " + choose(t, "queue", "{}", "{capacity: 8}", "{timeout: 200ms}"),
		"routing: " + choose(t, "routing", "LeastRequest", "RoundRobin", "Random"),
		"startup: " + choose(t, "startup", "{imagePull: 0s, modelLoad: 0s}", "{imagePull: 10s, modelLoad: 10s}"),
		"slo: " + choose(t, "slo", "{}", "{latency: {p95: 300ms}}", "{latency: {p99: 1s}}"),
	}
}

// drawPolicies returns all four scalers, each with some scheduler and nodes.
func drawPolicies(t *rapid.T) []string {
	scalers := []string{
		fmt.Sprintf("name: static, scaler: {static: {replicas: %d}}", rapid.IntRange(1, 9).Draw(t, "replicas")),
		"name: hpa, scaler: {hpa: {downscaleStabilization: 30s, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}, maxReplicas: 8, " +
			"metrics: [{type: Pods, pods: {metric: {name: " + choose(t, "metric", "requests_per_second", "inflight_requests") + "}, target: {type: AverageValue, averageValue: \"30\"}}}]}}}",
		"name: energy-aware, scaler: {energyAware: {scaleDownDelay: 30s}}",
		"name: forecast, scaler: {forecast: {step: 15s, season: 1m, scaleDownDelay: 0s}}",
	}
	for i := range scalers {
		scalers[i] += ", scheduler: {profile: " + choose(t, "profile", "Default", "EnergyAware") + "}, nodes: " +
			choose(t, "nodePolicy", "{}", "{autoscale: false}", "{consolidateAfter: 0s}", "{consolidateAfter: 20s, sleep: true}")
	}
	return scalers
}

// Whatever the scenario: nothing is lost, every figure is possible, and a run
// is a function of scenario and seed.
func TestGeneratedScenariosAreSane(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := drawScenario(rt)
		configs := parse(rt, text)
		list := runs(rt, configs, 1)
		for i, r := range list {
			if what := insane(configs[i], r); what != "" {
				rt.Fatalf("policy %s: %s\n%s", r.Policy, what, text)
			}
			if a, b := list[0].Ledger.Arrivals, r.Ledger.Arrivals; a != b {
				rt.Fatalf("policy %s met %d requests, policy %s %d\n%s", list[0].Policy, a, r.Policy, b, text)
			}
		}
		again := *configs[len(configs)-1]
		again.Progress = func(int64) {}
		r, err := engine.Run(t.Context(), &again, 1)
		if d := cmp.Diff(list[len(list)-1], r); err != nil || d != "" {
			rt.Fatalf("a second run differs: %v\n%s\n%s", err, d, text)
		}
	})
}

// insane returns what cannot be about a run, or "".
func insane(c *engine.Config, r *results.Run) string {
	for _, m := range append(serviceValues(r), r.Metrics) {
		for name, v := range m {
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
				return fmt.Sprintf("%s is %v", name, v)
			}
		}
		if what := impossible(m); what != "" {
			return what
		}
	}
	for _, f := range []func(*engine.Config, *results.Run) string{wrongLedger, wrongEnergy, wrongTimes, wrongSeries} {
		if what := f(c, r); what != "" {
			return what
		}
	}
	return ""
}

func serviceValues(r *results.Run) []metrics.Values {
	var all []metrics.Values
	for _, v := range r.Services {
		all = append(all, v)
	}
	return all
}

// impossible checks figures of the services and of the whole against each other.
func impossible(m metrics.Values) string {
	for _, name := range []string{"slo_attainment_ratio", "gpu_busy_ratio", "gpu_allocated_ratio"} {
		if m[name] > 1+1e-9 {
			return fmt.Sprintf("%s is %v", name, m[name])
		}
	}
	last := 0.0
	for _, q := range []string{"p50", "p90", "p95", "p99", "p999"} {
		v := m["latency_"+q+"_seconds"]
		if v < last {
			return fmt.Sprintf("latency %s %v is below the quantile before it, %v", q, v, last)
		}
		last = v
	}
	if m["replicas_mean"] > m["replicas_max"]+1e-9 {
		return fmt.Sprintf("mean of replicas %v above their maximum %v", m["replicas_mean"], m["replicas_max"])
	}
	return ""
}

func wrongLedger(_ *engine.Config, r *results.Run) string {
	l := r.Ledger
	if l.Arrivals != l.Served+l.Dropped+l.TimedOut+l.InFlight {
		return fmt.Sprintf("requests are not conserved: %+v", l)
	}
	for name, n := range map[string]int64{
		"requests_arrived_total": l.Arrivals, "requests_served_total": l.Served,
		"requests_dropped_total": l.Dropped, "requests_timed_out_total": l.TimedOut,
	} {
		sum := 0.0
		for _, v := range serviceValues(r) {
			sum += v[name]
		}
		if r.Metrics[name] != float64(n) || sum != float64(n) {
			return fmt.Sprintf("%s is %v, %v over the services, %d in the ledger", name, r.Metrics[name], sum, n)
		}
	}
	return ""
}

// wrongEnergy holds the joules between what the powered hardware draws at the
// least and at the most, and the parts against the whole.
func wrongEnergy(c *engine.Config, r *results.Run) string {
	m := r.Metrics
	var most float64 // W of a GPU with its part of the host
	for _, p := range c.Cluster.Pools {
		most = max(most, p.Node.GPU.CapWatts+p.Node.BaseWatts.Value/float64(p.Node.GPUs))
	}
	asleep := 0.0
	for _, p := range c.Cluster.Pools {
		asleep += float64(p.Max) * p.Node.SleepWatts.Value * c.Duration.Seconds() / 3.6e6
	}
	shares := 0.0
	for _, s := range r.EnergyByGrade {
		shares += s
	}
	switch {
	case m["energy_idle_kwh"] > m["energy_gpu_kwh"]*(1+1e-9):
		return fmt.Sprintf("idle energy %v above the GPUs' %v", m["energy_idle_kwh"], m["energy_gpu_kwh"])
	case m["energy_gpu_kwh"] > m["energy_node_kwh"]*(1+1e-9):
		return fmt.Sprintf("GPU energy %v above the nodes' %v", m["energy_gpu_kwh"], m["energy_node_kwh"])
	case !close9(m["energy_kwh"], m["energy_node_kwh"]*c.PUE):
		return fmt.Sprintf("facility energy %v is not PUE times %v", m["energy_kwh"], m["energy_node_kwh"])
	case m["energy_node_kwh"] > m["gpu_hours"]*most/1000+asleep+1e-12:
		return fmt.Sprintf("%v kWh in %v GPU-hours: no GPU draws that much", m["energy_node_kwh"], m["gpu_hours"])
	case m["energy_node_kwh"] > 0 && !close9(shares, 1):
		return fmt.Sprintf("shares of energy by grade add up to %v", shares)
	case !close9(m["co2e_grams"], m["co2e_operational_grams"]+m["co2e_embodied_grams"]):
		return fmt.Sprintf("CO2e %v is not operational %v + embodied %v", m["co2e_grams"], m["co2e_operational_grams"], m["co2e_embodied_grams"])
	}
	return ""
}

func wrongTimes(c *engine.Config, r *results.Run) string {
	hours := c.Duration.Seconds() / 3600
	nodes, gpus, least := 0.0, 0.0, 0.0
	for _, p := range c.Cluster.Pools {
		nodes += float64(p.Max)
		gpus += float64(p.Max * p.Node.GPUs)
		least += float64(p.Min)
	}
	m := r.Metrics
	if m["node_hours"] > nodes*hours*(1+1e-9) || m["gpu_hours"] > gpus*hours*(1+1e-9) || m["node_hours"] < least*hours*(1-1e-9) {
		return fmt.Sprintf("%v node-hours and %v GPU-hours of at least %v and at most %v and %v", m["node_hours"], m["gpu_hours"], least*hours, nodes*hours, gpus*hours)
	}
	last := 0.0
	for _, d := range r.Decisions {
		if d.T < last || d.T > c.Duration.Seconds() {
			return fmt.Sprintf("decision %+v after one at %v s", d, last)
		}
		last = d.T
	}
	return ""
}

// wrongSeries adds the time series up to the totals.
func wrongSeries(c *engine.Config, r *results.Run) string {
	var arrived, lost, joules, grams, from float64
	for i, p := range r.Points {
		seconds := p.T - from
		if p.Service != "" {
			arrived += *p.ArrivalRate * seconds
			lost += *p.LostRate * seconds
			continue
		}
		joules += *p.FacilityWatts * seconds
		grams += *p.CO2eRate * seconds / 3600
		from = p.T
		if i == len(r.Points)-1 && p.T != c.Duration.Seconds() {
			return fmt.Sprintf("the time series ends at %v s", p.T)
		}
	}
	switch {
	case !close9(arrived, float64(r.Ledger.Arrivals)) || !close9(lost, float64(r.Ledger.Dropped+r.Ledger.TimedOut)):
		return fmt.Sprintf("the time series counts %v requests and loses %v, the ledger is %+v", arrived, lost, r.Ledger)
	case !close9(joules/3.6e6, r.Metrics["energy_kwh"]) || !close9(grams, r.Metrics["co2e_operational_grams"]):
		return fmt.Sprintf("the time series has %v kWh and %v g, the run %v and %v", joules/3.6e6, grams, r.Metrics["energy_kwh"], r.Metrics["co2e_operational_grams"])
	}
	return ""
}

// close9 allows for the rounding of a long sum.
func close9(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b), 1e-3) }
