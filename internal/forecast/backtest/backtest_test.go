package backtest

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/forecast"
	"github.com/kwatt-sim/kwatt/internal/forecast/lstm"
	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

const (
	halfHour = 30 * time.Minute
	day      = 48 // half hours
)

// days is a trace of noisy days in half hours.
func days(n int, f func(i int) float64, noise float64, seed uint64) *workload.Trace {
	stream := rng.New(seed).Stream("noise")
	t := &workload.Trace{Name: "made", Start: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), Bin: halfHour}
	for i := range n * day {
		t.Rates = append(t.Rates, f(i)*math.Exp(noise*stream.Norm()))
	}
	return t
}

func wave(i int) float64 { return 1000 + 600*math.Sin(2*math.Pi*float64(i)/day) }

func shop(i int) float64 {
	return (1000 + 2*float64(i)) * math.Exp(0.8*math.Sin(2*math.Pi*float64(i)/day))
}

func series(t testing.TB, tr *workload.Trace, c Cut) *Series {
	t.Helper()
	s, err := NewSeries(tr, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func find(t testing.TB, names ...string) []forecast.Method {
	t.Helper()
	var out []forecast.Method
	for _, n := range names {
		m, err := forecast.Find(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

func run(t testing.TB, s *Series, o Options) *Result {
	t.Helper()
	o.Baseline = find(t, "SeasonalNaive")[0]
	r, err := Run(context.Background(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func within(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %g, want %g ± %g", what, got, want, tol)
	}
}

// TestNoLeakage changes everything from one instant on and expects all
// forecasts made by then to stay as they were, of every method but the oracle.
func TestNoLeakage(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := series(t, days(5, shop, 0.2, rapid.Uint64().Draw(rt, "seed")), Cut{})
		m := rapid.SampledFrom(forecast.Methods()).Draw(rt, "method")
		from := rapid.IntRange(s.HeldFrom, len(s.Values)-1).Draw(rt, "from")
		horizons := []int{1, 3}
		before, _, err := roll(s, m, horizons, 20)
		if err != nil {
			rt.Fatal(err)
		}
		changed := *s
		changed.Values = append([]float64(nil), s.Values...)
		for i := from; i < len(changed.Values); i++ {
			changed.Values[i] = rapid.SampledFrom([]float64{0, 7, 1e6, math.NaN()}).Draw(rt, "value")
		}
		after, _, err := roll(&changed, m, horizons, 20)
		if err != nil {
			rt.Fatal(err)
		}
		known, all := true, true
		for k, h := range horizons {
			for i := range before[k].point {
				same := before[k].point[i] == after[k].point[i] && equal(before[k].quantiles[i], after[k].quantiles[i])
				all = all && same
				if s.HeldFrom+i-h < from { // the origin's last value is before the change
					known = known && same
				}
			}
		}
		if !m.Oracle && !known {
			rt.Fatalf("%s: a value at %d changes a forecast made before it", m.Name, from)
		}
		if m.Oracle && known && from < len(s.Values)-4 {
			rt.Fatalf("the oracle does not see a change at %d: this test would miss a leak", from)
		}
	})
}

func equal(a, b []float64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestEveryHorizonIsScoredOnTheSameValues(t *testing.T) {
	s := series(t, days(5, shop, 0.1, 1), Cut{})
	s.Values[s.HeldFrom+5] = math.NaN()
	r := run(t, s, Options{Methods: find(t, "Naive", "PerfectForesight"), Horizons: []time.Duration{halfHour, 4 * time.Hour}})
	for _, e := range r.Entries {
		for i, x := range e.Scores {
			if x.N != 2*day-1 {
				t.Errorf("%s, %v ahead: %d values", e.Method, r.Horizon(r.Steps[i]), x.N)
			}
			if e.Oracle && (x.MeanPinball != 0 || x.MASE != 0 || x.Inside80 != 1 || x.Skill != 1) {
				t.Errorf("perfect foresight is not perfect: %+v", x)
			}
		}
	}
	if r.Missing != 1 || r.Best(0) != 0 {
		t.Errorf("%d missing, best %d", r.Missing, r.Best(0))
	}
}

// TestScoresByHand: forecasts of 10 with quantiles around it, against 12, 8 and a gap.
func TestScoresByHand(t *testing.T) {
	q := make([]float64, len(Levels))
	for i, l := range Levels {
		q[i] = 10 + 4*(l-0.5) // 8.2, 8.4, 9, 10, 11, 11.6, 11.8, 11.96
	}
	f := forecasts{point: []float64{10, 10, 10}, quantiles: [][]float64{q, q, q}}
	s := f.score([]float64{12, 8, math.NaN()}, 4)
	if s.N != 2 {
		t.Fatalf("%d scored", s.N)
	}
	within(t, "MASE", s.MASE, 0.5, 1e-12)
	within(t, "sMAPE", s.SMAPE, (2*2/22.0+2*2/18.0)/2, 1e-12)
	within(t, "pinball at p50", s.Pinball[3], 1, 1e-12)                   // 0.5·2 both times
	within(t, "pinball at p90", s.Pinball[5], (0.9*0.4+0.1*3.6)/2, 1e-12) // below, then above
	within(t, "pinball at p95", s.Pinball[6], (0.95*0.2+0.05*3.8)/2, 1e-12)
	within(t, "at or below p99", s.Below[7], 0.5, 0)
	within(t, "within 80 %", s.Inside80, 0, 0)
	sum := 0.0
	for _, p := range s.Pinball {
		sum += p / float64(len(Levels))
	}
	within(t, "mean pinball", s.MeanPinball, sum, 1e-12)
	within(t, "of the mean rate", s.Relative, sum/10, 1e-12)
}

// TestEqualAccuracy: white differences of mean 0 reject at their level, a
// clear mean is seen, and correlation is allowed for.
func TestEqualAccuracy(t *testing.T) {
	const trials, n, seed = 400, 200, 11
	stream := rng.New(seed).Stream("dm")
	rejected, correlated := 0, 0
	for range trials {
		d, c, last := make([]float64, n), make([]float64, n), 0.0
		for i := range d {
			e := stream.Norm()
			d[i] = e
			c[i], last = e+last, e // a moving average of two
		}
		if equalAccuracy(d, 1) < 0.05 {
			rejected++
		}
		if equalAccuracy(c, 2) < 0.05 {
			correlated++
		}
	}
	for what, k := range map[string]int{"white": rejected, "correlated": correlated} {
		if part := float64(k) / trials; part < 0.01 || part > 0.12 {
			t.Errorf("seed %d: %s noise is rejected in %g of the trials", seed, what, part)
		}
	}
	d := make([]float64, n)
	for i := range d {
		d[i] = 0.5 + stream.Norm()
	}
	if p := equalAccuracy(d, 1); p > 1e-4 {
		t.Errorf("seed %d: a mean of half a deviation has p %g", seed, p)
	}
	if p := equalAccuracy(make([]float64, n), 1); p != 1 {
		t.Errorf("no difference has p %g", p)
	}
}

// TestCoverage measures on new values; over 20 days the sampling error of a
// coverage of 0.95 is about 0.007 (960 values), more for correlated errors.
func TestCoverage(t *testing.T) {
	for _, c := range []struct {
		method  string
		f       func(int) float64
		horizon int
	}{
		{"HoltWinters", wave, 1}, {"HoltWinters", wave, 4}, {"HoltWinters", shop, 2}, {"HoltWintersAdditive", wave, 2},
		{"HoltWintersMultiplicative", shop, 1}, {"HoltWintersDamped", shop, 2}, {"SeasonalNaive", wave, 3}, {"LSTM", wave, 1}, {"LSTM", shop, 4},
	} {
		s := series(t, days(26, c.f, 0.08, 5), Cut{HeldOut: 20 * 24 * time.Hour})
		r := run(t, s, Options{Methods: find(t, c.method), Horizons: []time.Duration{time.Duration(c.horizon) * halfHour}, Refit: 5 * 24 * time.Hour})
		x := r.Entries[0].Scores[0]
		within(t, c.method+": coverage of p95", x.Below[levelAt(0.95)], 0.95, 0.04)
		within(t, c.method+": coverage of p75", x.Below[levelAt(0.75)], 0.75, 0.08)
		within(t, c.method+": within 80 %", x.Inside80, 0.8, 0.08)
	}
}

// TestSeasonPays is what the season is for: where it is all there is, and the
// noise alone makes a mean absolute error of 0.03·√(2/π) = 2.4 %.
func TestSeasonPays(t *testing.T) {
	s := series(t, days(8, wave, 0.03, 6), Cut{HeldOut: 4 * 24 * time.Hour})
	r := run(t, s, Options{Methods: find(t, "Naive", "HoltWinters", "SeasonalNaive"), Horizons: []time.Duration{6 * halfHour}, Refit: 24 * time.Hour})
	naive, hw, seasonal := r.Entries[0].Scores[0], r.Entries[1].Scores[0], r.Entries[2].Scores[0]
	if hw.SMAPE > 0.035 || naive.SMAPE < 4*hw.SMAPE || hw.Skill < 0.05 || naive.Skill > -1 || seasonal.Skill != 0 {
		t.Errorf("sMAPE: naive %.3f, Holt-Winters %.3f; skill %.2f and %.2f, seasonal naive %.2f", naive.SMAPE, hw.SMAPE, naive.Skill, hw.Skill, seasonal.Skill)
	}
	if r.ScaledBy != "seasonal naive" || math.Abs(seasonal.MASE-1) > 0.2 {
		t.Errorf("MASE of seasonal naive %.2f, scaled by %s", seasonal.MASE, r.ScaledBy)
	}
	if r.Best(0) != 1 || !strings.HasPrefix(r.Entries[1].InUse, "Holt-Winters (") {
		t.Errorf("best is entry %d, in use %s", r.Best(0), r.Entries[1].InUse)
	}
}

func TestCuts(t *testing.T) {
	peak, err := workload.Builtin("worldcup98-peak")
	if err != nil {
		t.Fatal(err)
	}
	s := series(t, peak, Cut{})
	if s.Step != 5*time.Minute || len(s.Values) != 576 || s.HeldFrom != 288 || !s.HeldStart().Equal(peak.Start.Add(24*time.Hour)) {
		t.Errorf("steps of %v, %d of them, held out from %d", s.Step, len(s.Values), s.HeldFrom)
	}
	mean := 0.0
	for _, y := range peak.Rates[5:10] {
		mean += y / 5
	}
	within(t, "a joined step", s.Values[1], mean, 1e-9)
	steps, err := s.Steps([]time.Duration{time.Minute, 3 * time.Minute, 15 * time.Minute, time.Hour})
	if want := []int{1, 3, 12}; err != nil || len(steps) != 3 || steps[0] != want[0] || steps[1] != want[1] || steps[2] != want[2] {
		t.Errorf("horizons in steps: %v, %v", steps, err)
	}
	for _, c := range []struct {
		cut  Cut
		want string
	}{
		{Cut{Step: 90 * time.Second}, "a finer series would be made up"},
		{Cut{Step: 7 * time.Minute}, "a season of 24h0m0s is not a whole number of steps of 7m0s"},
		{Cut{HeldOut: 48 * time.Hour}, "48h0m0s held out of 48h0m0s"},
		{Cut{HeldOut: time.Second}, "want at least a step of 5m0s"},
	} {
		if _, err := NewSeries(peak, c.cut); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.cut, err)
		}
	}
	for _, h := range []time.Duration{0, 25 * time.Hour} {
		if _, err := s.Steps([]time.Duration{h}); err == nil {
			t.Errorf("a horizon of %v is accepted", h)
		}
	}
}

// TestMissingIsNotZero: a hole stays one when bins are joined, and is scored by nobody.
func TestMissingIsNotZero(t *testing.T) {
	nan := math.NaN()
	got := join([]float64{1, nan, nan, nan, 3, 5, 9}, 2)
	if len(got) != 3 || got[0] != 1 || !math.IsNaN(got[1]) || got[2] != 4 {
		t.Errorf("joined: %v", got)
	}
	tr, err := workload.Builtin("servegen-m-mid")
	if err != nil {
		t.Fatal(err)
	}
	s := series(t, tr, Cut{HeldOut: 4 * 24 * time.Hour}) // the hole is on the second day
	r := run(t, s, Options{Methods: find(t, "Naive"), Horizons: []time.Duration{10 * time.Minute}})
	if r.Missing != 36 || r.Entries[0].Scores[0].N != 4*144-36 {
		t.Errorf("%d missing, %d scored", r.Missing, r.Entries[0].Scores[0].N)
	}
}

func TestRunErrors(t *testing.T) {
	good := Options{Methods: find(t, "Naive"), Baseline: find(t, "Naive")[0], Horizons: []time.Duration{halfHour}}
	fresh := func() *Series { return series(t, days(5, wave, 0, 1), Cut{}) }
	if _, err := Run(context.Background(), fresh(), good); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Options, *Series){
		"no horizon":  func(o *Options, _ *Series) { o.Horizons = nil },
		"no model":    func(o *Options, _ *Series) { o.Methods = nil },
		"no baseline": func(o *Options, _ *Series) { o.Baseline = forecast.Method{} },
		"held-out days without a value": func(_ *Options, s *Series) {
			for i := s.HeldFrom; i < len(s.Values); i++ {
				s.Values[i] = math.NaN()
			}
		},
		"a baseline that knows the answers": func(o *Options, s *Series) {
			w := *lstm.Builtin()
			w.Trained = []lstm.Training{{Trace: s.Trace.Name, To: s.HeldEnd()}}
			o.Weights, o.Baseline = &w, find(t, "LSTM")[0]
		},
	} {
		o, s := good, fresh()
		change(&o, s)
		if _, err := Run(context.Background(), s, o); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, fresh(), good); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted backtest: %v", err)
	}
}

// TestTrainingSeries end where the held-out days begin, in every resolution.
func TestTrainingSeries(t *testing.T) {
	tr, err := workload.Builtin("worldcup98-final")
	if err != nil {
		t.Fatal(err)
	}
	s := series(t, tr, Cut{})
	var lengths []int
	for _, x := range s.TrainingSeries() {
		lengths = append(lengths, len(x.Values))
		if !x.To.Equal(s.HeldStart()) || x.Season*5 != len(x.Values) || len(x.SHA256) != 64 {
			t.Errorf("%d values, %d a season, to %v, digest %q", len(x.Values), x.Season, x.To, x.SHA256)
		}
	}
	if want := []int{1440, 720, 480, 240, 120}; !slices.Equal(lengths, want) {
		t.Errorf("lengths %v, want %v", lengths, want)
	}
}
