package forecast_test

import (
	"errors"
	"math"
	"testing"

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

func fit(t *testing.T, history []float64, o forecast.Options) *forecast.Model {
	t.Helper()
	m, err := forecast.Fit(history, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func within(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %g, want %g ± %g", what, got, want, tol)
	}
}

func TestPureSeasonIsReproduced(t *testing.T) {
	m := fit(t, series(3*day, wave, 0, 1), forecast.Options{Season: day, Horizon: 4})
	if !m.Kind().Seasonal() {
		t.Fatalf("model is %s", m.Kind())
	}
	for h := 1; h <= 2*day; h++ {
		within(t, "forecast", m.Forecast(h), wave(3*day+h-1), 1)
		within(t, "p95", m.Quantile(h, 0.95), wave(3*day+h-1), 1)
	}
}

func TestSeasonIsChosenByError(t *testing.T) {
	add := fit(t, series(5*day, func(i int) float64 { return wave(i) + 10*float64(i) }, 0.01, 2), forecast.Options{Season: day})
	if add.Kind() != forecast.AdditiveSeason {
		t.Errorf("a constant swing on a trend is taken as %s", add.Kind())
	}
	mul := fit(t, series(5*day, shop, 0.01, 2), forecast.Options{Season: day})
	if mul.Kind() != forecast.MultiplicativeSeason {
		t.Errorf("a swing that grows with the level is taken as %s", mul.Kind())
	}
	zeros := series(5*day, shop, 0, 2)
	zeros[7] = 0
	if k := fit(t, zeros, forecast.Options{Season: day}).Kind(); k != forecast.AdditiveSeason {
		t.Errorf("a series that touches zero is taken as %s", k)
	}
}

func TestStages(t *testing.T) {
	ramp := func(i int) float64 { return 100 + 5*float64(i) }
	for _, c := range []struct {
		n    int
		want forecast.Kind
	}{
		{1, forecast.Naive}, {9, forecast.Naive}, {10, forecast.DampedTrend},
		{2*day - 1, forecast.DampedTrend}, {2 * day, forecast.AdditiveSeason},
	} {
		m := fit(t, series(c.n, ramp, 0, 1), forecast.Options{Season: day, Horizon: 2})
		if m.Kind() != c.want {
			t.Errorf("%d values: %s, want %s", c.n, m.Kind(), c.want)
		}
	}
	naive := fit(t, []float64{3, 7}, forecast.Options{Season: day})
	within(t, "naive forecast", naive.Forecast(5), 7, 0)
	trend := fit(t, series(40, ramp, 0, 1), forecast.Options{Season: day})
	within(t, "trend forecast", trend.Forecast(1), ramp(40), 1)
}

func TestErrors(t *testing.T) {
	nan := math.NaN()
	if _, err := forecast.Fit([]float64{nan, nan}, forecast.Options{}); !errors.Is(err, forecast.ErrNoData) {
		t.Errorf("all missing: %v", err)
	}
	if _, err := forecast.Fit([]float64{1, math.Inf(1)}, forecast.Options{}); err == nil {
		t.Error("an infinite value is accepted")
	}
	if _, err := forecast.Backtest([]float64{1, 2}, forecast.BacktestOptions{Train: 2, Horizon: 1, Quantile: 0.9}); err == nil {
		t.Error("a backtest without anything to forecast is accepted")
	}
	if _, err := forecast.Backtest([]float64{1, 2, 3}, forecast.BacktestOptions{Train: 1, Quantile: 1}); err == nil {
		t.Error("the quantile 1 is accepted")
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
	m := fit(t, v, forecast.Options{Season: day})
	for h := 1; h <= day; h++ {
		within(t, "forecast after gaps", m.Forecast(h), wave(4*day+h-1), 60)
	}
}

func TestNeverNegative(t *testing.T) {
	m := fit(t, series(30, func(i int) float64 { return 300 - 10*float64(i) }, 0, 1), forecast.Options{Horizon: 1})
	if f, q := m.Forecast(50), m.Quantile(50, 0.01); f < 0 || q < 0 {
		t.Errorf("forecast %g, p1 %g", f, q)
	}
}

// TestObserveAfterFit expects the same from history fitted at once and from
// values that came later, at equal parameters.
func TestObserveAfterFit(t *testing.T) {
	v := series(6*day, shop, 0.05, 4)
	m := fit(t, v[:5*day], forecast.Options{Season: day, Horizon: 3})
	before := m.Forecast(2)
	m.Observe(v[5*day])
	again := fit(t, v[:5*day], forecast.Options{Season: day, Horizon: 3})
	if again.Forecast(2) != before || again.Params() != m.Params() {
		t.Error("two fits of the same series differ")
	}
	if m.Forecast(1) == before {
		t.Error("a new value changed nothing")
	}
	missing := fit(t, v[:5*day], forecast.Options{Season: day, Horizon: 3})
	missing.Observe(math.NaN())
	within(t, "forecast through a gap", missing.Forecast(1), before, 1e-6*before)
}

// TestCoverage measures on new values; over 20 days the sampling error of a
// coverage of 0.95 is about 0.007 (960 values), more for correlated errors.
func TestCoverage(t *testing.T) {
	for _, c := range []struct {
		name    string
		f       func(int) float64
		horizon int
		q       float64
	}{
		{"one step, p95", wave, 1, 0.95},
		{"four steps, p95", wave, 4, 0.95},
		{"one step, p80", wave, 1, 0.8},
		{"growing swing, p95", shop, 2, 0.95},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := series(26*day, c.f, 0.08, 5)
			s, err := forecast.Backtest(v, forecast.BacktestOptions{
				Season: day, Horizon: c.horizon, Train: 6 * day, Refit: 5 * day, Quantile: c.q,
			})
			if err != nil {
				t.Fatal(err)
			}
			if s.N != 20*day-c.horizon+1 {
				t.Errorf("%d forecasts", s.N)
			}
			within(t, "coverage", s.Coverage, c.q, 0.035)
			// The noise alone makes a mean absolute error of 0.08·√(2/π) = 6.4 %.
			if s.MAPE < 0.055 || s.MAPE > 0.085 || s.WAPE > 0.085 {
				t.Errorf("MAPE %.3f, WAPE %.3f", s.MAPE, s.WAPE)
			}
		})
	}
}

// TestSeasonBeatsNaive is what the season is for.
func TestSeasonBeatsNaive(t *testing.T) {
	v := series(8*day, wave, 0.03, 6)
	o := forecast.BacktestOptions{Season: day, Horizon: 6, Train: 4 * day, Quantile: 0.9}
	seasonal, err := forecast.Backtest(v, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Season = 0
	trend, err := forecast.Backtest(v, o)
	if err != nil {
		t.Fatal(err)
	}
	if seasonal.Kind == trend.Kind || seasonal.WAPE > trend.WAPE/2 {
		t.Errorf("WAPE %.4f with %s, %.4f with %s", seasonal.WAPE, seasonal.Kind, trend.WAPE, trend.Kind)
	}
}

func BenchmarkFit(b *testing.B) {
	v := make([]float64, 7*288)
	stream := rng.New(1).Stream("noise")
	for i := range v {
		v[i] = 1000 + 600*math.Sin(2*math.Pi*float64(i)/288) + 20*stream.Norm()
	}
	for b.Loop() {
		if _, err := forecast.Fit(v, forecast.Options{Season: 288, Horizon: 2}); err != nil {
			b.Fatal(err)
		}
	}
}
