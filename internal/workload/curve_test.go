package workload

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

func ptr(v float64) *float64 { return &v }

func newCurve(t testing.TB, cfg CurveConfig) *Curve {
	t.Helper()
	c, err := NewCurve(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// total returns the expected requests of the window.
func total(c *Curve) float64 { return c.Mean() * c.Duration.Seconds() }

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Max(1, math.Abs(want))) {
		t.Errorf("%s: %v, want %v within %g", what, got, want, tolerance)
	}
}

// minutes is a trace of 1-minute bins.
func minutes(rates ...float64) *Trace {
	return &Trace{Name: "m", Start: time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC), Bin: time.Minute, Rates: rates}
}

func TestStepCurveKeepsEveryRequest(t *testing.T) {
	tr := builtin(t, "taobao-2017")
	c := newCurve(t, CurveConfig{Trace: tr, Start: instant(t, "2017-12-01T16:00:00Z"), Duration: 24 * time.Hour})
	near(t, "requests of 2 December", total(c), 13_777_869, 1e-12)
	near(t, "rate at 21:30", c.Rate(vtime.At(21*time.Hour+30*time.Minute)), 1_176_432./3600, 1e-12)
	near(t, "peak", c.Peak(), 1_176_432./3600, 1e-12)
	if got := c.Start.Format(time.RFC3339); got != "2017-12-02T00:00:00+08:00" {
		t.Errorf("window starts at %s, want the trace's own clock", got)
	}
	if c.Rate(-1) != 0 || c.Rate(vtime.At(24*time.Hour)) != 0 {
		t.Error("there are requests outside the window")
	}
}

// TestLinearCurveByHand: rates 2, 4, 0 at the centres 30, 90, 150 s.
func TestLinearCurveByHand(t *testing.T) {
	c := newCurve(t, CurveConfig{Trace: minutes(2, 4, 0), Duration: 3 * time.Minute, Linear: true})
	for _, w := range []struct {
		second int
		rate   float64 // of the line at the middle of the second
	}{{0, 2}, {29, 2}, {30, 2 + 2*0.5/60}, {59, 2 + 2*29.5/60}, {89, 4 - 2*0.5/60}, {90, 4 - 4*0.5/60}, {149, 4 * 0.5 / 60}, {150, 0}, {179, 0}} {
		near(t, "second", c.Rates[w.second], w.rate, 1e-12)
	}
	// 30 s at 2, trapezoids of 60 s, 30 s at 0.
	near(t, "requests", total(c), 30*2+60*(2+4)/2.+60*(4+0)/2., 1e-12)
}

// TestLinearWindowInside: the line near the window's ends knows the bins beyond.
func TestLinearWindowInside(t *testing.T) {
	tr := minutes(2, 4, 0)
	c := newCurve(t, CurveConfig{Trace: tr, Start: tr.Start.Add(time.Minute), Duration: time.Minute, Linear: true})
	// From 3 up to 4 at the centre and down to 2.
	near(t, "requests", total(c), 30*(3+4)/2.+30*(4+2)/2., 1e-12)
}

// TestShortBins: a second that holds several bins is their mean.
func TestShortBins(t *testing.T) {
	tr := minutes(1, 2, 3, 6, 5, 5, 5, 5)
	tr.Bin = 250 * time.Millisecond
	steps := newCurve(t, CurveConfig{Trace: tr, Duration: 2 * time.Second})
	if diff := cmp.Diff([]float64{3, 5}, steps.Rates); diff != "" {
		t.Error(diff)
	}
	linear := newCurve(t, CurveConfig{Trace: tr, Duration: 2 * time.Second, Linear: true})
	// Second 0: ⅛ s at 1, three pieces of ¼ s, ⅛ s from 6 towards 5.
	near(t, "second 0", linear.Rates[0], 0.125*1+0.25*1.5+0.25*2.5+0.25*4.5+0.125*(6+5.5)/2, 1e-12)
}

func TestLastStepIsCutShort(t *testing.T) {
	c := newCurve(t, CurveConfig{Trace: minutes(4, 8), Start: minutes(1).Start.Add(58500 * time.Millisecond), Duration: 2500 * time.Millisecond})
	// 1 s at 4, half a second at 4 and half at 8, half a second at 8.
	if diff := cmp.Diff([]float64{4, 6, 8}, c.Rates); diff != "" {
		t.Error(diff)
	}
	near(t, "requests", total(c), 4+6+4, 1e-12)
}

func TestScale(t *testing.T) {
	tr := builtin(t, "taobao-2017")
	window := CurveConfig{Trace: tr, Start: instant(t, "2017-12-02T00:00:00+08:00"), Duration: 24 * time.Hour, Linear: true}
	plain := newCurve(t, window)

	window.Peak = ptr(100_000)
	window.Events = []Event{{At: 3 * time.Hour, Hold: time.Hour, Multiply: 50}}
	peaked := newCurve(t, window)
	if got := peaked.Rate(vtime.At(21*time.Hour + 30*time.Minute)); math.Abs(got-100_000) > 1 {
		t.Errorf("rate at the trace's peak %v, want 100000: an event must not count", got)
	}
	window.Events = nil
	peaked = newCurve(t, window)
	if peaked.Peak() != 100_000 {
		t.Errorf("peak %v, want exactly 100000", peaked.Peak())
	}
	near(t, "scale", peaked.Scale, 100_000/plain.Peak(), 1e-15)
	near(t, "mean", peaked.Mean(), plain.Mean()*peaked.Scale, 1e-12)

	window.Peak, window.Factor = nil, ptr(2)
	doubled := newCurve(t, window)
	for i, r := range doubled.Rates {
		if r != 2*plain.Rates[i] {
			t.Fatalf("second %d: %v, want twice %v", i, r, plain.Rates[i])
		}
	}
}

func TestConstant(t *testing.T) {
	c := newCurve(t, CurveConfig{Constant: 7, Duration: 3 * time.Second, Factor: ptr(2)})
	if diff := cmp.Diff([]float64{14, 14, 14}, c.Rates); diff != "" {
		t.Error(diff)
	}
	if h := c.History(time.Second, time.Hour); h != nil {
		t.Errorf("history %v of a constant rate", h)
	}
}

func TestHighest(t *testing.T) {
	c := &Curve{Duration: 5500 * time.Millisecond, Step: time.Second, Rates: []float64{1, 5, 2, 0, 7, 3}}
	at := func(ms int) vtime.Time { return vtime.At(time.Duration(ms) * time.Millisecond) }
	for _, w := range []struct {
		from, to int
		want     float64
	}{{0, 999, 1}, {0, 1000, 5}, {1999, 2000, 5}, {2000, 2000, 2}, {3000, 3500, 0}, {2000, 60_000, 7}, {5499, 60_000, 3}, {-5, 100, 1}, {5500, 60_000, 0}, {60_000, 70_000, 0}} {
		if got := c.Highest(at(w.from), at(w.to)); got != w.want {
			t.Errorf("from %d to %d ms: %v, want %v", w.from, w.to, got, w.want)
		}
	}
}

func TestMissingBinsAreBridged(t *testing.T) {
	c := newCurve(t, CurveConfig{Trace: minutes(nan, 3, nan, nan, 6, nan), Duration: 6 * time.Minute})
	for minute, want := range []float64{3, 3, 4, 5, 6, 6} {
		near(t, "minute", c.Rates[minute*60+30], want, 1e-12)
	}
	near(t, "missing share", c.MissingShare, 4./6, 1e-15)

	tr := minutes(1, 2, 3)
	tr.Kinds = []Kind{Published, Estimated, Published}
	c = newCurve(t, CurveConfig{Trace: tr, Start: tr.Start.Add(30 * time.Second), Duration: time.Minute})
	near(t, "estimated share", c.EstimatedShare, 0.5, 1e-15)
}

// TestCurveAgainstMidpoints compares the exact means with brute force over
// generated traces, windows and events. Every knot lies on a whole millisecond, so
// that no jump falls within a midpoint's cell.
func TestCurveAgainstMidpoints(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		millis := func(name string, from, to int64) time.Duration {
			return time.Duration(rapid.Int64Range(from, to).Draw(rt, name)) * time.Millisecond
		}
		tr := minutes(rapid.SliceOfN(rapid.Float64Range(0, 100), 3, 12).Draw(rt, "rates")...)
		tr.Bin = 2 * millis("half a bin", 50, 2000)
		offset := min(millis("offset", 0, 4000), tr.Bin)
		cfg := CurveConfig{Trace: tr, Start: tr.Start.Add(offset), Duration: tr.Duration() - offset, Linear: rapid.Bool().Draw(rt, "linear")}
		for range rapid.IntRange(0, 3).Draw(rt, "events") {
			cfg.Events = append(cfg.Events, Event{At: millis("at", 0, 3000), Ramp: millis("ramp", 100, 3000), Hold: millis("hold", 0, 3000), Decay: millis("decay", 100, 3000),
				Multiply: rapid.Float64Range(0.1, 5).Draw(rt, "multiply")})
		}
		if len(cfg.Events) > 0 {
			cfg.Events[0].Ramp = 0 // one that jumps
		}
		c, err := NewCurve(cfg)
		if err != nil {
			rt.Fatal(err)
		}
		for i, got := range c.Rates {
			a, b := c.step(i)
			want, top := 0.0, 0.0
			for x := float64(a) + 0.5e6; x < float64(b); x += 1e6 {
				r := slowRate(tr, cfg.Linear, float64(offset)+x)
				for _, e := range cfg.Events {
					r *= e.factor(x)
				}
				want += r * 1e6 / float64(b-a)
				top = math.Max(top, r)
			}
			if math.Abs(got-want) > 1e-4*top {
				rt.Fatalf("second %d: mean %v, by midpoints %v", i, got, want)
			}
		}
	})
}

// slowRate is the trace's rate at x ns since its start, as one would write it
// down without thought for speed or rounding.
func slowRate(tr *Trace, linear bool, x float64) float64 {
	at := func(k int) float64 { return tr.Rates[max(0, min(k, len(tr.Rates)-1))] }
	p := x / float64(tr.Bin)
	if !linear {
		return at(int(p))
	}
	p -= 0.5
	k := math.Floor(p)
	return at(int(k))*(1-(p-k)) + at(int(k)+1)*(p-k)
}

func TestHistory(t *testing.T) {
	tr := minutes(1, 2, nan, 4, 5, 6)
	c := newCurve(t, CurveConfig{Trace: tr, Start: tr.Start.Add(5 * time.Minute), Duration: time.Minute, Factor: ptr(10)})
	same := func(what string, got, want []float64) {
		t.Helper()
		if diff := cmp.Diff(want, got, sameTrace); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	same("whole", c.History(time.Minute, time.Hour), []float64{10, 20, nan, 40, 50})
	same("cut", c.History(time.Minute, 150*time.Second), []float64{40, 50})
	same("wide steps end at the window", c.History(2*time.Minute, time.Hour), []float64{25, 45}) // bins 1–2 half missing, 3–4
	same("none", c.History(time.Minute, time.Second), nil)

	tr.Rates[3] = nan
	c = newCurve(t, CurveConfig{Trace: tr, Start: tr.Start.Add(5 * time.Minute), Duration: time.Minute})
	same("more than half missing", c.History(3*time.Minute, time.Hour), []float64{nan})

	day := newCurve(t, CurveConfig{Trace: builtin(t, "taobao-2017"), Start: instant(t, "2017-12-02T00:00:00+08:00"), Duration: 24 * time.Hour})
	if got := len(day.History(time.Minute, 7*24*time.Hour)); got != 7*24*60 {
		t.Errorf("%d minutes of history before 2 December, want a week", got)
	}
}

func TestRecorded(t *testing.T) {
	log, err := ReadCSV(strings.NewReader("t\n0\n4\n4\n9\n12\n"), "log", ReadOptions{Format: Timestamps, Bin: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	window := CurveConfig{Trace: log, Start: log.Start.Add(4 * time.Second), Duration: 8 * time.Second}
	got, err := newCurve(t, window).Recorded()
	if diff := cmp.Diff([]int64{0, 0, 5e9}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}

	window.Factor = ptr(2)
	wantError(t, newCurve(t, window), "recorded arrivals cannot be scaled; drop scale, or choose another process")
	window.Factor, window.Events = nil, []Event{{Hold: 1, Multiply: 2}}
	wantError(t, newCurve(t, window), "recorded arrivals cannot have events; drop them, or choose another process")
	wantError(t, newCurve(t, CurveConfig{Constant: 1, Duration: 1}), "recorded arrivals need a trace that holds each request: a file with format Timestamps or AzureLLM")
}

func wantError(t *testing.T, c *Curve, want string) {
	t.Helper()
	if _, err := c.Recorded(); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestCurveErrors(t *testing.T) {
	tr := builtin(t, "taobao-2017")
	day := 24 * time.Hour
	for _, c := range []struct {
		cfg  CurveConfig
		want string
	}{
		{CurveConfig{Trace: tr}, "window of 0s: want more than 0 and at most 8784h0m0s"},
		{CurveConfig{Trace: tr, Start: instant(t, "2017-12-03T00:00:00Z"), Duration: day},
			"window 2017-12-03T08:00:00+08:00 + 24h0m0s leaves trace taobao-2017, which spans 2017-11-25T00:00:00+08:00 to 2017-12-04T00:00:00+08:00"},
		{CurveConfig{Trace: tr, Start: instant(t, "2017-11-24T00:00:00Z"), Duration: day},
			"window 2017-11-24T08:00:00+08:00 + 24h0m0s leaves trace taobao-2017, which spans 2017-11-25T00:00:00+08:00 to 2017-12-04T00:00:00+08:00"},
		{CurveConfig{Trace: minutes(nan, nan), Duration: time.Minute}, "trace m: no bin has a rate"},
		{CurveConfig{Trace: tr, Duration: day, Peak: ptr(1), Factor: ptr(1)}, "scale: set peak or factor, not both"},
		{CurveConfig{Trace: tr, Duration: day, Factor: ptr(0)}, "scale: 0 is not a number above 0 and up to 1e+12"},
		{CurveConfig{Trace: tr, Duration: day, Peak: ptr(nan)}, "scale: NaN is not a number above 0 and up to 1e+12"},
		{CurveConfig{Trace: minutes(0, 0), Duration: time.Minute, Peak: ptr(5)}, "scale to a peak: the rate is 0 all over the window"},
		{CurveConfig{Constant: -1, Duration: day}, "constant rate of -1 req/s: want 0 to 1e+12"},
		{CurveConfig{Constant: nan, Duration: day}, "constant rate of NaN req/s: want 0 to 1e+12"},
		{CurveConfig{Constant: 1, Duration: day, Events: []Event{{At: time.Hour, Hold: -1, Multiply: 2}}}, "event at 1h0m0s: a time of -1ns is not between 0 and 8784h0m0s"},
		{CurveConfig{Constant: 1, Duration: day, Events: []Event{{At: time.Hour, Hold: 1}}}, "event at 1h0m0s: multiply is 0, want a number above 0"},
		{CurveConfig{Constant: 1, Duration: day, Events: []Event{{At: time.Hour, Multiply: 2}}}, "event at 1h0m0s lasts no time; set ramp, hold or decay"},
	} {
		if _, err := NewCurve(c.cfg); err == nil || err.Error() != c.want {
			t.Errorf("error %v\n want %s", err, c.want)
		}
	}
}

func BenchmarkNewCurveDay(b *testing.B) {
	tr := builtin(b, "taobao-2017")
	cfg := CurveConfig{Trace: tr, Start: tr.Start.Add(7 * 24 * time.Hour), Duration: 24 * time.Hour, Linear: true, Peak: ptr(1e5),
		Events: []Event{{At: 20 * time.Hour, Ramp: 2 * time.Minute, Hold: 15 * time.Minute, Decay: 30 * time.Minute, Multiply: 2.5}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewCurve(cfg); err != nil {
			b.Fatal(err)
		}
	}
}
