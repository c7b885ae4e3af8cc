package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// shopScenario is four minutes of a service under a manifest of its own.
const shopScenario = `apiVersion: kwatt.dev/v1alpha1
kind: Scenario
metadata: {name: shop}
spec:
  duration: 4m
  seeds: {count: 6}
  services:
    - name: ranker
      workload:
        trace: {constant: 300}
        events: [{at: 1m, ramp: 10s, hold: 1m, decay: 10s, multiply: 2}]
      model: {profile: bert-base-ranker, variant: tensorrt-fp16}
      batching: {maxBatch: 8, maxQueueDelay: 2ms}
      startup: {imagePull: 5s, modelLoad: 5s}
      slo: {latency: {p95: 50ms}}
  cluster:
    nodePools:
      - {name: t4, gpu: {model: nvidia-t4, perNode: 2}, nodes: {initial: 3, min: 1, max: 6}}
  carbon: {constant: 300}
  policies:
    - {name: static, scaler: {static: {replicas: 2}}}
    - {name: hpa, scaler: {hpa: {manifest: hpa.yaml}}}
`

const shopHPA = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: ranker}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ranker}
  maxReplicas: 10
  metrics:
    - {type: Pods, pods: {metric: {name: requests_per_second}, target: {type: AverageValue, averageValue: "150"}}}
`

// writeFiles writes a folder of files and returns its path.
func writeFiles(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func shopFiles() map[string]string {
	return map[string]string{
		"shop.yaml": shopScenario, "hpa.yaml": shopHPA,
		"generous.yaml": strings.Replace(shopHPA, `"150"`, `"75"`, 1),
	}
}

func compareJSON(t *testing.T, args ...string) *results.SideBySide {
	t.Helper()
	code, stdout, stderr := sim(t, append([]string{"compare", "-o", "json"}, args...)...)
	s := new(results.SideBySide)
	if err := json.Unmarshal([]byte(stdout), s); err != nil || code != exitOK {
		t.Fatalf("sim compare %s: exit %d, %v\n%s", strings.Join(args, " "), code, err, stderr)
	}
	return s
}

func row(t *testing.T, s *results.SideBySide, metric string) results.Row {
	t.Helper()
	for _, r := range s.Rows {
		if r.Metric == metric {
			return r
		}
	}
	t.Fatalf("no row of %s", metric)
	return results.Row{}
}

func TestCompareDirectories(t *testing.T) {
	dir := writeFiles(t, shopFiles())
	scenario := filepath.Join(dir, "shop.yaml")
	run := func(args ...string) string {
		t.Helper()
		code, _, stderr := sim(t, append([]string{"run", scenario, "-o", "none", "--out", filepath.Join(dir, "out")}, args...)...)
		if code != exitOK {
			t.Fatal(stderr)
		}
		_, path, _ := strings.Cut(strings.TrimSpace(stderr), "report  ")
		return filepath.Dir(path)
	}
	before := run()
	one := compareJSON(t, before, "--policies", "static,hpa")
	if len(one.Seeds) != 6 || one.A.Name != "static" || one.B.Name != "hpa" || len(one.Warnings) != 1 {
		t.Fatalf("seeds %v, %s against %s, warnings %v", one.Seeds, one.B.Name, one.A.Name, one.Warnings)
	}
	if want := "too few seeds (6) for any difference to be significant: use at least 9"; !strings.Contains(one.Warnings[0], want) {
		t.Errorf("warning %q, want %q", one.Warnings[0], want)
	}
	// One metric alone asks less of the seeds.
	if r := row(t, compareJSON(t, before, "--policies", "static,hpa", "--metric", "gpu_busy_ratio"), "gpu_busy_ratio"); r.Verdict == results.CannotSay || r.P != 2.0/64 {
		t.Errorf("busy ratio: %+v", r)
	}
	same := compareJSON(t, before, before, "--policy", "hpa")
	for _, r := range same.Rows {
		if r.Difference.Mean != 0 || r.P != 1 {
			t.Errorf("a result differs from itself: %+v", r)
		}
	}
	// A service level is part of the scenario, not of a policy; other seeds and
	// another load are told too.
	other := run("--seeds", "3..8", "--set", "spec.services[0].slo.latency.p95=60ms", "--set", "spec.services[0].workload.trace.constant=310")
	text := strings.Join(compareJSON(t, before, other, "--policy", "static").Warnings, "\n")
	for _, want := range []string{"the sides differ in more than the policy: spec.services", "compared on the 4 they share", "the loads are not the same: with seed 3 A met"} {
		if !strings.Contains(text, want) {
			t.Errorf("no warning says %q:\n%s", want, text)
		}
	}
	for _, c := range []struct {
		args   []string
		code   int
		stderr string
	}{
		{[]string{before}, exitUsage, "--policies a,b of static, hpa"},
		{[]string{before, other}, exitUsage, "which policy?"},
		{[]string{before, other, "--policy", "keda"}, exitUsage, "has no policy keda: it has static, hpa"},
		{[]string{before, dir}, exitFiles, "manifest.json"},
		{[]string{scenario, before}, exitUsage, "is a file"},
		{[]string{before, other, "--policy", "hpa", "--seeds", "1..2"}, exitUsage, "otherwise nothing is simulated"},
		{[]string{before, other, "--policy", "hpa", "--interval", "z"}, exitUsage, "want t or bootstrap"},
		{[]string{before, other, "--policy", "hpa", "--metric", "energy"}, exitUsage, "energy_kwh"},
	} {
		code, stdout, stderr := sim(t, append([]string{"compare"}, c.args...)...)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%v: exit %d, want %d; stderr should contain %q:\n%s", c.args, code, c.code, c.stderr, stderr)
		}
	}
}

func TestCompareManifests(t *testing.T) {
	dir := writeFiles(t, shopFiles())
	t.Chdir(dir)
	s := compareJSON(t, "shop.yaml", "--manifest-a", "hpa.yaml", "--manifest-b", "generous.yaml", "-q", "--metric", "replicas_mean", "--metric", "energy_kwh")
	if r := row(t, s, "replicas_mean"); r.Verdict != results.CannotSay && r.Change.Mean < 0.5 || len(s.Seeds) != 6 {
		t.Errorf("half the target: %+v", r)
	}
	if s.A.Name != "hpa.yaml" || s.B.Name != "generous.yaml" || s.B.Policy != "hpa" || len(s.Warnings) != 1 {
		t.Errorf("sides %+v and %+v, warnings %v", s.A, s.B, s.Warnings)
	}
	// More seeds decide what six cannot: two metrics need seven at 0.05.
	more := compareJSON(t, "shop.yaml", "--manifest-a", "hpa.yaml", "--manifest-b", "generous.yaml", "-q", "--metric", "replicas_mean", "--metric", "energy_kwh", "--until-decided")
	if r := row(t, more, "replicas_mean"); r.Verdict != results.Worse || len(more.Seeds) != 12 || more.Alpha != 0.05/4 {
		t.Errorf("until decided: %d seeds at %v, %+v", len(more.Seeds), more.Alpha, r)
	}
	for args, want := range map[string]string{
		"shop.yaml --manifest-a hpa.yaml":                                       "go together",
		"shop.yaml --manifest-a hpa.yaml --manifest-b shop.yaml":                "want a HorizontalPodAutoscaler, found Scenario",
		"shop.yaml --manifest-a hpa.yaml --manifest-b hpa.yaml --policy static": "the scenario names one at: spec.policies[hpa].scaler.hpa.manifest",
		"shop.yaml --manifest-a hpa.yaml --manifest-b hpa.yaml --max-seeds 3":   "--max-seeds goes with --until-decided",
		"shop.yaml --ref main --manifest-a hpa.yaml --manifest-b hpa.yaml":      "--ref goes without",
		"shop.yaml hpa.yaml --manifest-a hpa.yaml --manifest-b hpa.yaml":        "one too many",
		"shop.yaml --manifest-a hpa.yaml --manifest-b absent.yaml":              "no such file",
		"shop.yaml --manifest-a hpa.yaml --manifest-b hpa.yaml --seeds x":       "want A..B",
		"shop.yaml --ref main": "git repository",
		"shop.yaml --manifest-a hpa.yaml --manifest-b hpa.yaml --policies a,b,hpa ": "want one for each side",
	} {
		code, _, stderr := sim(t, append([]string{"compare"}, strings.Fields(args)...)...)
		if code == exitOK || code == exitBug || !strings.Contains(stderr, want) {
			t.Errorf("sim compare %s: exit %d, stderr should contain %q:\n%s", args, code, want, stderr)
		}
	}
}

func TestCompareWithARevision(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git on this machine")
	}
	dir := writeFiles(t, shopFiles())
	t.Chdir(dir)
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "start"}} {
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	args := []string{"shop.yaml", "--ref", "HEAD", "--policy", "hpa", "--seeds", "1..2", "--set", "spec.duration=3m", "-q", "--metric", "replicas_mean"}
	if r := row(t, compareJSON(t, args...), "replicas_mean"); r.Difference.Mean != 0 {
		t.Errorf("nothing was changed: %+v", r)
	}
	if err := os.Rename("generous.yaml", "hpa.yaml"); err != nil {
		t.Fatal(err)
	}
	s := compareJSON(t, args...)
	if r := row(t, s, "replicas_mean"); r.Difference.Mean <= 0 || s.A.Name != "HEAD" {
		t.Errorf("half the target: %+v", r)
	}
	code, _, stderr := sim(t, "compare", "shop.yaml", "--ref", "--output=x", "--policy", "hpa")
	if code != exitFiles || !strings.Contains(stderr, "git show --output=x") {
		t.Errorf("a revision like a flag: exit %d\n%s", code, stderr)
	}
	if _, err := os.Stat("x"); err == nil {
		t.Error("a revision was taken for a flag of git")
	}
}

// stdout is the same bytes whatever the number of workers, and fits 80 columns.
func TestCompareText(t *testing.T) {
	dir := writeFiles(t, shopFiles())
	t.Chdir(dir)
	var want string
	for _, jobs := range []string{"1", "4"} {
		code, stdout, stderr := sim(t, "compare", "shop.yaml", "--manifest-a", "hpa.yaml", "--manifest-b", "generous.yaml", "-j", jobs, "--seeds", "1..9")
		if code != exitOK || !strings.Contains(stderr, "18/18 ") {
			t.Fatalf("exit %d\n%s", code, stderr)
		}
		if want != "" && stdout != want {
			t.Error(cmp.Diff(want, stdout))
		}
		want = stdout
	}
	for _, part := range []string{"A: hpa.yaml, policy hpa, scenario shop", "9 paired seeds", "detects", "geomean of", "replicas mean"} {
		if !strings.Contains(want, part) {
			t.Errorf("the table lacks %q:\n%s", part, want)
		}
	}
	for line := range strings.Lines(want) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
