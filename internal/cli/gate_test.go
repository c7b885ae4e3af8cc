package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/gate"
	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/results"
)

const goldenGate = "../../scenarios/gates/flash-sale.gate.yaml"

// kwatt gates itself: the golden scenario against the baseline in the repository.
// A change of the models that is meant is written there with
//
//	go test ./internal/cli -run TestKwattPassesItsOwnGate -update
//
// and reviewed as a change of that file.
func TestKwattPassesItsOwnGate(t *testing.T) {
	if golden.Updating() {
		if code, stdout, stderr := sim(t, "gate", goldenGate, "--update-baseline", "-q"); code != exitOK {
			t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
		}
	}
	code, stdout, stderr := sim(t, "gate", goldenGate, "-q")
	if code != exitOK || stderr != "" {
		t.Errorf("exit %d\n%s%s\nif the change is meant: go test ./internal/cli -run TestKwattPassesItsOwnGate -update", code, stdout, stderr)
	}
}

// gateFolder copies the golden gate, its scenario, manifest and baseline, and
// makes it the working directory; the HPA's target is what setTarget says.
func gateFolder(t *testing.T) (setTarget func(target string)) {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"scenarios/gates/flash-sale.gate.yaml", "scenarios/gates/flash-sale.yaml", "scenarios/gates/hpa.yaml", "results/baselines/flash-sale.json"} {
		b, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(b)
	}
	t.Chdir(writeFiles(t, files))
	const manifest, target = "scenarios/gates/hpa.yaml", `averageValue: "100"`
	if strings.Count(files[manifest], target) != 1 {
		t.Fatalf("%s has no %s", manifest, target)
	}
	return func(to string) {
		t.Helper()
		edited := strings.Replace(files[manifest], target, `averageValue: "`+to+`"`, 1)
		if err := os.WriteFile(manifest, []byte(edited), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

const gateFile = "scenarios/gates/flash-sale.gate.yaml"

func runGateJSON(t *testing.T, args ...string) (code int, r gate.Report) {
	t.Helper()
	code, stdout, stderr := sim(t, append([]string{"gate", gateFile, "-q", "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("exit %d, %v\n%s", code, err, stderr)
	}
	return code, r
}

// The pull request that gates are for: it edits the HPA's target.
func TestGateOnAnEditedManifest(t *testing.T) {
	setTarget := gateFolder(t)
	byMetric := func(r gate.Report) map[string]gate.Outcome {
		m := map[string]gate.Outcome{}
		for _, o := range r.Outcomes {
			m[o.Metric] = o
		}
		return m
	}
	t.Run("identical passes", func(t *testing.T) {
		code, r := runGateJSON(t)
		if code != exitOK || r.Verdict != gate.Pass || r.Seeds != 10 {
			t.Fatalf("exit %d, %s with %d seeds", code, r.Verdict, r.Seeds)
		}
		if o := byMetric(r)["energy_kwh"]; *o.Measured != 0 || *o.High != 0 {
			t.Errorf("nothing was changed, and energy changed by %v", *o.Measured)
		}
	})
	t.Run("doubled loses requests", func(t *testing.T) {
		setTarget("200")
		code, r := runGateJSON(t)
		if code != exitDiffers || r.Verdict != gate.Fail {
			t.Fatalf("exit %d, %s", code, r.Verdict)
		}
		o := byMetric(r)
		if o["energy_kwh"].Verdict != gate.Pass || o["slo_attainment_ratio"].Verdict != gate.Fail || o["requests_timed_out_total"].Verdict != gate.Fail {
			t.Errorf("%+v", r.Outcomes)
		}
		if reason := o["slo_attainment_ratio"].Reason; !strings.Contains(reason, "was 100.0%: -") || !strings.Contains(reason, "the limit is maxDecrease 0.5pp") {
			t.Errorf("the reason is %q", reason)
		}
	})
	t.Run("halved wastes energy", func(t *testing.T) {
		setTarget("50")
		code, r := runGateJSON(t)
		o := byMetric(r)["energy_kwh"]
		if code != exitDiffers || o.Verdict != gate.Fail || *o.Low < 0.2 {
			t.Errorf("exit %d, energy: %+v", code, o)
		}
	})
	t.Run("a touch is too little for ten seeds", func(t *testing.T) {
		// Which touch lands near the limit depends on the models' last change.
		for _, target := range []string{"94", "95", "93", "96", "92", "97", "91", "98"} {
			setTarget(target)
			code, r := runGateJSON(t)
			if code != exitInconclusive {
				continue
			}
			for _, o := range r.Outcomes {
				if o.Verdict == gate.Inconclusive && (o.SeedsNeeded <= 10 || !strings.Contains(o.Reason, fmt.Sprintf("about %d seeds would decide", o.SeedsNeeded))) {
					t.Errorf("%s: %d seeds needed: %s", o.Metric, o.SeedsNeeded, o.Reason)
				}
			}
			// More seeds, up to the baseline's forty, get further.
			code, more := runGateJSON(t, "--until-decided")
			if more.Seeds <= 10 || code == exitInconclusive && more.Seeds != 40 {
				t.Errorf("until decided: exit %d after %d seeds", code, more.Seeds)
			}
			return
		}
		t.Error("none of the targets was inconclusive")
	})
}

// smallGate is a gate on the shop, which runs in no time, in the working
// directory; its baseline is of the HPA as it is.
func smallGate(t *testing.T) {
	t.Helper()
	files := shopFiles()
	files["gates/shop.yaml"] = `apiVersion: kwatt.dev/v1alpha1
kind: Gate
metadata: {name: shop}
spec:
  scenario: ../shop.yaml
  baseline: ../base.json
  seeds: {count: 7}
  checks:
    - {policy: hpa, service: ranker, metric: latency_p95_seconds, max: 50ms}
    - {policy: hpa, metric: replicas_mean, maxIncrease: 2%}
`
	t.Chdir(writeFiles(t, files))
	if code, stdout, stderr := sim(t, "gate", "gates/shop.yaml", "--update-baseline", "-q"); code != exitOK || !strings.Contains(stdout, "base.json: written, 7 seeds\nhpa replicas_mean: ") {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
}

func replaceIn(t *testing.T, file, from, to string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(b), from) {
		t.Fatalf("%s has no %q: %v", file, from, err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(b), from, to, 1)), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestGateReportsForCI(t *testing.T) {
	smallGate(t)
	replaceIn(t, "hpa.yaml", `"150"`, `"75"`)
	var out, errs bytes.Buffer
	env := testEnv(t.Context(), &out, &errs, "gate", "gates/shop.yaml", "-q", "--junit", "ci/gate.xml", "--markdown", "ci/gate.md", "--out", "kept", "-j", "1")
	workspace, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	env.Getenv = func(name string) string {
		return map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": filepath.Dir(workspace)}[name]
	}
	if code := Sim(env); code != exitDiffers {
		t.Fatalf("exit %d\n%s", code, errs.String())
	}
	want := "::error file=" + filepath.Base(workspace) + "/gates/shop.yaml,line=10,title=kwatt gate shop::hpa replicas mean: fail: "
	if !strings.Contains(errs.String(), want) || strings.Contains(out.String(), "::error") {
		t.Errorf("no annotation %q on stderr alone:\n%s", want, errs.String())
	}
	md, err := os.ReadFile("ci/gate.md")
	if err != nil || !strings.HasPrefix(string(md), gate.Marker("shop")+"\n") || !strings.Contains(string(md), "sim gate gates/shop.yaml") {
		t.Errorf("%v\n%s", err, md)
	}
	junit, err := os.ReadFile("ci/gate.xml")
	if err != nil || !strings.Contains(string(junit), `tests="2" failures="1" errors="0"`) {
		t.Errorf("%v\n%s", err, junit)
	}
	kept, _ := filepath.Glob("kept/shop/*/" + results.SummaryFile)
	if len(kept) != 1 {
		t.Fatalf("--out keeps %v", kept)
	}
	if code, _, stderr := sim(t, "report", filepath.Dir(kept[0])); code != exitOK {
		t.Errorf("what is kept is no result: %s", stderr)
	}
	// The table is the same bytes for any number of workers.
	code, again, _ := sim(t, "gate", "gates/shop.yaml", "-q", "-j", "3")
	if d := cmp.Diff(out.String(), again); d != "" || code != exitDiffers {
		t.Errorf("exit %d\n%s", code, d)
	}
	// A report that cannot be written must not look like a pass.
	replaceIn(t, "hpa.yaml", `"75"`, `"150"`)
	code, _, stderr := sim(t, "gate", "gates/shop.yaml", "-q", "--junit", "hpa.yaml/gate.xml")
	if code != exitFiles || !strings.Contains(stderr, "hpa.yaml") {
		t.Errorf("exit %d\n%s", code, stderr)
	}
}

func TestGateBaselines(t *testing.T) {
	smallGate(t)
	was, err := os.ReadFile("base.json")
	if err != nil {
		t.Fatal(err)
	}
	expect := func(step string, want int, reason string) {
		t.Helper()
		code, stdout, stderr := sim(t, "gate", "gates/shop.yaml", "-q")
		if text := strings.Join(strings.Fields(stdout+stderr), " "); code != want || !strings.Contains(text, reason) {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", step, code, want, reason, stdout, stderr)
		}
	}
	expect("as it was", exitOK, "2 pass")
	// A shorter window is another workload: there is nothing to pair with.
	replaceIn(t, "shop.yaml", "duration: 4m", "duration: 3m")
	expect("another window", exitDiffers, "written for another workload, so there are no pairs to compare: spec.duration changed")
	expect("another window", exitDiffers, "1 fail, 1 pass") // the limit needs no baseline
	if err := os.Remove("base.json"); err != nil {
		t.Fatal(err)
	}
	expect("no baseline", exitDiffers, "there is no baseline at base.json")
	code, stdout, stderr := sim(t, "gate", "gates/shop.yaml", "-q", "--update-baseline", "--max-seeds", "9")
	if code != exitOK || !strings.Contains(stdout, "base.json: written, 9 seeds\n") {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	now, err := os.ReadFile("base.json")
	if err != nil || bytes.Equal(was, now) {
		t.Fatalf("the baseline is as it was, %v", err)
	}
	code, stdout, _ = sim(t, "gate", "gates/shop.yaml", "-q", "--update-baseline", "--max-seeds", "9")
	if code != exitOK || stdout != "base.json: unchanged\n" {
		t.Errorf("again: exit %d, %q", code, stdout)
	}
	expect("against the new one", exitOK, "2 pass")
	replaceIn(t, "base.json", `"mean": `, `"mean": 1`)
	expect("edited by hand", exitInvalid, "base.json:1:1: not a baseline")
	replaceIn(t, "gates/shop.yaml", "  baseline: ../base.json\n", "")
	expect("compares with nothing", exitInvalid, "add spec.baseline")
}

func TestGateUsage(t *testing.T) {
	for _, c := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"", exitUsage, "accepts 1 arg"},
		{"testdata/absent.yaml", exitFiles, "no such file"},
		{small, exitInvalid, `kind: "Scenario" is not Gate`},
		{"../gate/testdata/bad/limits.yaml", exitInvalid, "(hint: write 2% for a part of the baseline, or 2kWh)"},
		{"../gate/testdata/bad/broken-scenario.yaml", exitInvalid, "did you mean replicas?"},
		{goldenGate + " --max-seeds 40", exitUsage, "goes with --until-decided"},
		{goldenGate + " --until-decided --max-seeds 4", exitUsage, "begins with 10"},
		{goldenGate + " --until-decided --max-seeds 1", exitUsage, "want 2 to"},
		{goldenGate + " --until-decided --update-baseline", exitUsage, "no part in it"},
		{goldenGate + " -o xml", exitUsage, "want text, json"},
		{goldenGate + " -j 0", exitUsage, "want at least 1"},
	} {
		code, stdout, stderr := sim(t, append([]string{"gate"}, strings.Fields(c.args)...)...)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.stderr) {
			t.Errorf("sim gate %s: exit %d, want %d; stderr should contain %q:\n%s", c.args, code, c.code, c.stderr, stderr)
		}
	}
	code, stdout, stderr := sim(t, "gate", goldenGate, "--dry-run")
	for _, want := range []string{"seeds    1..10, up to 40 with --until-decided", "max 0.4mg/req = 400 g per million requests", "baseline ../../results/baselines/flash-sale.json: 40 seeds"} {
		if code != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("--dry-run does not say %q: exit %d\n%s%s", want, code, stdout, stderr)
		}
	}
	code, stdout, stderr = sim(t, "validate", goldenGate, "../../scenarios/gates/flash-sale.yaml")
	if code != exitOK || !strings.Contains(stdout, "valid: gate flash-sale, 6 checks") || !strings.Contains(stdout, "valid: flash-sale, 1 service,") {
		t.Errorf("validate: exit %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, _ = sim(t, "schema", "gate")
	want, err := os.ReadFile("../../schema/gate.schema.json")
	if err != nil || code != exitOK || stdout != string(want) {
		t.Errorf("sim schema gate is not schema/gate.schema.json: exit %d, %v", code, err)
	}
	if code, _, stderr := sim(t, "schema", "plan"); code != exitUsage {
		t.Errorf("schema plan: exit %d\n%s", code, stderr)
	}
}

// docs/gate.md shows what the golden gate prints for a pass; the seeds of its
// baseline are what docs say.
func TestGoldenGateHasSeedsToAdd(t *testing.T) {
	b, err := gate.ReadBaseline("../../results/baselines/flash-sale.json")
	if err != nil || b == nil {
		t.Fatalf("no baseline: %v", err)
	}
	text, err := os.ReadFile(goldenGate)
	if err != nil {
		t.Fatal(err)
	}
	most := regexp.MustCompile(`max: (\d+)\}`).FindStringSubmatch(string(text))
	if n, _ := strconv.Atoi(most[1]); n != len(b.Seeds) {
		t.Errorf("the gate may add seeds up to %d, its baseline has %d", n, len(b.Seeds))
	}
}
