package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/plan"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// planScenario is a fleet of L4s whose replicas and batches are to be chosen: a
// replica serves 83 req/s one by one, and 667 at batches of 16.
const planScenario = `apiVersion: kwatt.dev/v1alpha1
kind: Scenario
metadata: {name: fleet}
spec:
  duration: 5m
  seeds: {first: 1, count: 6}
  services:
    - name: ranker
      workload: {trace: {constant: 400}}
      model: {serviceTime: {base: 8ms, perItem: 1ms}}
      batching: {maxBatch: 4}
      queue: {timeout: 1s}
      slo: {latency: {p95: 25ms}}
  cluster:
    nodePools:
      - {name: l4, gpu: {model: nvidia-l4, perNode: 1}, nodes: {initial: 4, min: 1, max: 8}}
  carbon: {constant: 300}
  cost: {gpuHour: {nvidia-l4: 0.8}, energyPerKWh: 0.2}
  policies:
    - name: static
      scaler: {static: {replicas: 4}}
`

var planGrid = []string{"--grid", "spec.policies[static].scaler.static.replicas=1,2,3", "--grid", "spec.services[ranker].batching.maxBatch=1,4,16"}

// planFolder has the fleet and is the working directory.
func planFolder(t *testing.T) {
	t.Helper()
	t.Chdir(writeFiles(t, map[string]string{"fleet.yaml": planScenario}))
}

func planJSON(t *testing.T, args ...string) (int, *plan.Report) {
	t.Helper()
	code, stdout, stderr := sim(t, append([]string{"plan", "fleet.yaml", "-q", "-o", "json", "--out", t.TempDir()}, args...)...)
	r := new(plan.Report)
	if err := json.Unmarshal([]byte(stdout), r); err != nil {
		t.Fatalf("exit %d, %v\n%s", code, err, stderr)
	}
	return code, r
}

// sweepAll sweeps all points over more seeds than the race has, and returns the means
// of each by its values.
func sweepAll(t *testing.T, set string) map[string]map[string]float64 {
	t.Helper()
	code, stdout, stderr := sim(t, append([]string{"sweep", "fleet.yaml", "-q", "-o", "csv", "--out", t.TempDir(), "--seeds", "1..8", "--set", set}, planGrid...)...)
	if code != exitOK {
		t.Fatal(stderr)
	}
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	figures := map[string]map[string]float64{}
	for _, row := range rows[1:] {
		point := row[1] + "," + row[2]
		if figures[point] == nil {
			figures[point] = map[string]float64{}
		}
		if figures[point][row[4]], err = strconv.ParseFloat(row[7], 64); err != nil {
			t.Fatal(err)
		}
	}
	if len(figures) != 9 {
		t.Fatalf("%d points of 9", len(figures))
	}
	return figures
}

// The search finds what simulating everything finds, whichever SLO decides.
func TestPlanFindsTheOptimumOfAnExhaustiveSearch(t *testing.T) {
	planFolder(t)
	winners := map[string]bool{}
	for _, limit := range []float64{0.020, 0.025, 0.040} {
		set := fmt.Sprintf("spec.services[ranker].slo.latency.p95=%gms", 1e3*limit)
		code, r := planJSON(t, append([]string{"--set", set}, planGrid...)...)
		if code != exitOK {
			t.Errorf("%s: exit %d", set, code)
		}
		all := sweepAll(t, set)
		for _, b := range r.Best {
			want := ""
			for point, f := range all {
				if f["latency_p95_seconds"] <= limit && f["slo_attainment_ratio"] >= 0.95 && (want == "" || f[b.Objective] < all[want][b.Objective]) {
					want = point
				}
			}
			if b.Winner == nil || !b.Confirmed || len(b.Rivals) > 0 {
				t.Errorf("%s, %s: %+v", set, b.Objective, b)
				continue
			}
			got := strings.Join(r.Candidates[*b.Winner].Values, ",")
			t.Logf("%s: best by %s is replicas, maxBatch = %s", set, b.Objective, got)
			if winners[got] = true; got != want {
				t.Errorf("%s, %s: found %s, exhaustive search %s", set, b.Objective, got, want)
			}
			for _, s := range b.SLOs {
				if !s.Kept || s.Figure.N != 10 {
					t.Errorf("%+v", s)
				}
			}
		}
	}
	if len(winners) < 2 {
		t.Errorf("the SLO made no difference: %v", winners)
	}
}

func TestPlanWhenNothingKeeps(t *testing.T) {
	planFolder(t)
	code, r := planJSON(t, append([]string{"--slo", "latency_p50_seconds < 5ms", "--minimise", "carbon"}, planGrid...)...)
	if code != exitDiffers || r.Best[0].Winner != nil || r.Nearest == nil {
		t.Errorf("exit %d, %+v, nearest %v", code, r.Best[0], r.Nearest)
	}
	code, stdout, stderr := sim(t, append([]string{"plan", "fleet.yaml", "-q", "--out", t.TempDir(), "--slo", "latency_p50_seconds < 5ms"}, planGrid...)...)
	if code != exitDiffers || !strings.Contains(stdout, "nearest: #") || !strings.Contains(stderr, "no candidate keeps the SLOs") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

// The nearest may be one that screening has refuted.
func TestPlanWhenScreeningDropsTheNearest(t *testing.T) {
	planFolder(t)
	code, stdout, stderr := sim(t, append([]string{"plan", "fleet.yaml", "-q", "--out", t.TempDir(), "--slo", "latency_p95_seconds < 5ms"}, planGrid...)...)
	if code != exitDiffers || !strings.Contains(stdout, "9 lose an SLO in the busiest part alone") || !strings.Contains(stdout, "(in the busiest part alone)\n  latency_p95_seconds < 5ms: ") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

// stopAfter cancels once so many runs are told of.
type stopAfter struct {
	bytes.Buffer
	lines int
	stop  func()
}

func (s *stopAfter) Write(b []byte) (int, error) {
	if s.lines -= bytes.Count(b, []byte(" seed ")); s.lines <= 0 {
		s.stop()
	}
	return s.Buffer.Write(b)
}

// A search that is stopped again and again goes on where it was and comes to the same
// bytes as one that nobody touched.
func TestPlanResumes(t *testing.T) {
	planFolder(t)
	args := append([]string{"plan", "fleet.yaml", "-j", "2"}, planGrid...)
	if code, _, stderr := sim(t, append(args, "--out", "whole")...); code != exitOK {
		t.Fatal(stderr)
	}
	code, stops := exitInterrupted, 0
	for ; code == exitInterrupted && stops < 30; stops++ {
		ctx, cancel := context.WithCancel(t.Context())
		errs := &stopAfter{lines: 17, stop: cancel}
		var out bytes.Buffer
		code = Sim(testEnv(ctx, &out, errs, append(args, "--out", "stopped", "--resume")...))
		if cancel(); code != exitInterrupted && code != exitOK || code == exitInterrupted && !strings.Contains(errs.String(), "go on with:\n  sim plan") {
			t.Fatalf("exit %d\n%s", code, errs.String())
		}
	}
	if code != exitOK || stops < 2 {
		t.Fatalf("exit %d after %d stops", code, stops)
	}
	whole, resumed := tree(t, "whole"), tree(t, "stopped")
	if d := cmp.Diff(whole, resumed); d != "" {
		t.Errorf("after %d stops:\n%s", stops-1, d)
	}
	if left, _ := filepath.Glob("stopped/fleet/*.partial"); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	dirs, err := filepath.Glob("whole/fleet/plan-*")
	if err != nil || len(dirs) != 1 {
		t.Fatal(dirs, err)
	}
	if err := results.Verify(dirs[0]); err != nil {
		t.Error(err)
	}
}

// A service of M/D/1 has the mean latency s + ρ·s/(2(1−ρ)), which reaches 2·s at
// ρ = 2/3: at 10 ms, at 66.67 req/s.
func TestCapacityOfMD1(t *testing.T) {
	t.Chdir(writeFiles(t, map[string]string{"md1.yaml": strings.NewReplacer(
		"{constant: 400}", "{constant: 50}", "base: 8ms, perItem: 1ms", "mean: 10ms", "maxBatch: 4", "maxBatch: 1",
		"replicas: 4", "replicas: 1", "duration: 5m", "duration: 2h").Replace(planScenario)}))
	code, stdout, stderr := sim(t, "plan", "md1.yaml", "--find-capacity", "--slo", "latency_mean_seconds < 20ms", "-q", "-o", "json", "--seeds", "1..12")
	var r capacityReport
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != exitOK {
		t.Fatalf("exit %d, %v\n%s", code, err, stderr)
	}
	p, truth := r.Policies[0], 200.0/3
	t.Logf("kept up to %.2f req/s, broken from %.2f; the truth is %.2f", *p.Keeps, *p.Breaks, truth)
	if *p.Keeps > truth || *p.Breaks < truth || *p.Breaks / *p.Keeps > 1.06 {
		t.Errorf("kept up to %.2f req/s, broken from %.2f; the truth is %.2f", *p.Keeps, *p.Breaks, truth)
	}
	code, stdout, _ = sim(t, "plan", "md1.yaml", "--find-capacity", "--slo", "latency_mean_seconds < 20ms", "-q", "--seeds", "1..3")
	if code != exitOK || !strings.Contains(stdout, "keeps them up to") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
}

func TestPlanRefuses(t *testing.T) {
	planFolder(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "nothing varies"},
		{[]string{"--grid", "spec.duration=1m,2m"}, "the window is the task"},
		{[]string{"--grid", "spec.services[ranker].workload.trace.constant=1,2"}, "the load is the task"},
		{[]string{"--grid", "spec.services[ranker].slo.latency.p95=1ms,2ms"}, "the SLO is the task"},
		{append(planGrid, "--slo", "latency_p95_seconds < 5kWh"), "not in a unit"},
		{append(planGrid, "--slo", "cart/latency_p95_seconds < 5ms"), "no service cart"},
		{append(planGrid, "--minimise", "fun"), "want cost, energy or carbon"},
		{append(planGrid, "--confirm", "4"), "at least 5 seeds"},
		{append(planGrid, "--confidence", "1"), "--confidence 1"},
		{append(planGrid, "--find-capacity"), "--find-capacity takes the scenario as it is"},
	} {
		code, _, stderr := sim(t, append([]string{"plan", "fleet.yaml"}, c.args...)...)
		if code != exitUsage || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d, want %q\n%s", c.args, code, c.want, stderr)
		}
	}
}
