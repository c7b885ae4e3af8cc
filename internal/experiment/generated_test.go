package experiment

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// parse compiles all policies of a scenario that lies in testdata.
func parse(t rapid.TB, text string) []*engine.Config {
	t.Helper()
	f := parseFile(t, text)
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

func parseFile(t rapid.TB, text string) *scenario.File {
	t.Helper()
	f, err := scenario.Parse([]byte(text), "testdata/generated.yaml", func(path string) (io.ReadCloser, error) { return os.Open(path) })
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return f
}

// choose draws one of the texts.
func choose(t *rapid.T, name string, texts ...string) string {
	return rapid.SampledFrom(texts).Draw(t, name)
}

// drawScenario writes a few minutes of one or two services on one or two pools,
// or in two regions.
func drawScenario(t *rapid.T) string {
	var b strings.Builder
	regions := rapid.IntRange(0, 2).Draw(t, "regions") == 0
	second, grid := "nvidia-a100-sxm4-40gb", []string{"{zone: DE, year: 2024}", "{constant: 300, embodied: exclude, pue: 1}"}
	if regions {
		second, grid = "nvidia-a30", grid[:1]
	}
	fmt.Fprintf(&b, "apiVersion: kwatt.dev/v1alpha1\nkind: Scenario\nmetadata: {name: generated}\nspec:\n  duration: %s\n  services:\n",
		choose(t, "duration", "150s", "4m"))
	for i := range rapid.IntRange(1, 2).Draw(t, "services") {
		fmt.Fprintf(&b, "    - name: service-%d\n", i)
		for _, line := range drawService(t, regions) {
			fmt.Fprintf(&b, "      %s\n", line)
		}
	}
	fmt.Fprintf(&b, "  telemetry: %s\n  cluster:\n    nodePools:\n", choose(t, "telemetry", "{}", "{scrapeInterval: 7s, window: 20s, lag: 0s}", "{scrapeInterval: 1m, lag: 90s}"))
	for _, pool := range []string{"{name: a30, gpu: {model: nvidia-a30, perNode: 2}, ", "{name: second, gpu: {model: " + second + "}, "} {
		fmt.Fprintf(&b, "      - %snodes: %s, provisionDelay: %s}\n", pool,
			choose(t, "nodes", "{initial: 0, max: 3}", "{initial: 1}", "{initial: 2, min: 1, max: 3}"), choose(t, "provisionDelay", "0s", "20s"))
	}
	fmt.Fprintf(&b, "  carbon: %s\n  cost: {energyPerKWh: 0.2}\n  policies:\n", choose(t, "carbon", grid...))
	for _, p := range drawPolicies(t) {
		if regions {
			p += ", routing: " + choose(t, "router", "{}", "{kind: Weighted, weights: {near: 1, far: 2}}", "{kind: Cheapest, interval: 15s}", "{kind: Green, headroom: 0.5}")
		}
		fmt.Fprintf(&b, "    - {%s}\n", p)
	}
	if regions {
		fmt.Fprintf(&b, "  regions:\n    - {name: near, nodePools: [a30], carbonZone: PL}\n    - {name: far, nodePools: [second], %s}\n",
			choose(t, "far", "networkLatency: 40ms, pue: 1.1", "networkLatency: 2s, energyPerKWh: 0.1, carbonZone: SE"))
	}
	return b.String()
}

func drawService(t *rapid.T, regions bool) []string {
	gpu := []string{"{}", "{share: 0.5}", "{share: 0.3333}", "{mig: 1g.6gb}", "{mig: 2g.12gb}", "{mig: 1g.5gb}", "{mig: 3g.20gb}"}
	if regions { // every region must be able to run it
		gpu = gpu[:5]
	}
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
		"gpu: " + choose(t, "gpu", gpu...),
		fmt.Sprintf("batching: {maxBatch: %d, maxQueueDelay: %s, instances: %d}", maxBatch, choose(t, "delay", "0s", "3ms"), rapid.IntRange(1, 3).Draw(t, "instances")),
		"queue: " + choose(t, "queue", "{}", "{capacity: 8}", "{timeout: 200ms}"),
		"routing: " + choose(t, "routing", "LeastRequest", "RoundRobin", "Random"),
		"startup: " + choose(t, "startup", "{imagePull: 0s, modelLoad: 0s}", "{imagePull: 10s, modelLoad: 10s}"),
		"slo: " + choose(t, "slo", "{}", "{latency: {p95: 300ms}}", "{latency: {p99: 1s}}"),
	}
}

// drawPolicies returns the scalers, each with some scheduler and nodes.
func drawPolicies(t *rapid.T) []string {
	scalers := []string{
		fmt.Sprintf("name: static, scaler: {static: {replicas: %d}}", rapid.IntRange(1, 9).Draw(t, "replicas")),
		"name: hpa, scaler: {hpa: {downscaleStabilization: 30s, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}, maxReplicas: 8, " +
			"metrics: [{type: Pods, pods: {metric: {name: " + choose(t, "metric", "requests_per_second", "inflight_requests") + "}, target: {type: AverageValue, averageValue: \"30\"}}}]}}}",
		"name: energy-aware, scaler: {energyAware: {scaleDownDelay: 30s}}",
		"name: capping, scaler: {energyAware: {scaleDownDelay: 30s, powerCap: true}}",
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
		for _, c := range configs {
			c.Ledger = engine.Ledger(rapid.IntRange(int(engine.Changes), int(engine.NodeResults)).Draw(rt, "ledger"))
		}
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
