package powermodel

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

func mustLookup(t *testing.T, name string) GPU {
	t.Helper()
	g, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestCatalogueHoldsItsInvariants(t *testing.T) {
	want := []string{
		"nvidia-a10", "nvidia-a100-pcie-40gb", "nvidia-a100-pcie-80gb", "nvidia-a100-sxm4-40gb", "nvidia-a100-sxm4-80gb",
		"nvidia-a30", "nvidia-b200", "nvidia-h100-pcie", "nvidia-h100-sxm", "nvidia-h200",
		"nvidia-l4", "nvidia-l40s", "nvidia-t4", "nvidia-v100", "qualcomm-cloud-ai-100",
	}
	var names []string
	for _, g := range Catalogue() {
		names = append(names, g.Name)
		if err := g.Validate(); err != nil {
			t.Error(err)
		}
	}
	if got := strings.Join(names, " "); got != strings.Join(want, " ") {
		t.Errorf("catalogue is\n%s, want\n%s", got, strings.Join(want, " "))
	}
}

func TestValidateFindsEveryFault(t *testing.T) {
	point := func(v float64) Point { return Point{Value: v, Grade: grade.A, Source: "test", Date: "2026-01"} }
	sound := GPU{
		Name: "g", Title: "G", CapWatts: 100, Bare: point(10), Context: point(20),
		Busy:      []BusyPoint{{1, point(50)}, {8, point(90)}},
		MIGSlices: 4, MIG: []MIGProfile{{"1g", 1, 4}},
		EmbodiedKg: point(1), NodeBase: point(1), HostPerWatt: point(1), NodeEmbodiedKg: point(1),
		CapLaw:   []CapPoint{{0.2, point(2)}, {1, point(1)}},
		ClockLaw: []ClockPoint{{1000, point(1.5), point(0.5)}, {2000, point(1), point(1)}},
	}
	if err := sound.Validate(); err != nil {
		t.Fatalf("a sound GPU is refused: %v", err)
	}
	for name, tc := range map[string]struct {
		spoil func(*GPU)
		want  string
	}{
		"no name":         {func(g *GPU) { g.Name = "" }, "name and title"},
		"no busy point":   {func(g *GPU) { g.Busy = nil }, "no point"},
		"falling busy":    {func(g *GPU) { g.Busy = []BusyPoint{{1, point(90)}, {8, point(80)}} }, "below 90"},
		"falling batch":   {func(g *GPU) { g.Busy = []BusyPoint{{8, point(50)}, {8, point(90)}} }, "does not ascend"},
		"busy below idle": {func(g *GPU) { g.Context = point(60) }, "below 60"},
		"bare too high":   {func(g *GPU) { g.Bare = point(30) }, "exceed context"},
		"above the cap":   {func(g *GPU) { g.CapWatts = 80 }, "exceed the cap"},
		"no date":         {func(g *GPU) { g.Bare.Date = "" }, "year and month"},
		"one cap":         {func(g *GPU) { g.CapLaw = g.CapLaw[1:] }, "at least two ratios"},
		"falling caps":    {func(g *GPU) { g.CapLaw = []CapPoint{{1, point(1)}, {0.2, point(2)}} }, "ratios must ascend"},
		"cap law not 1":   {func(g *GPU) { g.CapLaw = []CapPoint{{0.2, point(2)}, {1, point(1.5)}} }, "the last 1 with slowdown 1"},
		"clock faster":    {func(g *GPU) { g.ClockLaw = []ClockPoint{{1000, point(0.5), point(0.5)}} }, "a slowdown of at least 1"},
		"falling clocks":  {func(g *GPU) { g.ClockLaw = []ClockPoint{g.ClockLaw[1], g.ClockLaw[0]} }, "clocks must ascend"},
		"MIG too many":    {func(g *GPU) { g.MIG = []MIGProfile{{"2g", 2, 3}} }, "do not fit"},
		"no source":       {func(g *GPU) { g.NodeBase.Source = "" }, "node base"},
		"NaN":             {func(g *GPU) { g.EmbodiedKg.Value = math.NaN() }, "embodied, board"},
	} {
		g := sound
		tc.spoil(&g)
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: Validate() = %v, want an error with %q", name, err, tc.want)
		}
	}
}

func TestH100SXMMatchesPublishedPoints(t *testing.T) {
	g := mustLookup(t, "nvidia-h100-sxm")
	if g.Bare.Value != 72 || g.Context.Value != 122 {
		t.Errorf("bare %g, context %g W, want 72 and 122", g.Bare.Value, g.Context.Value)
	}
	for batch, want := range map[int]float64{8: 486, 16: 513, 32: 560, 64: 610, 96: 644, 128: 669, 192: 688, 255: 690} {
		if w, gr := g.BusyWatts(batch); w != want || gr != grade.A {
			t.Errorf("batch %d: %g W grade %v, want %g W grade A", batch, w, gr, want)
		}
	}
	// Flat outside the published range, and no longer grade A there.
	for batch, want := range map[int]float64{-1: 486, 1: 486, 7: 486, 256: 690, 1 << 20: 690} {
		if w, gr := g.BusyWatts(batch); w != want || gr != grade.B {
			t.Errorf("batch %d: %g W grade %v, want %g W grade B", batch, w, gr, want)
		}
	}
}

func TestBusyWattsInterpolatesInLog2OfBatch(t *testing.T) {
	g := GPU{CapWatts: 180, Busy: []BusyPoint{
		{1, Point{Value: 100, Grade: grade.A, Source: "test"}}, {4, Point{Value: 140, Grade: grade.C, Source: "test"}}, {16, Point{Value: 200, Grade: grade.B, Source: "test"}},
	}}
	for _, tc := range []struct {
		batch int
		want  float64
		grade grade.Grade
	}{
		{1, 100, grade.A},
		{2, 120, grade.C}, // halfway between 1 and 4 on the log scale
		{4, 140, grade.C},
		{8, 170, grade.C},  // halfway between 4 and 16
		{16, 180, grade.B}, // clipped at the cap
	} {
		if w, gr := g.BusyWatts(tc.batch); math.Abs(w-tc.want) > 1e-9 || gr != tc.grade {
			t.Errorf("batch %d: %g W grade %v, want %g W grade %v", tc.batch, w, gr, tc.want, tc.grade)
		}
	}
}

func TestBusyWattsNeverFallsAndStaysInBounds(t *testing.T) {
	all := Catalogue()
	rapid.Check(t, func(t *rapid.T) {
		g := rapid.SampledFrom(all).Draw(t, "gpu")
		lo := rapid.IntRange(-2, 4096).Draw(t, "batch")
		hi := lo + rapid.IntRange(0, 4096).Draw(t, "more")
		wLo, _ := g.BusyWatts(lo)
		wHi, _ := g.BusyWatts(hi)
		if wLo > wHi {
			t.Fatalf("%s: %g W at batch %d, %g W at batch %d", g.Name, wLo, lo, wHi, hi)
		}
		if wLo < g.Busy[0].Watts.Value || wHi > g.CapWatts {
			t.Fatalf("%s: %g..%g W leave [%g, %g]", g.Name, wLo, wHi, g.Busy[0].Watts.Value, g.CapWatts)
		}
	})
}

func TestBusyWattsLiesBetweenItsBracketingPoints(t *testing.T) {
	all := Catalogue()
	rapid.Check(t, func(t *rapid.T) {
		g := rapid.SampledFrom(all).Draw(t, "gpu")
		batch := rapid.IntRange(g.Busy[0].Batch, g.Busy[len(g.Busy)-1].Batch).Draw(t, "batch")
		w, got := g.BusyWatts(batch)
		below, above := bracket(g, batch)
		if w < below.Watts.Value || w > above.Watts.Value {
			t.Fatalf("%s batch %d: %g W outside %g..%g", g.Name, batch, w, below.Watts.Value, above.Watts.Value)
		}
		if want := grade.Worse(below.Watts.Grade, above.Watts.Grade); got != want {
			t.Fatalf("%s batch %d: grade %v, want %v", g.Name, batch, got, want)
		}
	})
}

// bracket finds the points around a batch the slow way.
func bracket(g GPU, batch int) (below, above BusyPoint) {
	for _, p := range g.Busy {
		if p.Batch <= batch {
			below = p
		}
	}
	for i := len(g.Busy) - 1; i >= 0; i-- {
		if g.Busy[i].Batch >= batch {
			above = g.Busy[i]
		}
	}
	return below, above
}

func TestLookupNamesCloseOnes(t *testing.T) {
	for name, want := range map[string]string{
		"nvidia-h10-sxm": `unknown GPU "nvidia-h10-sxm": did you mean nvidia-h100-sxm`,
		"T4":             `did you mean nvidia-t4?`,
		"a100-pcie":      `did you mean nvidia-a100-pcie-40gb or nvidia-a100-pcie-80gb?`,
		"":               `want one of nvidia-a10, nvidia-a100-pcie-40gb`,
		"radeon-mi300x":  `want one of nvidia-a10,`,
	} {
		if _, err := Lookup(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Lookup(%q): %v, want an error with %q", name, err, want)
		}
	}
}

func TestSlice(t *testing.T) {
	p, err := mustLookup(t, "nvidia-a30").Slice("2g.12gb")
	if want := (MIGProfile{"2g.12gb", 2, 2}); err != nil || p != want {
		t.Errorf("got %+v, %v; want %+v", p, err, want)
	}
	if _, err := mustLookup(t, "nvidia-a30").Slice("3g.20gb"); err == nil || !strings.Contains(err.Error(), "want one of 1g.6gb, 2g.12gb, 4g.24gb") {
		t.Errorf("unknown slice: %v", err)
	}
	if _, err := mustLookup(t, "nvidia-t4").Slice("1g.5gb"); err == nil || !strings.Contains(err.Error(), "cannot be partitioned") {
		t.Errorf("T4: %v", err)
	}
}

func TestNewNodeAddsUpItsShares(t *testing.T) {
	n := NewNode(mustLookup(t, "nvidia-a100-sxm4-80gb"), 8)
	if got, want := n.BaseWatts.Value, 8*120.9; got != want || n.BaseWatts.Grade != grade.B {
		t.Errorf("base %g W grade %v, want %g W grade B", got, n.BaseWatts.Grade, want)
	}
	if got, want := n.BootWatts.Value, 8*(120.9+61); math.Abs(got-want) > 1e-9 || n.BootWatts.Grade != grade.X {
		t.Errorf("boot %g W grade %v, want %g W grade X", got, n.BootWatts.Grade, want)
	}
	if got, want := n.EmbodiedKg, 8*318+1000.0; got != want || n.EmbodiedGrade != grade.X {
		t.Errorf("embodied %g kg grade %v, want %g kg grade X", got, n.EmbodiedGrade, want)
	}
	if n.SleepWatts.Value >= n.BaseWatts.Value || n.SleepWatts.Source == "" {
		t.Errorf("sleep: %+v", n.SleepWatts)
	}
}
