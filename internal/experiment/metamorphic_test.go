package experiment

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// edited is the small scenario with old replaced by new, in pairs; each old
// must be there.
func edited(t *testing.T, pairs ...string) []*engine.Config {
	t.Helper()
	return parse(t, editedText(t, pairs...))
}

func editedText(t *testing.T, pairs ...string) string {
	t.Helper()
	data, err := os.ReadFile(small)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s does not hold %q", small, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

func policy(t *testing.T, configs []*engine.Config, name string) []*engine.Config {
	t.Helper()
	i := slices.IndexFunc(configs, func(c *engine.Config) bool { return c.Policy == name })
	if i < 0 {
		t.Fatalf("no policy %s", name)
	}
	return configs[i : i+1]
}

// A policy's name and its place in the file mean nothing to it.
func TestNamesAndOrderOfPoliciesMeanNothing(t *testing.T) {
	want := runs(t, edited(t), 1)
	renamed := edited(t, "name: static", "name: d", "name: hpa", "name: c", "name: energy-aware", "name: b", "name: forecast", "name: a")
	slices.Reverse(renamed)
	got := runs(t, renamed, 1)
	slices.Reverse(got)
	for i, w := range want {
		g := *got[i]
		if g.Policy != []string{"d", "c", "b", "a"}[i] {
			t.Fatalf("run %d is of policy %s", i, g.Policy)
		}
		g.Policy = w.Policy
		for k := range g.Warnings { // they name the policy
			g.Warnings[k] = strings.Replace(g.Warnings[k], got[i].Policy, w.Policy, 1)
		}
		if d := cmp.Diff(*w, g); d != "" {
			t.Errorf("%s under another name differs:\n%s", w.Policy, d)
		}
	}
}

const secondService = `services:
    - name: second
      workload: {trace: {constant: 0.01}}
      model: {serviceTime: {mean: 20ms}}
      gpu: {mig: 1g.5gb}
      replicas: {initial: 1}
`

const secondPool = `nodePools:
      - {name: other, gpu: {model: nvidia-a100-sxm4-40gb}, nodes: {initial: 1}}
`

// A second service that lives on nodes of its own changes nothing of the first
// one, though it comes before it in the file.
func TestAServiceElsewhereChangesNothing(t *testing.T) {
	alone := runs(t, edited(t, "name: ranker\n      workload", "name: ranker\n      gpu: {mig: 4g.24gb}\n      workload"), 1)
	both := runs(t, edited(t, "name: ranker\n      workload", "name: ranker\n      gpu: {mig: 4g.24gb}\n      workload",
		"services:\n", secondService, "nodePools:\n", secondPool), 1)
	for i, w := range alone {
		g := both[i]
		if d := cmp.Diff(w.Services["ranker"], g.Services["ranker"]); d != "" {
			t.Errorf("%s: the ranker's metrics differ:\n%s", w.Policy, d)
		}
		if d := cmp.Diff(pointsOf(w, "ranker"), pointsOf(g, "ranker")); d != "" {
			t.Errorf("%s: the ranker's time series differ:\n%s", w.Policy, d)
		}
		if n := g.Services["second"]["requests_served_total"]; n == 0 {
			t.Errorf("%s: the second service served nothing", w.Policy)
		}
	}
}

// A second service in the same cluster competes for GPUs, but the first one
// still meets the same customers.
func TestAServiceBesideMeetsTheSameCustomers(t *testing.T) {
	alone, both := runs(t, edited(t), 2), runs(t, edited(t, "services:\n", strings.Replace(secondService, "1g.5gb", "1g.6gb", 1)), 2)
	for i, w := range alone {
		rates := func(r *results.Run) (all []float64) {
			for _, p := range pointsOf(r, "ranker") {
				all = append(all, *p.ArrivalRate)
			}
			return all
		}
		if d := cmp.Diff(rates(w), rates(both[i])); d != "" {
			t.Errorf("%s, seed %d: other arrivals:\n%s", w.Policy, w.Seed, d)
		}
	}
}

func pointsOf(r *results.Run, service string) []results.Point {
	return slices.DeleteFunc(slices.Clone(r.Points), func(p results.Point) bool { return p.Service != service })
}

// Two pools of half the nodes are the pool: what a static fleet serves, draws
// and costs does not depend on how its equal nodes are named.
func TestTwoHalvesAreThePool(t *testing.T) {
	const (
		pool   = "{name: a30, gpu: {model: nvidia-a30, perNode: 2}, nodes: {initial: 6}, provisionDelay: 15s}"
		some   = "{name: a30, gpu: {model: nvidia-a30, perNode: 2}, nodes: {initial: 2, max: 8}, provisionDelay: 15s}"
		halves = `{name: east, gpu: {model: nvidia-a30, perNode: 2}, nodes: {initial: 1, max: 4}, provisionDelay: 15s}
      - {name: west, gpu: {model: nvidia-a30, perNode: 2}, nodes: {initial: 1, max: 4}, provisionDelay: 15s}`
	)
	for _, replicas := range []string{"replicas: 12", "replicas: 3"} { // more than the first nodes hold, and fewer
		whole := runs(t, policy(t, edited(t, pool, some, "replicas: 12", replicas), "static"), 1)[0]
		split := runs(t, policy(t, edited(t, pool, halves, "replicas: 12", replicas), "static"), 1)[0]
		if whole.Ledger != split.Ledger {
			t.Errorf("%s: ledger %+v in one pool, %+v in two", replicas, whole.Ledger, split.Ledger)
		}
		for name, v := range whole.Metrics {
			if !close9(v, split.Metrics[name]) {
				t.Errorf("%s: %s is %v in one pool, %v in two", replicas, name, v, split.Metrics[name])
			}
		}
	}
}

// Everything twice as slow: half the rate, all times twice as long. Requests and
// ratios stay, latencies, energy and hours double.
func TestEverythingTwiceAsSlow(t *testing.T) {
	steady := []string{"trace: {file: small.csv}", "trace: {constant: 600}", "{zone: DE, year: 2024}", "{constant: 300}", "    - name: ranker\n      workload", "    - name: ranker\n      replicas: {initial: 8}\n      workload"}
	fast := runs(t, policy(t, edited(t, steady...), "static"), 1)[0]
	slow := runs(t, policy(t, edited(t, append(steady, "constant: 600", "constant: 300", "duration: 30m", "duration: 1h",
		"base: 10ms, perItem: 5ms", "base: 20ms, perItem: 10ms", "maxQueueDelay: 2ms", "maxQueueDelay: 4ms", "timeout: 1s", "timeout: 2s",
		"p95: 200ms", "p95: 400ms")...), "static"), 1)[0]
	if fast.Ledger != slow.Ledger {
		t.Errorf("ledger %+v, twice as slow %+v", fast.Ledger, slow.Ledger)
	}
	doubled := func(name string) bool {
		return strings.HasSuffix(name, "_seconds") || strings.HasSuffix(name, "_kwh") || strings.HasSuffix(name, "_hours") ||
			strings.HasPrefix(name, "co2e") || strings.HasPrefix(name, "cost") || name == "joules_per_request"
	}
	for name, v := range fast.Metrics {
		want := v
		if doubled(name) {
			want = 2 * v
		}
		tolerance := 1e-5 // arrivals and batch times are whole nanoseconds
		if strings.HasPrefix(name, "latency_p") {
			tolerance = 1.0 / 256 // two buckets of the histogram
		}
		if got := slow.Metrics[name]; math.Abs(got-want) > tolerance*want {
			t.Errorf("%s is %v, twice as slow %v, want %v", name, v, got, want)
		}
	}
}
