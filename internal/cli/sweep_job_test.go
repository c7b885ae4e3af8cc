package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// renderedPod is what a test needs of a ConfigMap or a Job.
type renderedPod struct {
	Kind string
	Data map[string]string
	Spec struct {
		Completions int
		Template    struct {
			Spec struct {
				Containers []struct{ Args []string }
				Volumes    []struct {
					ConfigMap *struct {
						Items []struct{ Key, Path string }
					}
				}
			}
		}
	}
}

// What the rendered Jobs run, with their arguments and with their files where the
// volume puts them, comes to the bytes of a local sweep. (That Kubernetes takes the
// objects is tested in internal/kube/sweepjob.)
func TestSweepJobRunsTheSweep(t *testing.T) {
	root := writeFiles(t, map[string]string{
		"scenarios/shop.yaml": strings.Replace(shopScenario, "hpa.yaml", "../manifests/hpa.yaml", 1), "manifests/hpa.yaml": shopHPA,
		"sweeps/points.csv":       "spec.policies[hpa].scaler.hpa.manifest," + shopBatch + "maxBatch\n../manifests/hpa.yaml,4\n../manifests/generous.yaml,8\n",
		"manifests/generous.yaml": strings.Replace(shopHPA, `"150"`, `"75"`, 1),
	})
	t.Chdir(filepath.Join(root, "sweeps"))
	args := []string{"sweep", "../scenarios/shop.yaml", "--points", "points.csv", "--policy", "hpa", "--seeds", "3..5"}
	if code, _, stderr := sim(t, append(args, "--out", "local", "-q", "-o", "none")...); code != exitOK {
		t.Fatal(stderr)
	}
	want := sweepResult(t, "local")
	code, text, stderr := sim(t, slices.Concat(args, []string{"--engine", "kubernetes", "--image", "kwatt:1", "--claim", "results", "--shards", "2"})...)
	if code != exitOK {
		t.Fatal(stderr)
	}
	var objects []renderedPod
	for _, doc := range strings.Split(text, "\n---\n") {
		var o renderedPod
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	if len(objects) != 3 || objects[0].Kind != "ConfigMap" || objects[1].Spec.Completions != 2 {
		t.Fatalf("%+v", objects)
	}
	files := map[string]string{}
	for _, item := range objects[1].Spec.Template.Spec.Volumes[0].ConfigMap.Items {
		files[item.Path] = objects[0].Data[item.Key]
	}
	t.Chdir(writeFiles(t, files))
	claim := t.TempDir()
	inPod := func(o renderedPod, index int) {
		t.Helper()
		var words []string
		for _, a := range o.Spec.Template.Spec.Containers[0].Args {
			a = strings.ReplaceAll(a, "$(JOB_COMPLETION_INDEX)", strconv.Itoa(index))
			if strings.HasPrefix(a, "/results") {
				a = claim + strings.TrimPrefix(a, "/results")
			}
			words = append(words, a)
		}
		if code, stdout, stderr := sim(t, words...); code != exitOK {
			t.Fatalf("sim %s: exit %d\n%s%s", strings.Join(words, " "), code, stdout, stderr)
		}
	}
	inPod(objects[1], 1)
	inPod(objects[1], 0)
	inPod(objects[1], 0) // a pod that is started again finds its runs
	inPod(objects[2], 0)
	if d := cmp.Diff(want, sweepResult(t, claim)); d != "" {
		t.Errorf("the Jobs make other bytes:\n%.2000s", d)
	}
}

// A merge that was started first waits until the last shard is done.
func TestMergeWaits(t *testing.T) {
	args := sweepFolder(t, 2)
	code, stdout, _ := sim(t, append(args, "--shards", "2")...)
	commands := strings.Split(strings.TrimSpace(stdout), "\n")
	merge := strings.Fields(commands[len(commands)-1])
	if code != exitOK || len(commands) != 3 || merge[1] != "merge" {
		t.Fatalf("exit %d\n%s", code, stdout)
	}
	if code, _, stderr := sim(t, merge[1:]...); code != exitFiles || !strings.Contains(stderr, "no such file") {
		t.Errorf("without --wait: exit %d\n%s", code, stderr)
	}
	type outcome struct {
		code   int
		stderr string
	}
	done := make(chan outcome)
	go func() {
		code, _, stderr := sim(t, slices.Concat(merge[1:], []string{"--wait", "1m", "-o", "none"})...)
		done <- outcome{code, stderr}
	}()
	for i := range 2 {
		if code, _, stderr := sim(t, slices.Concat(args, []string{"-q", "--shards", "2", "--shard", strconv.Itoa(i)})...); code != exitOK {
			t.Error(stderr)
		}
	}
	if o := <-done; o.code != exitOK || !strings.Contains(o.stderr, "sweep   ") {
		t.Errorf("exit %d\n%s", o.code, o.stderr)
	}
	sweepResult(t, "results")
}

func TestSweepUsage(t *testing.T) {
	sweepFolder(t, 2)
	if err := os.WriteFile("bad.csv", []byte("spec.duration,spec.seeds.count\n1m,2\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	grid := []string{"--grid", shopBatch + "maxBatch=1,2"}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "nothing varies"},
		{[]string{"--grid", "spec.duration"}, exitUsage, "is not path=value,value,..."},
		{[]string{"--grid", "spec.seeds.count=1,2"}, exitUsage, "choose them with --seeds"},
		{[]string{"--grid", shopBatch + "maxBatch=1,1"}, exitUsage, "stands twice"},
		{[]string{"--grid", shopBatch + "maxBatsh=1,2"}, exitUsage, "did you mean maxBatch?"},
		{[]string{"--grid", shopBatch + "maxBatch=1,0"}, exitInvalid, "point 1 (" + shopBatch + "maxBatch=0):\n--set " + shopBatch + "maxBatch:1:1: spec.services[0].batching.maxBatch: must be at least 1"},
		{[]string{"--grid", "spec.services[ranker].batching.maxQueueDelay=1ms,1000us"}, exitUsage, "are the same scenario: a run would count twice"},
		{[]string{"--policy", "static", "--grid", "spec.policies[hpa].scaler.hpa.manifest=hpa.yaml,generous.yaml"}, exitUsage, "Is the policy that a path belongs to among those that are run?"},
		{[]string{"--points", "bad.csv"}, exitInvalid, "bad.csv: path spec.seeds.count"},
		{[]string{"--points", "nowhere.csv"}, exitFiles, "nowhere.csv"},
		{append(grid, "--policy", "hap"), exitUsage, "policy hap"},
		{append(grid, "--shards", "2", "--shard", "2"), exitUsage, "want 0 to 1"},
		{append(grid, "--image", "x"), exitUsage, "--image goes with --engine kubernetes"},
		{append(grid, "--engine", "kubernetes"), exitUsage, "needs --image and --claim"},
	} {
		code, stdout, stderr := sim(t, append([]string{"sweep", "shop.yaml", "-q"}, c.args...)...)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d, want %d with %q\n%s%s", c.args, code, c.code, c.want, stdout, stderr)
		}
	}
	if _, err := os.Stat("results"); err == nil {
		t.Error("something was run")
	}
	code, stdout, _ := sim(t, append([]string{"sweep", "shop.yaml", "--dry-run", "--shards", "5"}, grid...)...)
	if code != exitOK || !strings.Contains(stdout, "of shop: 2 points, 2 policies (static, hpa), 6 seeds: 24 runs in 5 shards of at most 5\npoint 0 (") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
}
