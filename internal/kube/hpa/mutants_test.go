package hpa_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/kube/hpa/hpatest"
	"github.com/kwatt-sim/kwatt/internal/policies"
)

// mutants are faults that the comparison with upstream must notice: a line of
// this package, and what a slip might make of it.
var mutants = []struct{ fault, file, right, wrong string }{
	{"the far edge of the window counts, going up", "stabilize.go", "x.at > upCutoff", "x.at >= upCutoff"},
	{"the far edge of the window counts, going down", "stabilize.go", "x.at > downCutoff", "x.at >= downCutoff"},
	{"the far edge of the window does not count, without behavior", "stabilize.go", "x.at < cutoff {\n\t\t\told = i\n\t\t} else {", "x.at <= cutoff {\n\t\t\told = i\n\t\t} else {"},
	{"the far edge of a policy's period counts", "stabilize.go", "x.at > cutoff {\n\t\t\tsum", "x.at >= cutoff {\n\t\t\tsum"},
	{"a recommendation is forgotten when one window has passed", "stabilize.go", "x.at < upCutoff && x.at < downCutoff", "x.at < upCutoff || x.at < downCutoff"},
	{"what is stabilized is recorded, not what was recommended", "stabilize.go", "r.record(now, want, old)\n\tn = min(max(current, lowest), highest)", "n = min(max(current, lowest), highest)\n\tr.record(now, n, old)"},
	{"the windows are swapped", "stabilize.go", "n = min(max(current, lowest), highest)", "n = max(min(current, lowest), highest)"},
	{"the scale-up window is forgotten", "stabilize.go", "lowest = min(lowest, x.replicas)", "lowest = want"},
	{"without behavior the window shrinks to nothing", "stabilize.go", "top = max(top, x.replicas)", "top = want"},
	{"percents are rounded down on the way up", "stabilize.go", "n = int32(math.Ceil(x))", "n = int32(math.Floor(x))"},
	{"percents are rounded up on the way down", "stabilize.go", "if n = int32(x); way == up {", "if n = int32(math.Ceil(x)); way == up {"},
	{"a period starts with the replicas of now", "stabilize.go", "current - s.added.within(now, p.PeriodSeconds) + s.removed.within(now, p.PeriodSeconds)", "current"},
	{"what was removed in the period is not counted", "stabilize.go", " + s.removed.within(now, p.PeriodSeconds)", ""},
	{"Max and Min are swapped", "stabilize.go", "autoscalingv2.MinChangePolicySelect)", "autoscalingv2.MaxChangePolicySelect)"},
	{"Disabled is taken for Max", "stabilize.go", "*r.SelectPolicy == autoscalingv2.DisabledPolicySelect", "*r.SelectPolicy == \"\""},
	{"no change is ever overwritten by a later one", "stabilize.go", "if old >= 0 {\n\t\t(*c)[old] = change", "if old >= 1<<30 {\n\t\t(*c)[old] = change"},
	{"changes are outdated after the shortest period", "stabilize.go", "longest = max(longest, p.PeriodSeconds)", "longest = min(max(longest, 1), p.PeriodSeconds)"},
	{"at most twice the replicas, or 5", "stabilize.go", "math.Max(2*float64(current), 4)", "math.Max(2*float64(current), 5)"},
	{"minReplicas does not hold the rate rule", "stabilize.go", "least, reason, message := s.min,", "least, reason, message := int32(1),"},
	{"maxReplicas goes before minReplicas in words", "stabilize.go", "\"TooManyReplicas\", tooMany\n\tif fast := int32", "\"TooFewReplicas\", tooFew\n\tif fast := int32"},
	{"the first recommendation is forgotten", "scaler.go", "s.recommended.record(o.Now, current, -1)", ""},
	{"changes are not recorded", "scaler.go", "s.added.record(o.Now, n-current, s.object.Spec.Behavior.ScaleUp)", ""},
	{"the behavior's tolerance is forgotten", "scaler.go", "down = b.ScaleDown.Tolerance.AsApproximateFloat64()", "down = c.Tolerance"},
	{"the tolerances are swapped", "scaler.go", "v := [2]float64{down, up}\n", "v := [2]float64{up, down}\n\tif down == 0.1 && up == 0.2 {\n\t\tv = [2]float64{down, up}\n\t}\n"},
	{"the window that the manifest leaves out is 0", "scaler.go", "window := int32(c.DownscaleStabilization.Seconds())", "window := int32(0)"},
	{"a metric without a value does not block scaling down", "scaler.go", "|| failures > 0 && want < current", ""},
	{"a metric without a value blocks scaling up", "scaler.go", "failures > 0 && want < current", "failures > 0"},
	{"the smallest answer wins", "scaler.go", "want == 0 || n > want", "want == 0 || n < want"},
	{"at zero replicas the metrics decide", "scaler.go", "case current == 0:", "case current < 0:"},
	{"beyond maxReplicas the metrics decide", "scaler.go", "case current > s.max:", "case current > 1<<30:"},
	{"an AverageValue is of the replicas asked for, not of the pods", "scaler.go", "int32(len(o.Pods))", "current"},
	{"draining pods are overlooked", "view.go", "v.draining(i)\n\t}\n", "_ = i\n\t}\n"},
	{"draining pods count as any other", "view.go", "x.pod.DeletionTimestamp = &metav1.Time{Time: v.wall}", ""},
	{"pods that start count as running", "view.go", "x.pod.Status.Phase = v1.PodPending", "x.pod.Status.Phase = v1.PodRunning"},
	{"unready pods count as ready", "view.go", "ready := v1.ConditionFalse", "ready := v1.ConditionTrue"},
	{"the CPU initialization period includes its end", "view.go", "border > v.o.Now", "border >= v.o.Now"},
	{"the CPU initialization period never ends", "view.go", "border > v.o.Now", "border > 0"},
	{"the CPU initialization period is over at once", "view.go", "border > v.o.Now", "border < 0"},
	{"readiness is dated to the pod's start", "view.go", "LastTransitionTime.Time = time(p.ReadyAt)", "LastTransitionTime.Time = start"},
	{"metrics are as fresh as the decision", "view.go", "return time(v.o.At)", "return time(v.o.Now)"},
	{"metrics have no window", "view.go", "Timestamp: v.at[i], Window: v.o.Window", "Timestamp: v.at[i], Window: 0"},
	{"the whole pod's use is the first container's", "view.go", "v.gpus[v.server] == 0 && v.gpus[x.Name] > 0", "false"},
	{"values are rounded up", "metrics.go", "return int64(1000 * v)", "return int64(math.Ceil(1000 * v))"},
	{"a latency of nothing is 0", "metrics.go", "return v, v > 0", "return v, true"},
}

const mutantPackage = "github.com/kwatt-sim/kwatt/internal/kube/hpa/mutant/m%02d"

func mutantKind(i int) string { return fmt.Sprintf("hpa-mutant-%02d", i) }

// TestMutantsAreCaught puts each fault into a copy of this package, builds all
// copies into one test binary, and runs this test there: every copy must part
// from upstream in traces in which the package itself does not. The copies
// exist in the build's overlay only.
func TestMutantsAreCaught(t *testing.T) {
	if _, err := policies.Find(mutantKind(0)); err == nil {
		catchMutants(t)
		return
	}
	out, err := exec.Command("go", "test", "-vet=off", "-timeout=300s", "-overlay="+mutantOverlay(t), "-run=^TestMutantsAreCaught$", "-v", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// mutantOverlay writes the copies below a temporary folder and returns the file
// that tells the go command where they belong.
func mutantOverlay(t *testing.T) string {
	dir := t.TempDir()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	overlay := map[string]string{}
	put := func(file, text string) {
		path := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		overlay[filepath.Join(here, file)] = path
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	imports := "package hpa_test\n"
	for i, m := range mutants {
		imports += fmt.Sprintf("import _ %q\n", fmt.Sprintf(mutantPackage, i))
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			mutated := string(text)
			if file == m.file {
				mutated = replaceOnce(t, mutated, m.right, m.wrong)
			}
			if file == "config.go" {
				mutated = replaceOnce(t, mutated, `"hpa"`, fmt.Sprintf("%q", mutantKind(i)))
			}
			put(fmt.Sprintf("mutant/m%02d/%s", i, file), mutated)
		}
	}
	put("mutants_imported_test.go", imports)
	data, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func replaceOnce(t *testing.T, text, right, wrong string) string {
	t.Helper()
	if n := strings.Count(text, right); n != 1 {
		t.Fatalf("the code has %d times, not once: %s", n, right)
	}
	return strings.Replace(text, right, wrong, 1)
}

// catchMutants compares them all with upstream until the last one is caught.
func catchMutants(t *testing.T) {
	alive := map[int]bool{}
	for i := range mutants {
		alive[i] = true
	}
	const traces = 100
	for seed := uint64(1); seed <= traces && len(alive) > 0; seed++ {
		trace := hpatest.Record(t, seed, perTrace)
		if m := hpatest.Compare(newScaler(t, "hpa", trace.Setup), trace); m != nil {
			t.Fatalf("the package itself: %s", m)
		}
		for i, m := range mutants {
			if !alive[i] {
				continue
			}
			if where := caught(t, mutantKind(i), trace); where != "" {
				delete(alive, i)
				t.Logf("caught at seed %d, %s: %s", seed, where, m.fault)
			}
		}
	}
	for i, m := range mutants {
		if alive[i] {
			t.Errorf("survived %d decisions: %s\n%s: %q → %q", traces*perTrace, m.fault, m.file, m.right, m.wrong)
		}
	}
}

// caught tells where a mutant parts from upstream, "" if it does not. A panic
// is a difference too.
func caught(t *testing.T, kind string, trace hpatest.Trace) (where string) {
	defer func() {
		if r := recover(); r != nil {
			where = fmt.Sprintf("with a panic: %v", r)
		}
	}()
	if m := hpatest.Compare(newScaler(t, kind, trace.Setup), trace); m != nil {
		return fmt.Sprintf("reconcile %d", m.Step)
	}
	return ""
}
