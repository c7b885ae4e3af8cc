package study

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/golden"
	_ "github.com/kwatt-sim/kwatt/internal/policies/all"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/schema"
	"github.com/kwatt-sim/kwatt/internal/sweep"
)

// TestGeneratedFiles holds the committed JSON Schema to the types.
func TestGeneratedFiles(t *testing.T) {
	data, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "../../schema/study.schema.json", data)
}

func planned(t *testing.T, path string) *Plan {
	t.Helper()
	f, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(f, func(point []scenario.Override) (*scenario.File, error) {
		return scenario.Load(f.ScenarioPath(), point...)
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConfigurations(t *testing.T) {
	p := planned(t, "testdata/study.yaml")
	var got []string
	for _, c := range p.Configurations {
		got = append(got, fmt.Sprintf("%s @%d", c.Name, c.Point))
	}
	want := []string{
		"before @0", "small @1", "small + few @2", "after @3", "few @4", "clean @5", "few + clean @6", "small + clean @7",
		"before, other step @0", "after, other step @8", "before, dirty @9", "after, dirty @3", // whose grid the last step overrides
	}
	if !slices.Equal(got, want) {
		t.Errorf("configurations\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	if n := len(p.Sweep.Points); n != 10 {
		t.Errorf("%d points, want 10", n)
	}
	f, err := p.Sweep.File(8)
	if err != nil || f.Scenario.Spec.Services[0].Batching.MaxBatch != 3 {
		t.Errorf("after, other step: %v", err)
	}
}

// figured is the report of the test's study, with made-up figures: energy 100 kWh
// before, less 10 with each step, and a tenth of the seed more.
func figured(t *testing.T) *Report {
	t.Helper()
	p := planned(t, "testdata/study.yaml")
	r := &Report{Plan: p, Runs: map[sweep.Unit]*results.Run{}}
	for _, c := range p.Configurations {
		for _, seed := range p.Sweep.Seeds {
			u := sweep.Unit{Point: c.Point, Policy: p.Sweep.Policies[0], Seed: seed}
			energy := 100 - 10*float64(c.count()) + float64(seed)/10
			r.Runs[u] = &results.Run{Policy: u.Policy, Seed: seed, Metrics: map[string]float64{"energy_kwh": energy, "latency_p95_seconds": 0.02}}
		}
	}
	return r
}

func TestResults(t *testing.T) {
	r := figured(t)
	for name, want := range map[string]float64{
		"bill-before": 100.2 * 30 * 0.5,                                     // seeds 1 to 3
		"energy":      100 * (70.1/100.1 + 70.2/100.2 + 70.3/100.3 - 3) / 3, // paired, then averaged
		"saved":       30,
	} {
		c, err := r.claim(name)
		if err != nil {
			t.Fatal(err)
		}
		e, err := r.Result(c, -1)
		if err != nil || math.Abs(e.Mean-want) > 1e-6*math.Abs(want) || e.CILow > e.Mean || e.CIHigh < e.Mean || e.N != 3 {
			t.Errorf("%s is %+v, %v; want %v", name, e, err, want)
		}
	}
	c, _ := r.claim("energy")
	r.Runs[sweep.Unit{Point: 0, Policy: "fleet", Seed: 2}].Metrics["energy_kwh"] = 0
	if _, err := r.Result(c, -1); err == nil || err.Error() != "claim energy: energy_kwh is 0 with seed 2 of before: from 0 there is no relative change" {
		t.Errorf("a change from 0: %v", err)
	}
	delete(r.Runs, sweep.Unit{Point: 3, Policy: "fleet", Seed: 2})
	c, _ = r.claim("saved")
	if _, err := r.Result(c, -1); err == nil || err.Error() != "claim saved: after with seed 2 was not run" {
		t.Errorf("a missing run: %v", err)
	}
}

func TestVerdicts(t *testing.T) {
	at := func(low, high float64) results.Estimate {
		return results.Estimate{Mean: (low + high) / 2, CILow: low, CIHigh: high, N: 3}
	}
	for _, x := range []struct {
		value, low, high float64
		want             Verdict
	}{
		{100, 95, 99, Holds}, {100, 60, 80.1, Holds}, {100, 60, 79, Less}, {100, 121, 130, More}, {100, -3, -1, Opposite}, {100, 0, 0, Opposite},
		{-36, -40, -39, Holds}, {-36, -60, -50, More}, {-36, -20, -10, Less}, {-36, 1, 2, Opposite}, {-36, -50, 50, Holds},
	} {
		c := &Claim{Value: x.value, Within: 0.2}
		if got := c.Judge(at(x.low, x.high)); got != x.want {
			t.Errorf("%v claimed, %v to %v found: %s, want %s", x.value, x.low, x.high, got, x.want)
		}
	}
}

// A page of made-up figures, filled in; -update writes it.
func TestPage(t *testing.T) {
	r := figured(t)
	for _, x := range []struct{ template, want string }{{plain, "testdata/plain.md"}, {r.Template, "testdata/page.md"}} {
		r.Template = x.template
		page, err := r.Page("charts")
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, x.want, page)
	}
	r.Template = `{{mean "befor" "energy_kwh"}}`
	if _, err := r.Page("."); err == nil || !strings.Contains(err.Error(), `no configuration "befor": want one of before; small;`) {
		t.Errorf("a wrong name: %v", err)
	}
}

func TestFiles(t *testing.T) {
	files, err := figured(t).Files()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		var b strings.Builder
		if err := f.Fill(&b); err != nil || b.Len() == 0 {
			t.Errorf("%s: %d bytes, %v", f.Name, b.Len(), err)
		}
		names = append(names, f.Name)
	}
	for _, want := range []string{"study.md", "steps-energy_kwh.svg", "runs.csv", "points.parquet", "sweep.json"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s among %v", want, names)
		}
	}
}

// Every fault of a study at once, at its place.
func TestBrokenStudies(t *testing.T) {
	good, err := os.ReadFile("testdata/study.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ old, new, want string }{
		{"name: few", "name: small", "study.yaml:15:13: spec.steps[1].name: small stands twice"},
		{"name: few", "name: before", `study.yaml:15:13: spec.steps[1].name: "before" is the name of a configuration (hint: take one other than before and after, without " + ")`},
		{"name: few", "name: small + clean", `spec.steps[1].name: "small + clean" is the name of a configuration`},
		{"spec.carbon.zone=FR", "spec.seeds.count=3", "spec.steps[2].set[0]: path spec.seeds.count: all points share their seeds"},
		{"spec.carbon.zone=FR", "zone", `override "zone" is not path=value`},
		{"{name: small, set", "{name: smal, set", `spec.assumptions[0].steps[0].name: the study has no step "smal" (hint: did you mean small?)`},
		{"times: [days, tariff]", "times: [day, tariff]", `spec.claims[0].times[0]: "day" is neither a factor of the study nor a number (hint: did you mean days?)`},
		{"of: Before", "of: Now", "spec.claims[0].of"},
		{"metrics: [energy_kwh]", "metrics: [energy]", "spec.metrics[0]: "},
		{"value: 30,", "value: 0,", "0 cannot be compared in proportion"},
		{"page: page.md.tmpl", "page: none.tmpl", "spec.page: open"},
		{"steps:", "step:", "spec.step: unknown field"},
	} {
		if strings.Count(string(good), x.old) == 0 {
			t.Fatalf("testdata/study.yaml has no %q", x.old)
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "study.yaml")
		if err := errors.Join(os.CopyFS(dir, os.DirFS("testdata")), os.WriteFile(path, []byte(strings.Replace(string(good), x.old, x.new, 1)), 0o600)); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		var faults schema.Errors
		if !errors.As(err, &faults) || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s instead of %s: %v\nwant %s", x.new, x.old, err, x.want)
		}
	}
}

// What only the scenario can tell is wrong is reported in the study.
func TestStepThatTheScenarioRefuses(t *testing.T) {
	f, err := Load("testdata/study.yaml")
	if err != nil {
		t.Fatal(err)
	}
	load := func(point []scenario.Override) (*scenario.File, error) {
		return scenario.Load(f.ScenarioPath(), point...)
	}
	for set, want := range map[string]string{
		"spec.services[ranker].batching.maxbatch=2": "testdata/study.yaml:12:7: spec.steps[0]: small cannot be run: override spec.services[ranker].batching.maxbatch",
		"spec.services[ranker].batching.maxBatch=0": "small cannot be run: --set spec.services[ranker].batching.maxBatch:1:1: spec.services[0].batching.maxBatch: must be at least 1",
	} {
		f.Study.Spec.Steps[0].Set = []string{set}
		_, err := NewPlan(f, load, nil)
		var faults schema.Errors
		if !errors.As(err, &faults) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", set, err, want)
		}
	}
	f.Study.Spec.Policy = "flet"
	if _, err := NewPlan(f, load, nil); err == nil || !strings.Contains(err.Error(), `spec.policy: the scenario has no policy "flet" (hint: did you mean fleet?)`) {
		t.Errorf("a wrong policy: %v", err)
	}
}
