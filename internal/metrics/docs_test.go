package metrics_test

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/parquet-go/parquet-go"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	_ "github.com/kwatt-sim/kwatt/internal/policies/all"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// docs/metrics.md is the template with the catalogue filled in, and with the
// columns and kinds of decisions that a small run leaves behind.
func TestDocsMatchTheCatalogue(t *testing.T) {
	dir := run(t, "testdata/run.yaml")
	golden.Page(t, "../../docs/metrics.md", "testdata/metrics.md.tmpl", template.FuncMap{
		"better":   better,
		"headline": func(m metrics.Metric) bool { return slices.Contains(results.Headline(), m.Name) },
	}, map[string]any{"Metrics": metrics.Catalogue(), "Columns": columnsOf(t, dir), "Kinds": kindsOf(t, dir)})
}

func better(m metrics.Metric) string {
	return map[metrics.Direction]string{metrics.LowerIsBetter: "lower", metrics.HigherIsBetter: "higher", metrics.Neutral: "–"}[m.Better]
}

// run simulates a scenario with one seed and returns its results directory.
func run(t *testing.T, path string) string {
	t.Helper()
	f, err := scenario.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var in results.Inputs
	for _, p := range f.Scenario.Spec.Policies {
		in.Policies = append(in.Policies, p.Name)
	}
	configs, err := experiment.Compile(f, in.Policies)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range configs {
		c.Ledger = engine.Ticks
	}
	var runs []*results.Run
	err = experiment.Run(context.Background(), experiment.Jobs(configs, []uint64{1}), 1, func(r *results.Run) error {
		runs = append(runs, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	summary, err := results.Summarise(runs, in)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	if err := results.Write(dir, results.Bundle{Summary: summary, Runs: runs}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// described is an entry of the page's tables.
type described struct{ Name, Unit, Rows, Meaning string }

// columnsOf returns the columns of the time series after the four that name a
// row, each with its unit and the rows in which it has figures.
func columnsOf(t *testing.T, dir string) []described {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, results.TimeseriesFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	units := unitsOf(t, filepath.Join(dir, results.ParquetFile))
	service := slices.Index(rows[0], "service")
	var columns []described
	for i := service + 1; i < len(rows[0]); i++ {
		c := described{Name: rows[0][i], Unit: units("unit." + rows[0][i]), Meaning: columnMeanings[rows[0][i]]}
		filled := map[string]bool{}
		for _, row := range rows[1:] {
			switch {
			case row[i] == "":
			case row[service] == "":
				filled["cluster"] = true
			default:
				filled["service"] = true
			}
		}
		for name := range filled {
			c.Rows = name
		}
		if len(filled) != 1 || c.Meaning == "" || c.Unit == "" {
			t.Errorf("column %+v: want a meaning here, a unit in the Parquet file, and figures in one kind of rows, not in %v", c, filled)
		}
		columns = append(columns, c)
	}
	if len(columns) != len(columnMeanings) {
		t.Errorf("%d columns, but %d meanings", len(columns), len(columnMeanings))
	}
	return columns
}

// unitsOf returns the look-up of a Parquet file's metadata; "" when not there.
func unitsOf(t *testing.T, path string) func(key string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(strings.NewReader(string(b)), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return func(key string) string {
		value, _ := f.Lookup(key)
		return value
	}
}

// kindsOf returns the kinds of decisions; the run has taken each of them.
func kindsOf(t *testing.T, dir string) []described {
	t.Helper()
	taken, err := results.ReadDecisions(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, decisions := range taken {
		for _, d := range decisions {
			seen[d.Kind] = true
		}
	}
	for _, k := range decisionKinds {
		if !seen[k.Name] {
			t.Errorf("no decision of kind %s was taken", k.Name)
		}
		delete(seen, k.Name)
	}
	if len(seen) > 0 {
		t.Errorf("kinds of decisions without a meaning: %v", seen)
	}
	return decisionKinds
}

var columnMeanings = map[string]string{
	"arrival_requests_per_second":    "Requests that arrived, refused ones included.",
	"capacity_requests_per_second":   "What the ready replicas could serve with full batches, at the end of the bin.",
	"served_requests_per_second":     "Requests whose batch started in the bin.",
	"lost_requests_per_second":       "Requests dropped or timed out.",
	"latency_p50_seconds":            "Median latency of the requests served; empty when there were none.",
	"latency_p95_seconds":            "95th percentile of it.",
	"latency_p99_seconds":            "99th percentile of it.",
	"queued_requests":                "Requests waiting at the end of the bin.",
	"replicas_desired":               "What the scaler asked for last.",
	"replicas_ready":                 "Replicas that requests are routed to, at the end of the bin.",
	"gpu_busy_ratio":                 "Busy over allocated GPU-seconds of the bin; empty when none were allocated.",
	"nodes_on":                       "Nodes on, booting or waking, at the end of the bin.",
	"nodes_asleep":                   "Nodes asleep, at the end of the bin.",
	"gpus_on":                        "GPUs of the nodes on, booting or waking.",
	"gpus_allocated":                 "GPUs, and parts of them, taken by pods that are starting, ready or draining.",
	"gpu_watts":                      "Mean draw of the GPU boards.",
	"facility_watts":                 "Mean draw of the nodes, times PUE.",
	"facility_gpu_busy_watts":        "Of it, GPUs while a kernel runs.",
	"facility_gpu_idle_watts":        "Of it, GPUs without a kernel, with a model loaded or without.",
	"facility_host_watts":            "Of it, hosts of the nodes that are on, and what follows their GPUs' draw.",
	"facility_boot_watts":            "Of it, nodes that boot or wake.",
	"facility_sleep_watts":           "Of it, nodes asleep. The five add up to the facility's watts.",
	"carbon_intensity_grams_per_kwh": "Intensity of the grid, averaged over the energy of the bin; empty when none was drawn.",
	"co2e_grams_per_hour":            "Rate of operational emissions.",
}

var decisionKinds = []described{
	{Name: "scale", Meaning: "A scaler asked for another number of replicas: `service`, `from`, `to`."},
	{Name: "tick", Meaning: "A scaler left the replicas as they are; with `--ledger ticks`, the default, and `nodes`."},
	{Name: "power-cap", Meaning: "A scaler changed what the boards of a pool may draw: `service`, and under `cap` the `pool` and the W `from` and `to`. It holds a second later, for batches that start then."},
	{Name: "sm-clock", Meaning: "A scaler locked the SM clock of a pool's boards, or let it go: `service`, and under `clock` the `pool` and the MHz `from` and `to`, 0 while the boards set their own. It holds a second later too."},
	{Name: "bind", Meaning: "The scheduler placed a pod: `service`, `pod`, `node`, and under `placement` how many nodes were filtered and passed."},
	{Name: "unschedulable", Meaning: "A pod found no place, once for each reason: `service`, `pod`; the reason is kube-scheduler's event and counts the nodes that refused it."},
	{Name: "preempt", Meaning: "A pod was taken from its node to make room for one of higher priority: `service`, `pod`, `node`."},
	{Name: "evict", Meaning: "The node autoscaler moves a pod: `service`, `pod`, `node`."},
	{Name: "pod-ready", Meaning: "A pod begins to serve: `service`, `pod`, `node`, as in the next two."},
	{Name: "pod-drain", Meaning: "A pod takes no new requests: it is to go."},
	{Name: "pod-gone", Meaning: "A pod has left, and its place is free; `node` is missing when it never had one."},
	{Name: "node-on", Meaning: "A node that was off is asked for and boots: `node`, as below; under `expansion` the pools that the expander compared."},
	{Name: "node-wake", Meaning: "A sleeping node wakes up, with `expansion` too."},
	{Name: "node-ready", Meaning: "A node has booted or woken up and takes pods."},
	{Name: "node-drain", Meaning: "A node was cordoned; its pods are evicted as fast as their disruption budgets allow."},
	{Name: "node-sleep", Meaning: "An empty node was put to sleep."},
	{Name: "node-off", Meaning: "An empty node was powered off."},
}
