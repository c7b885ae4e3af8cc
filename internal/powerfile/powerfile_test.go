package powerfile

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

// TestGeneratedFiles holds the committed JSON Schema and reference page to the
// types they are made of.
func TestGeneratedFiles(t *testing.T) {
	data, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "../../schema/powermodel.schema.json", data)
	golden.Check(t, "../../docs/powermodel.md", []byte(Reference()))
}

func load(t *testing.T, path string) *Model {
	t.Helper()
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestModelReadsBackToTheSame(t *testing.T) {
	m := load(t, "testdata/full.yaml")
	out, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Read(strings.NewReader(string(out)), "again")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if d := cmp.Diff(m, again); d != "" {
		t.Error(d)
	}
}

func TestFullModelIsABoardOfItsOwn(t *testing.T) {
	g, err := load(t, "testdata/full.yaml").GPU()
	if err != nil {
		t.Fatal(err)
	}
	rack4 := powermodel.Point{Grade: grade.A, Source: "wattmeter, rack 4", Date: "2026-01"}
	for name, c := range map[string]struct {
		got   powermodel.Point
		value float64
		want  func(*powermodel.Point)
	}{
		"bare":     {g.Bare, 40, func(p *powermodel.Point) { p.Rel = 0.02 }},
		"context":  {g.Context, 80, func(*powermodel.Point) {}},
		"perWatt":  {g.HostPerWatt, 0.15, func(p *powermodel.Point) { p.Grade = grade.C }},
		"embodied": {g.EmbodiedKg, 150, func(p *powermodel.Point) { p.Grade, p.Source, p.Date = grade.X, "assumed", "" }},
		"busy": {g.Busy[1].Watts, 380, func(p *powermodel.Point) {
			p.Grade, p.Source, p.Date, p.Rel = grade.B, "nvidia-smi, rack 5", "2025-12", 0.05
		}},
		"cap law": {g.CapLaw[0].Slowdown, 2.5, func(*powermodel.Point) {}},
	} {
		want := rack4
		want.Value = c.value
		c.want(&want)
		if d := cmp.Diff(want, c.got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if g.Name != "acme-9000" || g.Title != "Acme 9000" || g.CapWatts != 400 || len(g.ClockLaw) != 2 {
		t.Errorf("%s, %s, cap %g W, %d clocks", g.Name, g.Title, g.CapWatts, len(g.ClockLaw))
	}
}

// What a file leaves out is the catalogue's, and the catalogue stays as it is.
func TestModelReplacesOnlyWhatItSays(t *testing.T) {
	m, err := Read(strings.NewReader(`apiVersion: kwatt.dev/v1alpha1
kind: PowerModel
metadata: {name: mine}
spec:
  gpu: nvidia-l4
  source: {text: mine, grade: A, date: 2026-01}
  context: {watts: 31}
`), "mine.yaml")
	if err != nil {
		t.Fatal(err)
	}
	g, err := m.GPU()
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := powermodel.Lookup("nvidia-l4")
	if err != nil {
		t.Fatal(err)
	}
	if g.Context.Value != 31 || catalogue.Context.Value != 28 {
		t.Errorf("context %g W, the catalogue's %g W; want 31 and 28", g.Context.Value, catalogue.Context.Value)
	}
	g.Context = catalogue.Context
	if d := cmp.Diff(catalogue.Figures(), g.Figures()); d != "" {
		t.Errorf("more than the context was replaced: %s", d)
	}
}

// Every broken model says exactly what is wrong, and where.
func TestBrokenModels(t *testing.T) {
	good, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, broken, want string }{
		{"context: {watts: 80}", "context: {watt: 80}", "f.yaml:11:13: spec.context.watt: unknown field (hint: did you mean watts?)"},
		{"capWatts: 400", "capWatts: 0", "spec.capWatts: must be greater than 0"},
		{"grade: C", "grade: D", `spec.host.perWatt.grade: "D" is not one of A, B, C, X`},
		{"date: 2026-01,", "date: January,", `f.yaml:8:45: spec.source.date: "January" is not a year and a month (hint: write it like 2026-01)`},
		{"date: 2025-12", "date: 2025-13", "spec.busy[1].date"},
		{"batch: 16, watts: 380", "batch: 1, watts: 380", "spec.busy[1].batch: must be greater than the batch before it"},
		{"batch: 16, watts: 380", "batch: 16, watts: 180", "spec.busy[1].watts: is less than at the smaller batch"},
		{"  context: {watts: 80}\n", "", "spec: lacks context, and the catalogue has no GPU acme-9000 to take them from"},
		{"context: {watts: 80}", "context: {watts: 30}", "spec: GPU acme-9000: bare 40 W exceed context 30 W"},
		{"ratio: 1, slowdown: 1}", "ratio: 0.9, slowdown: 1}", "the last 1 with slowdown 1"},
		{"kind: PowerModel", "kind: PowerProfile", "(hint: a profile holds readings, not a model: sim power fit makes one of it"},
	} {
		text := strings.Replace(string(good), c.old, c.broken, 1)
		if text == string(good) {
			t.Fatalf("%q is not in the good model", c.old)
		}
		_, err := Read(strings.NewReader(text), "f.yaml")
		var errs schema.Errors
		if !errors.As(err, &errs) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %s: %v\nwant %s", c.old, c.broken, err, c.want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "absent.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func close6(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6*math.Abs(want) {
		t.Errorf("%s = %g, want %g", what, got, want)
	}
}
