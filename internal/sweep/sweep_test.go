package sweep

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
)

func TestParseAxis(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string // nil for an error
	}{
		{"spec.a=1,2, 3", []string{"1", "2", "3"}},
		{"spec.a=10s", []string{"10s"}},
		{"spec.a={min: 1, max: 2},{min: 2, max: [3, 4]}", []string{"{min: 1, max: 2}", "{min: 2, max: [3, 4]}"}},
		{`spec.a="a,b",'c}'`, []string{`"a,b"`, `'c}'`}},
		{"spec.a=x=y", []string{"x=y"}},
		{"spec.a=1,,2", nil},
		{"spec.a=", nil},
		{"=1", nil},
		{"spec.a={1,2", nil},
		{"spec.a=1,2,1", nil},
		{"metadata.name=a,b", nil},
		{"spec.seeds=1,2", nil},
	} {
		a, err := ParseAxis(c.text)
		var got []string
		for _, r := range a.Rows {
			got = append(got, r[0])
		}
		switch {
		case c.want == nil && err == nil:
			t.Errorf("%s: no error, %v", c.text, got)
		case c.want != nil && (err != nil || !slices.Equal(got, c.want)):
			t.Errorf("%s: %q, %v", c.text, got, err)
		}
	}
}

func TestReadPoints(t *testing.T) {
	a, err := ReadPoints(strings.NewReader("# chosen by hand\nspec.a, spec.b\n1, \"x,y\"\n2, z\n"))
	want := Axis{Paths: []string{"spec.a", "spec.b"}, Rows: [][]string{{"1", "x,y"}, {"2", "z"}}}
	if err != nil || cmp.Diff(want, a) != "" {
		t.Errorf("%v, %v", a, err)
	}
	for text, want := range map[string]string{
		"":                          "want a header",
		"spec.a\n":                  "at least one row",
		"spec.a,spec.a\n1,2\n":      "stands twice",
		"spec.a,spec.b\n1,2\n3\n":   "line 3",
		"spec.a,spec.b\n1,2\n3,\n":  "row 2 has no value of spec.b",
		"spec.a,spec.b\n1,2\n1,2\n": "spec.a,spec.b=1,2 stands twice",
		"replicas\n1\n":             "want one below spec",
	} {
		if _, err := ReadPoints(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestProductVariesTheLastAxisFastest(t *testing.T) {
	paths, points, err := product([]Axis{{[]string{"spec.a", "spec.b"}, [][]string{{"1", "x"}, {"2", "y"}}}, {[]string{"spec.c"}, [][]string{{"p"}, {"q"}}}})
	if err != nil || !slices.Equal(paths, []string{"spec.a", "spec.b", "spec.c"}) {
		t.Fatal(paths, err)
	}
	if d := cmp.Diff([][]string{{"1", "x", "p"}, {"1", "x", "q"}, {"2", "y", "p"}, {"2", "y", "q"}}, points); d != "" {
		t.Error(d)
	}
	if _, _, err := product([]Axis{{[]string{"spec.a"}, [][]string{{"1"}}}, {[]string{"spec.a"}, [][]string{{"2"}}}}); err == nil {
		t.Error("one path in two axes")
	}
}

func planOf(points, seeds int, policies ...string) Plan {
	p := Plan{SchemaVersion: SchemaVersion, Scenario: "shop", ID: "0123", Parameters: []string{"spec.a"}, Policies: policies}
	for i := range points {
		p.Points = append(p.Points, Point{ID: string(rune('a' + i)), Values: []string{string(rune('0' + i))}})
	}
	for i := range seeds {
		p.Seeds = append(p.Seeds, uint64(1+i))
	}
	return p
}

// Shards are a partition: every run in exactly one, in the plan's order, and their
// sizes as even as they can be.
func TestShardsAreAPartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := planOf(rapid.IntRange(1, 9).Draw(t, "points"), rapid.IntRange(1, 9).Draw(t, "seeds"), []string{"x", "y", "z"}[:rapid.IntRange(1, 3).Draw(t, "policies")]...)
		n := rapid.IntRange(1, 40).Draw(t, "shards")
		units := p.Units()
		owner := map[Unit]int{}
		for i := range n {
			shard := p.Shard(i, n)
			if len(shard) != len(units)/n && len(shard) != len(units)/n+1 {
				t.Fatalf("shard %d of %d has %d of %d runs", i, n, len(shard), len(units))
			}
			last := -1
			for _, u := range shard {
				at := slices.Index(units, u)
				if other, taken := owner[u]; taken || at <= last {
					t.Fatalf("shard %d has %v, which is at %d after %d and was shard %d's", i, u, at, last, other)
				}
				owner[u], last = i, at
			}
		}
		if len(owner) != len(units) {
			t.Fatalf("%d of %d runs are in shards", len(owner), len(units))
		}
	})
}

// A grid whose one value is slow does not make one shard slow.
func TestShardsShareTheSlowPoints(t *testing.T) {
	p := planOf(8, 20, "x")
	for i := range 4 {
		slow := 0
		for _, u := range p.Shard(i, 4) {
			if u.Point%4 == 3 { // dealt by turns these would be shard 3's alone
				slow++
			}
		}
		if slow < 4 || slow > 16 {
			t.Errorf("shard %d has %d of the 40 slow runs", i, slow)
		}
	}
}

func runOf(u Unit, x float64) *results.Run {
	v := metrics.Values{"energy_kwh": x}
	return &results.Run{Policy: u.Policy, Seed: u.Seed, Metrics: v, Services: map[string]metrics.Values{"ranker": {"replicas_mean": x}}}
}

func fill(t *testing.T, dir string, p Plan, units []Unit) *Store {
	t.Helper()
	s, err := OpenStore(dir, p, "me")
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range units {
		if err := s.Save(u.Point, runOf(u, float64(u.Point)+float64(u.Seed)/3)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestJoin(t *testing.T) {
	p := planOf(3, 2, "x", "y")
	dir := t.TempDir()
	whole := fill(t, filepath.Join(dir, "whole"), p, p.Units())
	a := fill(t, filepath.Join(dir, "a"), p, p.Shard(0, 2))
	b := fill(t, filepath.Join(dir, "b"), p, append(p.Shard(1, 2), p.Units()[0])) // one run in both
	_, want, _, err := Join([]*Store{whole})
	if err != nil || len(want) != 12 {
		t.Fatal(len(want), err)
	}
	_, got, warnings, err := Join([]*Store{a, b})
	if d := cmp.Diff(want, got); d != "" || err != nil || len(warnings) > 0 {
		t.Errorf("%v, %v\n%s", err, warnings, d)
	}
	var missing *IncompleteError
	if _, _, _, err := Join([]*Store{a}); !errors.As(err, &missing) || missing.Missing != 6 || missing.All != 12 {
		t.Errorf("half: %v", err)
	}
	if _, err := p.Files(map[Unit]*results.Run{}); !errors.As(err, &missing) {
		t.Errorf("tables of nothing: %v", err)
	}

	// A torn entry is a run that is missing, and is named.
	entries, err := filepath.Glob(filepath.Join(dir, "a", ".partial-*", "*.run"))
	if err != nil || len(entries) != 6 {
		t.Fatal(entries, err)
	}
	text, err := os.ReadFile(entries[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(entries[0], text[:len(text)-3], 0o666); err != nil {
		t.Fatal(err)
	}
	again, err := ReadStore(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	if kept, warnings := again.Load(); len(kept) != 5 || len(warnings) != 1 || !strings.Contains(warnings[0], "truncated or changed") {
		t.Errorf("%d runs, %q", len(kept), warnings)
	}
}

func TestJoinRefuses(t *testing.T) {
	p := planOf(2, 1, "x")
	dir := t.TempDir()
	a := fill(t, filepath.Join(dir, "a"), p, p.Units())
	b := fill(t, filepath.Join(dir, "b"), p, nil)
	if err := b.Save(1, runOf(Unit{1, "x", 1}, 99)); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := Join([]*Store{a, b}); !errors.Is(err, ErrContradiction) || !strings.Contains(err.Error(), "point 1 (spec.a=1), policy x, seed 1") {
		t.Errorf("two figures of one run: %v", err)
	}
	other, err := OpenStore(filepath.Join(dir, "c"), p, "another")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := Join([]*Store{a, other}); err == nil || !strings.Contains(err.Error(), "different builds") {
		t.Errorf("another binary: %v", err)
	}
	if _, _, _, err := Join([]*Store{a, fill(t, filepath.Join(dir, "d"), planOf(3, 1, "x"), nil)}); err == nil || !strings.Contains(err.Error(), "different sweeps") {
		t.Errorf("another plan: %v", err)
	}
	for _, c := range []struct {
		plan   Plan
		binary string
	}{{p, "another"}, {planOf(2, 2, "x"), "me"}} {
		if _, err := OpenStore(filepath.Join(dir, "a"), c.plan, c.binary); err == nil || !strings.Contains(err.Error(), "remove the folder to begin again") {
			t.Errorf("%s: %v", c.binary, err)
		}
	}
	if _, err := ReadStore(dir); err == nil {
		t.Error("a folder without a plan was read")
	}
}

// A column of numbers is one of numbers, any other is text.
func TestParameterColumns(t *testing.T) {
	p := planOf(2, 1, "x")
	p.Parameters = append(p.Parameters, "spec.b")
	p.Points[0].Values = []string{"1", "10ms"}
	p.Points[1].Values = []string{"2.50", "3"}
	par := p.parameters()
	if d := cmp.Diff([][]any{{uint64(0), 1.0, "10ms"}, {uint64(1), 2.5, "3"}}, par.cells); d != "" {
		t.Error(d)
	}
}
