package powermodel

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/powerfit"
)

// A board of 100 W context and 300 W at any batch, whose own sweep is simple.
func sweptBoard() GPU {
	p := func(v float64) Point {
		return Point{Value: v, Grade: grade.A, Source: "test", Date: "2026-01", Rel: 0.02}
	}
	return GPU{
		Name: "g", Title: "G", CapWatts: 400, Bare: p(50), Context: p(100), Busy: []BusyPoint{{1, p(200)}, {4, p(300)}},
		EmbodiedKg: p(1), NodeBase: p(1), HostPerWatt: p(1), NodeEmbodiedKg: p(1),
		CapLaw:   []CapPoint{{0.25, p(4)}, {1, p(1)}},
		ClockLaw: []ClockPoint{{500, p(2), p(0.4)}, {1500, p(1), p(1)}},
	}
}

func under(t *testing.T, g GPU, l Limit) GPU {
	t.Helper()
	limited, err := g.Under(l)
	if err != nil {
		t.Fatal(err)
	}
	return limited
}

func TestCapClipsAndSlows(t *testing.T) {
	g := under(t, sweptBoard(), Limit{CapWatts: 200})
	for batch, want := range map[int]struct{ watts, slow float64 }{
		1: {200, 1}, // wants no more than the cap
		// wants 300 W: ratio 1/2, a third of the way from 1/4 to 1 in a law from 4 to 1
		4: {200, math.Pow(4, 2.0/3)},
	} {
		if w := g.At(batch).Value; w != want.watts {
			t.Errorf("batch %d: %g W, want %g W", batch, w, want.watts)
		}
		if s := g.Slowdown(batch); math.Abs(s.Value-want.slow) > 1e-12 || s.Grade != grade.A {
			t.Errorf("batch %d: slowdown %+v, want %g of grade A", batch, s, want.slow)
		}
	}
	if g.Context.Value != 100 || g.Bare.Value != 50 || g.Limit().CapWatts != 200 {
		t.Errorf("idle watts changed, or the limit is not told: %+v", g)
	}
}

func TestLockedClockScalesTheDynamicDraw(t *testing.T) {
	g := under(t, sweptBoard(), Limit{ClockMHz: 1000})
	if w := g.At(4).Value; math.Abs(w-(100+0.7*200)) > 1e-9 {
		t.Errorf("%g W, want 240 W", w)
	}
	if s := g.Slowdown(4).Value; math.Abs(s-1.5) > 1e-12 {
		t.Errorf("slowdown %g, want 1.5", s)
	}
	// A cap on top of it holds down what is left: 140 W above the context, 70 W allowed.
	g = under(t, sweptBoard(), Limit{ClockMHz: 1000, CapWatts: 170})
	if s := g.Slowdown(4).Value; math.Abs(s-1.5*math.Pow(4, 2.0/3)) > 1e-12 {
		t.Errorf("slowdown %g, want the product of both", s)
	}
}

func TestLimitsThatCannotBe(t *testing.T) {
	for want, l := range map[string]Limit{
		"above the 400 W that g can draw":              {CapWatts: 401},
		"below 150 W, the lowest for which":            {CapWatts: 149},
		"outside the sweep of g, 500 to 1500 MHz":      {ClockMHz: 1600},
		"an SM clock of 499 MHz lies outside the swee": {ClockMHz: 499},
	} {
		if _, err := sweptBoard().Under(l); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error with %q", l, err, want)
		}
	}
	if _, err := mustLookup(t, "nvidia-t4").Under(Limit{ClockMHz: 900}); err == nil || !strings.Contains(err.Error(), "measure one with sim calibrate") {
		t.Errorf("a clock without a sweep: %v", err)
	}
	if _, err := mustLookup(t, "nvidia-h100-sxm").Under(Limit{CapWatts: 120}); err == nil || !strings.Contains(err.Error(), "its idle context draws 122 W") {
		t.Errorf("a cap below the context: %v", err)
	}
}

func TestCapsToChooseFrom(t *testing.T) {
	var caps []float64
	for _, g := range mustLookup(t, "nvidia-t4").Caps() {
		caps = append(caps, g.CapWatts)
	}
	if want := []float64{35, 42, 49, 56, 63, 70}; !slices.Equal(caps, want) {
		t.Errorf("caps %v W, want %v W", caps, want)
	}
	// Caps below what is known are left out, and a locked clock stays locked.
	g := sweptBoard()
	g.CapWatts = 310
	caps = nil
	for _, c := range under(t, g, Limit{ClockMHz: 1000, CapWatts: 250}).Caps() {
		caps = append(caps, c.CapWatts)
		if c.Limit().ClockMHz != 1000 {
			t.Errorf("cap %g W: limit %+v", c.CapWatts, c.Limit())
		}
	}
	if want := []float64{155, 186, 217, 248, 279, 310}; !slices.Equal(caps, want) {
		t.Errorf("caps %v W, want %v W", caps, want)
	}
}

// The clocks to choose from are the sweep's, below the one in force; one that does not
// hold the board down is none, and a cap stays.
func TestClocksToChooseFrom(t *testing.T) {
	p := func(v float64) Point { return Point{Value: v, Grade: grade.A} }
	g := sweptBoard()
	g.ClockLaw = []ClockPoint{{500, p(2), p(0.4)}, {900, p(1.3), p(0.6)}, {1200, p(1), p(0.9)}, {1500, p(1), p(1)}}
	for _, x := range []struct {
		in   Limit
		want []float64
	}{
		{Limit{}, []float64{500, 900, 1200}},
		{Limit{CapWatts: 250}, []float64{500, 900, 1200}},
		{Limit{ClockMHz: 1000, CapWatts: 250}, []float64{500, 900}},
		{Limit{ClockMHz: 900}, []float64{500}},
		{Limit{ClockMHz: 500}, nil},
	} {
		var clocks []float64
		for _, c := range under(t, g, x.in).Clocks() {
			clocks = append(clocks, c.Limit().ClockMHz)
			if c.Limit().CapWatts != x.in.CapWatts {
				t.Errorf("%+v: a clock with %+v", x.in, c.Limit())
			}
		}
		if !slices.Equal(clocks, x.want) {
			t.Errorf("%+v: clocks %v MHz, want %v MHz", x.in, clocks, x.want)
		}
	}
	if clocks := mustLookup(t, "nvidia-t4").Clocks(); clocks != nil {
		t.Errorf("without a sweep: %v", clocks)
	}
}

// A tighter cap never draws more and is never faster, a larger batch is never
// held down less, and a cap that holds nothing down changes nothing.
func TestLimitsAreMonotone(t *testing.T) {
	all := Catalogue()
	rapid.Check(t, func(t *rapid.T) {
		g := rapid.SampledFrom(all).Draw(t, "gpu")
		most := g.Busy[len(g.Busy)-1].Watts.Value
		least := math.Ceil(g.Context.Value + 0.1*(most-g.Context.Value))
		caps := []float64{rapid.Float64Range(least, g.CapWatts).Draw(t, "cap"), rapid.Float64Range(least, g.CapWatts).Draw(t, "other cap")}
		lo, err := g.Under(Limit{CapWatts: min(caps[0], caps[1])})
		if err != nil {
			t.Fatal(err)
		}
		hi, err := g.Under(Limit{CapWatts: max(caps[0], caps[1])})
		if err != nil {
			t.Fatal(err)
		}
		batch := rapid.IntRange(1, 512).Draw(t, "batch")
		more := batch + rapid.IntRange(0, 512).Draw(t, "more")
		if lo.At(batch).Value > hi.At(batch).Value || lo.At(batch).Value > caps[0] && lo.At(batch).Value > caps[1] {
			t.Fatalf("%s batch %d: %g W under the tighter cap, %g W under the other", g.Name, batch, lo.At(batch).Value, hi.At(batch).Value)
		}
		if lo.Slowdown(batch).Value < hi.Slowdown(batch).Value || hi.Slowdown(batch).Value < 1 {
			t.Fatalf("%s batch %d: slowdowns %g and %g", g.Name, batch, lo.Slowdown(batch).Value, hi.Slowdown(batch).Value)
		}
		if lo.Slowdown(more).Value < lo.Slowdown(batch).Value {
			t.Fatalf("%s: batch %d is slowed by %g, batch %d by %g", g.Name, more, lo.Slowdown(more).Value, batch, lo.Slowdown(batch).Value)
		}
		if full, err := g.Under(Limit{CapWatts: g.CapWatts}); err != nil || full.At(batch) != g.At(batch) || full.Slowdown(batch).Value != 1 {
			t.Fatalf("%s: its own cap changes it: %v", g.Name, err)
		}
	})
}

// The published law is the fit of every capped run of the raw sweeps, where
// they are at hand. A job that hardly uses the board (NCF) tells the context.
func TestPublishedCapLawIsTheFitOfTheRawSweeps(t *testing.T) {
	type job struct{ dataset, network, batch, optimizer string }
	type run struct{ cap, seconds, watts float64 }
	var points []powerfit.CapPoint
	for board, context := range map[string]float64{"v100": 38, "a40": 84} {
		jobs := map[job][]run{}
		for _, r := range rawCSV(t, rawData+"power/zeus_summary_power_"+board+".csv") {
			if r["network"] != "ncf" {
				j := job{r["dataset"], r["network"], r["batch_size"], r["optimizer"]}
				jobs[j] = append(jobs[j], run{rawFloat(t, r["power_limit"]), rawFloat(t, r["time_per_epoch"]), rawFloat(t, r["average_power"])})
			}
		}
		for _, runs := range jobs {
			free := slices.MaxFunc(runs, func(a, b run) int { return cmp.Compare(a.cap, b.cap) })
			for _, r := range runs {
				if r.cap < free.watts {
					points = append(points, powerfit.CapPoint{Ratio: (r.cap - context) / (free.watts - context), Slowdown: r.seconds / free.seconds})
				}
			}
		}
	}
	if len(points) == 0 {
		return // logged
	}
	if len(points) != 389 {
		t.Errorf("%d capped runs, the source says 389", len(points))
	}
	var knots []float64
	for _, k := range publishedCapLaw {
		knots = append(knots, k.ratio)
	}
	for i, p := range powerfit.CapLaw(points, knots) {
		if math.Abs(p.Slowdown-publishedCapLaw[i].slowdown) > 0.006 {
			t.Errorf("ratio %g: the sweeps give %.3f, the law has %g", p.Ratio, p.Slowdown, publishedCapLaw[i].slowdown)
		}
	}
}
