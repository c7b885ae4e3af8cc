package cli

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/profiles"
	"github.com/kwatt-sim/kwatt/internal/study"
)

const caseStudy = "../../scenarios/case-study/study.yaml"

// The committed page is of the study, the scenario and the manifests as they are:
// make demo-case-study writes it again.
func TestCaseStudyPage(t *testing.T) {
	p, err := (&studyFlags{}).plan(caseStudy)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/case-study.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := "study " + p.ID() + " -->"; !strings.Contains(string(page), want) {
		t.Errorf("docs/case-study.md is not of %s: run make demo-case-study", want)
	}
	images := regexp.MustCompile(`!\[[^]]*\]\(([^)]*)\)`).FindAllStringSubmatch(string(page), -1)
	if len(images) < 3 {
		t.Errorf("%d charts on the page", len(images))
	}
	for _, m := range images {
		if _, err := os.Stat(filepath.Join("../../docs", m[1])); err != nil {
			t.Error(err)
		}
	}
}

// The study on its first minutes, with all configurations: a page is made whatever
// the order in which runs finish, and an interrupted one goes on.
func TestCaseStudyInShort(t *testing.T) {
	dir := t.TempDir()
	run := func(name string, flags ...string) string {
		t.Helper()
		path := filepath.Join(dir, name, "page.md")
		args := append([]string{"study", caseStudy, "--set", "spec.duration=10m", "--seeds", "1..2", "--out", filepath.Join(dir, name), "--page", path, "-q"}, flags...)
		code, stdout, stderr := sim(t, args...)
		if code != exitOK {
			t.Fatalf("exit %d\n%s", code, stderr)
		}
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if charts, err := filepath.Glob(filepath.Join(dir, name, "page", "steps-*.svg")); len(charts) != 7 || err != nil {
			t.Errorf("%d charts, %v", len(charts), err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, name, "*", "*.partial")); left != nil {
			t.Errorf("runs are left: %v", left)
		}
		if !strings.Contains(stdout, "## Claims beside results") {
			t.Errorf("printed:\n%s", stdout)
		}
		return string(page)
	}
	if a, b := run("a", "-j", "2"), run("b", "-j", "1", "--resume"); a != b {
		t.Error("the page depends on the order of the runs")
	}
	files, err := filepath.Glob(filepath.Join(dir, "a", "case-study", "study-*", "*.csv"))
	if err != nil || len(files) != 3 {
		t.Errorf("tables %v, %v", files, err)
	}
}

func TestStudyDryRun(t *testing.T) {
	code, stdout, _ := sim(t, "study", caseStudy, "--dry-run")
	for _, want := range []string{"28 configurations, 5 seeds: 115 runs\n", "\nbefore\nmodel\nmodel + scaling\nafter\n", "\nbefore, published INT8 (the same as before)\n"} {
		if code != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("exit %d\n%swant %q", code, stdout, want)
		}
	}
	for _, x := range []struct {
		args []string
		code int
	}{
		{[]string{"study", caseStudy, "--set", "spec.none=1"}, exitUsage},
		{[]string{"study", caseStudy, "--seeds", "3..1"}, exitUsage},
		{[]string{"study", caseStudy, "-o", "json"}, exitUsage},
		{[]string{"study", caseStudy, "-j", "0"}, exitUsage},
		{[]string{"study", "none.yaml"}, exitFiles},
		{[]string{"study", "../../scenarios/case-study/before.yaml"}, exitInvalid},
	} {
		if code, _, stderr := sim(t, x.args...); code != x.code {
			t.Errorf("sim %v: exit %d, want %d\n%s", x.args, code, x.code, stderr)
		}
	}
}

// The article's autoscaler is refused with what to use instead, and the nearest one
// is taken.
func TestArticleAutoscaler(t *testing.T) {
	const manifests = "../../scenarios/case-study/manifests/"
	code, _, stderr := sim(t, "validate", manifests+"hpa-article.yaml")
	want := "hpa-article.yaml:17:9: spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue (hint: use AverageValue)"
	if code != exitInvalid || !strings.Contains(stderr, want) {
		t.Errorf("exit %d\n%swant %s", code, stderr, want)
	}
	for _, name := range []string{"hpa-50ms.yaml", "hpa-140ms.yaml", "scheduler-normalised.yaml", "scheduler-truncated.yaml"} {
		if code, stdout, stderr := sim(t, "validate", manifests+name); code != exitOK || !strings.Contains(stdout, ": valid: ") {
			t.Errorf("%s: exit %d\n%s%s", name, code, stdout, stderr)
		}
	}
	code, _, stderr = sim(t, "run", "../../scenarios/case-study/before.yaml", "--dry-run", "--set", "spec.policies[fleet].scaler={hpa: {manifest: manifests/hpa-article.yaml}}")
	if code != exitInvalid || !strings.Contains(stderr, want) {
		t.Errorf("in the scenario: exit %d\n%s", code, stderr)
	}
}

// The steps named model are the published FP32 times, as a line through batches of
// 1 and 8, over 1.42.
func TestCaseStudyModel(t *testing.T) {
	f, err := study.Load(caseStudy)
	if err != nil {
		t.Fatal(err)
	}
	steps := map[string]study.Step{"nvidia-t4": f.Study.Spec.Steps[0]}
	for _, a := range f.Study.Spec.Assumptions {
		if a.Name == "A100" {
			steps["nvidia-a100-sxm4-40gb"] = a.Steps[0]
		}
	}
	for gpu, step := range steps {
		p, err := profiles.Lookup("bert-base-ranker", "fp32", gpu)
		if err != nil {
			t.Fatal(err)
		}
		perItem := (p.BatchSeconds(8) - p.BatchSeconds(1)) / 7
		for name, want := range map[string]float64{"base": (p.BatchSeconds(1) - perItem) / 1.42, "perItem": perItem / 1.42} {
			m := regexp.MustCompile(name + `: ([0-9.]+ms)`).FindStringSubmatch(step.Set[0])
			if m == nil {
				t.Fatalf("%s: no %s in %s", gpu, name, step.Set[0])
			}
			if d, err := time.ParseDuration(m[1]); err != nil || math.Abs(d.Seconds()-want) > 1e-6 {
				t.Errorf("%s: %s is %s, want %.3fms", gpu, name, m[1], 1e3*want)
			}
		}
	}
	if len(steps) != 2 {
		t.Errorf("steps of %d GPUs", len(steps))
	}
}
