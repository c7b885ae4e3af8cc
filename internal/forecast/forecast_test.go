package forecast_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/forecast"
	"github.com/kwatt-sim/kwatt/internal/rng"
)

const day = 48 // values a season in these tests

// series returns n values of f, with lognormal noise of this deviation.
func series(n int, f func(i int) float64, noise float64, seed uint64) []float64 {
	stream := rng.New(seed).Stream("noise")
	v := make([]float64, n)
	for i := range v {
		v[i] = f(i) * math.Exp(noise*stream.Norm())
	}
	return v
}

func wave(i int) float64 { return 1000 + 600*math.Sin(2*math.Pi*float64(i)/day) }

// shop is a skewed day whose swing grows with its level.
func shop(i int) float64 {
	return (1000 + 2*float64(i)) * math.Exp(0.8*math.Sin(2*math.Pi*float64(i)/day))
}

func fit(t *testing.T, method string, history []float64, o forecast.Options) forecast.Forecaster {
	t.Helper()
	m, err := forecast.Find(method)
	if err != nil {
		t.Fatal(err)
	}
	f, err := m.Fit(history, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func within(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %g, want %g ± %g", what, got, want, tol)
	}
}

const auto = "HoltWinters"

func TestPureSeasonIsReproduced(t *testing.T) {
	for _, method := range []string{auto, "HoltWintersAdditive", "HoltWintersMultiplicative", "HoltWintersDamped", "SeasonalNaive"} {
		m := fit(t, method, series(3*day, wave, 0, 1), forecast.Options{Season: day, Horizon: 4})
		if !m.(forecast.Seasonal).UsesSeason() {
			t.Fatalf("%s uses %s", method, m)
		}
		for h := 1; h <= 2*day; h++ {
			within(t, method, m.Forecast(h), wave(3*day+h-1), 1)
			within(t, method+" p95", m.Quantile(h, 0.95), wave(3*day+h-1), 1)
		}
	}
}

func TestSeasonIsChosenByError(t *testing.T) {
	uses := func(v []float64, want string) {
		t.Helper()
		if f := fit(t, auto, v, forecast.Options{Season: day}); f.String() != want {
			t.Errorf("%s is used, want %s", f, want)
		}
	}
	uses(series(5*day, func(i int) float64 { return wave(i) + 10*float64(i) }, 0.01, 2), "Holt-Winters (additive season, damped)")
	uses(series(5*day, shop, 0.01, 2), "Holt-Winters (multiplicative season, damped)")
	zeros := series(5*day, shop, 0, 2)
	zeros[7] = 0
	uses(zeros, "Holt-Winters (additive season, damped)")
}

func TestFormsAreWhatTheySay(t *testing.T) {
	v := series(5*day, shop, 0.01, 2)
	for method, want := range map[string]string{
		"HoltWintersAdditive": "Holt-Winters (additive season)", "HoltWintersMultiplicative": "Holt-Winters (multiplicative season)",
		"HoltWintersDamped": "Holt-Winters (multiplicative season, damped)", "Naive": "naive", "SeasonalNaive": "seasonal naive",
	} {
		if f := fit(t, method, v, forecast.Options{Season: day}); f.String() != want {
			t.Errorf("%s is %s", method, f)
		}
	}
	// A trend goes on for ever, a damped one levels out.
	ramp := series(6*day, func(i int) float64 { return wave(i) + 20*float64(i) }, 0, 1)
	far := 10 * day
	undamped := fit(t, "HoltWintersAdditive", ramp, forecast.Options{Season: day}).Forecast(far)
	damped := fit(t, auto, ramp, forecast.Options{Season: day}).Forecast(far)
	within(t, "ten seasons on", undamped, wave(6*day+far-1)+20*float64(6*day+far-1), 500)
	if damped > undamped-1000 {
		t.Errorf("a damped trend reaches %.0f, an undamped one %.0f", damped, undamped)
	}
}

func TestStages(t *testing.T) {
	ramp := func(i int) float64 { return 100 + 5*float64(i) }
	for _, c := range []struct {
		n    int
		want string
	}{
		{1, "naive"}, {9, "naive"}, {10, "damped trend"}, {2*day - 1, "damped trend"}, {2 * day, "Holt-Winters (additive season, damped)"},
	} {
		if m := fit(t, auto, series(c.n, ramp, 0, 1), forecast.Options{Season: day, Horizon: 2}); m.String() != c.want {
			t.Errorf("%d values: %s, want %s", c.n, m, c.want)
		}
	}
	naive := fit(t, auto, []float64{3, 7}, forecast.Options{Season: day})
	within(t, "naive forecast", naive.Forecast(5), 7, 0)
	trend := fit(t, auto, series(40, ramp, 0, 1), forecast.Options{Season: day})
	within(t, "trend forecast", trend.Forecast(1), ramp(40), 1)
	if f := fit(t, "SeasonalNaive", series(day/3, wave, 0, 1), forecast.Options{Season: day}); f.String() != "naive" || f.Forecast(1) != wave(day/3-1) {
		t.Errorf("a third of a season: %s, %g", f, f.Forecast(1))
	}
}

func TestSeasonalNaive(t *testing.T) {
	nan := math.NaN()
	f := fit(t, "SeasonalNaive", []float64{1, 2, 3, 4, 5, nan}, forecast.Options{Season: 3})
	for h, want := range []float64{4, 5, 3, 4, 5, 3} {
		within(t, "forecast", f.Forecast(h+1), want, 0)
	}
	f.Observe(9)
	within(t, "the place seen last", f.Forecast(3), 9, 0)
	within(t, "the next place", f.Forecast(1), 5, 0)
}

func TestErrors(t *testing.T) {
	nan := math.NaN()
	for _, m := range forecast.Methods() {
		if m.Oracle {
			continue
		}
		if _, err := m.Fit([]float64{nan, nan}, forecast.Options{}); !errors.Is(err, forecast.ErrNoData) {
			t.Errorf("%s: all missing: %v", m.Name, err)
		}
		if _, err := m.Fit([]float64{1, math.Inf(1)}, forecast.Options{}); err == nil {
			t.Errorf("%s: an infinite value is accepted", m.Name)
		}
	}
	if _, err := forecast.Find("Prophet"); err == nil || !strings.Contains(err.Error(), "want one of Naive, SeasonalNaive, HoltWinters, ") {
		t.Errorf("an unknown model: %v", err)
	}
}

// TestOracle: it knows what it is told, and nobody else is told anything.
func TestOracle(t *testing.T) {
	future := []float64{10, 20, math.NaN(), 40}
	o := forecast.Options{Future: func(step int) float64 {
		if step >= len(future) {
			return math.NaN()
		}
		return future[step]
	}}
	f := fit(t, "PerfectForesight", []float64{1, 2}, o)
	for h, want := range []float64{10, 20, 2, 40, 2} {
		within(t, "foresight", f.Forecast(h+1), want, 0)
		within(t, "its p99", f.Quantile(h+1, 0.99), want, 0)
	}
	f.Observe(10)
	within(t, "a step later", f.Forecast(1), 20, 0)
	within(t, "where nobody knows", f.Forecast(2), 10, 0)
	m, _ := forecast.Find("PerfectForesight")
	if _, err := m.Fit([]float64{1}, forecast.Options{}); err == nil || !m.Oracle {
		t.Error("an oracle without a future is accepted, or is no oracle")
	}
	blind := o
	blind.Future = nil
	for _, m := range forecast.Methods() {
		if m.Oracle {
			continue
		}
		v := series(3*day, shop, 0.1, 3)
		told, untold := fit(t, m.Name, v, o), fit(t, m.Name, v, blind)
		if told.Forecast(1) != untold.Forecast(1) || told.Quantile(1, 0.9) != untold.Quantile(1, 0.9) {
			t.Errorf("%s looks at the future", m.Name)
		}
	}
}

// TestGaps cuts holes, one across the seam of the first season, and expects
// nearly the forecast of the whole series.
func TestGaps(t *testing.T) {
	v := series(4*day, wave, 0, 1)
	for _, hole := range [][2]int{{0, 5}, {day - 3, day + 4}, {2*day + 10, 2*day + 30}, {4*day - 2, 4 * day}} {
		for i := hole[0]; i < hole[1]; i++ {
			v[i] = math.NaN()
		}
	}
	m := fit(t, auto, v, forecast.Options{Season: day})
	for h := 1; h <= day; h++ {
		within(t, "forecast after gaps", m.Forecast(h), wave(4*day+h-1), 60)
	}
}

func TestNeverNegative(t *testing.T) {
	v := series(30, func(i int) float64 { return 300 - 10*float64(i) }, 0, 1)
	for _, method := range []string{auto, "Naive", "SeasonalNaive", "HoltWintersAdditive"} {
		m := fit(t, method, v, forecast.Options{Horizon: 1, Season: 10})
		if f, q := m.Forecast(50), m.Quantile(50, 0.01); f < 0 || q < 0 {
			t.Errorf("%s: forecast %g, p1 %g", method, f, q)
		}
	}
}

// TestQuantilesDoNotCross, whatever the series; they are never below zero, nor
// beyond reason after a fall to nearly nothing.
func TestQuantilesDoNotCross(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(0, 1000), rapid.SampledFrom([]float64{0, math.NaN(), 1e-6})), 30, 80).Draw(rt, "values")
		values[0] = 5
		m := rapid.SampledFrom(forecast.Methods()).Filter(func(m forecast.Method) bool { return !m.Oracle }).Draw(rt, "method")
		f, err := m.Fit(values, forecast.Options{Season: 8, Horizon: 3})
		if err != nil {
			rt.Fatal(err)
		}
		for h := 1; h <= 5; h++ {
			last := 0.0
			for _, q := range []float64{0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999} {
				y := f.Quantile(h, q)
				if !(y >= last) || math.IsInf(y, 0) {
					rt.Fatalf("%s, %d ahead: the quantile %g is %g after %g", m.Name, h, q, y, last)
				}
				last = y
			}
		}
	})
}

// TestObserveAfterFit expects the same from history fitted at once and from
// values that came later, at equal parameters.
func TestObserveAfterFit(t *testing.T) {
	v := series(6*day, shop, 0.05, 4)
	o := forecast.Options{Season: day, Horizon: 3}
	for _, method := range []string{auto, "HoltWintersDamped", "SeasonalNaive"} {
		m := fit(t, method, v[:5*day], o)
		before := m.Forecast(2)
		m.Observe(v[5*day])
		again := fit(t, method, v[:5*day], o)
		if again.Forecast(2) != before {
			t.Errorf("%s: two fits of the same series differ", method)
		}
		if m.Forecast(1) == before && method != "SeasonalNaive" {
			t.Errorf("%s: a new value changed nothing", method)
		}
		missing := fit(t, method, v[:5*day], o)
		missing.Observe(math.NaN())
		within(t, method+" through a gap", missing.Forecast(1), before, 1e-6*before)
	}
	whole, step := fit(t, "SeasonalNaive", v, o), fit(t, "SeasonalNaive", v[:5*day], o)
	for _, y := range v[5*day:] {
		step.Observe(y)
	}
	within(t, "p90 either way", step.Quantile(2, 0.9), whole.Quantile(2, 0.9), 1e-9)
}

func BenchmarkFit(b *testing.B) {
	v := make([]float64, 7*288)
	stream := rng.New(1).Stream("noise")
	for i := range v {
		v[i] = 1000 + 600*math.Sin(2*math.Pi*float64(i)/288) + 20*stream.Norm()
	}
	for _, m := range forecast.Methods() {
		if m.Oracle {
			continue
		}
		b.Run(m.Name, func(b *testing.B) {
			for b.Loop() {
				if _, err := m.Fit(v, forecast.Options{Season: 288, Horizon: 2}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
