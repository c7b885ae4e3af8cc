package gate

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	_ "github.com/kwatt-sim/kwatt/internal/policies/all" // scenarios name them
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/rng"
)

const testScenario = `apiVersion: kwatt.dev/v1alpha1
kind: Scenario
metadata: {name: shop}
spec:
  duration: 1m
  seeds: {count: 8}
  services:
    - name: ranker
      workload: {trace: {constant: 10}}
      model: {serviceTime: {mean: 10ms}}
  cluster: {nodePools: [{name: p, gpu: {model: nvidia-t4}, nodes: {initial: 1}}]}
  carbon: {constant: 300}
  cost: {currency: EUR}
  policies:
    - {name: static, scaler: {static: {replicas: 1}}}
    - {name: lean, scaler: {static: {replicas: 1}}}
`

// load writes a gate with these checks beside a scenario and loads it.
func load(t testing.TB, checks string) *File {
	t.Helper()
	f, err := Load(writeGate(t, checks))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func writeGate(t testing.TB, checks string) string {
	t.Helper()
	dir := t.TempDir()
	gate := "apiVersion: kwatt.dev/v1alpha1\nkind: Gate\nmetadata: {name: shop}\nspec:\n  scenario: shop.yaml\n  baseline: base.json\n  checks:\n" + checks
	for name, text := range map[string]string{"shop.yaml": testScenario, "gate.yaml": gate} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "gate.yaml")
}

// runsOf makes runs of a policy whose metric has these values, with seeds from 1.
func runsOf(policy, metric string, values ...float64) []*results.Run {
	var runs []*results.Run
	for i, x := range values {
		runs = append(runs, &results.Run{
			Policy: policy, Seed: uint64(i + 1), Metrics: metrics.Values{metric: x},
			Services: map[string]metrics.Values{"ranker": {metric: x / 2}}, Ledger: results.Ledger{Arrivals: int64(600 + i)},
		})
	}
	return runs
}

// around draws n values of this mean and standard deviation.
func around(name string, n int, mean, sd float64) []float64 {
	noise := rng.New(1).Stream("test", name)
	out := make([]float64, n)
	for i := range out {
		out[i] = mean + sd*noise.Norm()
	}
	return out
}

// plus adds to each value what f returns.
func plus(xs []float64, f func(i int) float64) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		out[i] = x + f(i)
	}
	return out
}

// baselineOf records what runs say.
func baselineOf(t testing.TB, f *File, runs []*results.Run) *Baseline {
	t.Helper()
	b, err := Record(f, runs, "v1")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// judge judges runs at one look.
func judge(t testing.TB, f *File, b *Baseline, runs []*results.Run) *Report {
	t.Helper()
	j, err := NewJudge(f, b)
	if err != nil {
		t.Fatal(err)
	}
	j.Look(runs, 1)
	return j.Report("v1")
}
