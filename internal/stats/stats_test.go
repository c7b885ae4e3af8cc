package stats_test

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/stats"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %v, want %v ± %v", what, got, want, tolerance)
	}
}

// The quantiles are those of the t table that every textbook prints.
func TestTInterval(t *testing.T) {
	for _, c := range []struct {
		name            string
		xs              []float64
		mean, halfWidth float64
	}{
		{"two", []float64{1, 3}, 2, 12.7062047},            // t(1, .975) · √2/√2
		{"five", []float64{1, 2, 3, 4, 5}, 3, 1.963243161}, // 2.776445105 · √2.5/√5
		{"ten", []float64{0, 2, 0, 2, 0, 2, 0, 2, 0, 2}, 1, 2.262157163 / 3},
		{"all equal", []float64{0.1, 0.1, 0.1}, 0.1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := stats.TInterval(c.xs, 0.95)
			if err != nil {
				t.Fatal(err)
			}
			if got.N != len(c.xs) || got.Warnings != nil {
				t.Errorf("N = %d, warnings %v", got.N, got.Warnings)
			}
			near(t, "mean", got.Mean, c.mean, 0)
			near(t, "low", got.Low, c.mean-c.halfWidth, 1e-7)
			near(t, "high", got.High, c.mean+c.halfWidth, 1e-7)
		})
	}
}

func TestTIntervalOfOne(t *testing.T) {
	got, err := stats.TInterval([]float64{7}, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	want := stats.Interval{Mean: 7, Low: 7, High: 7, N: 1, Warnings: []stats.Warning{{Kind: stats.NoInterval, Have: 1, Need: 2}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestBadInputIsAnError(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	one := []float64{1, 2}
	for name, f := range map[string]func() error{
		"interval of nothing": func() error { _, err := stats.TInterval(nil, 0.95); return err },
		"interval of NaN":     func() error { _, err := stats.TInterval([]float64{1, nan}, 0.95); return err },
		"confidence 1":        func() error { _, err := stats.TInterval(one, 1); return err },
		"confidence NaN":      func() error { _, err := stats.TInterval(one, nan); return err },
		"unequal lengths":     func() error { _, err := stats.Compare(one, one[:1], 0.95); return err },
		"no pairs":            func() error { _, err := stats.Compare(nil, nil, 0.95); return err },
		"NaN in base":         func() error { _, err := stats.Compare([]float64{nan, 1}, one, 0.95); return err },
		"Inf in other":        func() error { _, err := stats.Compare(one, []float64{1, inf}, 0.95); return err },
		"overflow":            func() error { _, err := stats.Compare([]float64{-1e308, 1}, []float64{1e308, 1}, 0.95); return err },
		"sign flip of NaN":    func() error { _, err := stats.SignFlip([]float64{nan}); return err },
		"t of nothing":        func() error { _, err := stats.PairedT(nil); return err },
		"geomean of 0":        func() error { _, err := stats.GeoMean([]float64{1, 0}); return err },
		"geomean of nothing":  func() error { _, err := stats.GeoMean(nil); return err },
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Student's own example: the sleep data of 1908, extra hours under two drugs.
// The published result is t = 4.0621 with 9 degrees of freedom, p = 0.002833.
func TestCompareSleepData(t *testing.T) {
	base := []float64{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0}
	other := []float64{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4}
	got, err := stats.Compare(base, other, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "mean difference", got.Difference.Mean, 1.58, 1e-12)
	near(t, "low", got.Difference.Low, 0.7001142, 1e-7)
	near(t, "high", got.Difference.High, 2.4598858, 1e-7)
	near(t, "p of t", got.T, 0.00283289, 1e-8)
	near(t, "p of sign flip", got.SignFlip, 4.0/1024, 0) // no negative difference, one zero
	near(t, "ratio", got.Ratio.Mean, 1.58/0.75, 1e-12)
}

func TestCompareDegenerate(t *testing.T) {
	t.Run("same", func(t *testing.T) {
		xs := []float64{1, 2, 3}
		got, err := stats.Compare(xs, xs, 0.95)
		want := stats.Paired{Difference: stats.Interval{N: 3}, Ratio: stats.Interval{N: 3}, SignFlip: 1, T: 1}
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Error(err, d)
		}
	})
	t.Run("same ratio in every pair", func(t *testing.T) {
		got, err := stats.Compare([]float64{1, 2, 4}, []float64{0.5, 1, 2}, 0.95)
		want := stats.Interval{Mean: -0.5, Low: -0.5, High: -0.5, N: 3}
		if d := cmp.Diff(want, got.Ratio); d != "" || err != nil {
			t.Error(err, d)
		}
	})
	t.Run("zero base", func(t *testing.T) {
		got, err := stats.Compare([]float64{0, 0}, []float64{1, 3}, 0.95)
		if !errors.Is(err, stats.ErrZeroBase) || got.Difference.Mean != 2 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("one pair", func(t *testing.T) {
		got, err := stats.Compare([]float64{2}, []float64{3}, 0.95)
		if err != nil || got.SignFlip != 1 || got.T != 1 || got.Ratio.Mean != 0.5 || len(got.Difference.Warnings) != 1 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestGeoMean(t *testing.T) {
	got, err := stats.GeoMean([]float64{1, 2, 4, 8})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "geometric mean", got, math.Sqrt(8), 1e-12)
}

func TestIntervalProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 2, 12).Draw(t, "xs")
		narrow, err := stats.TInterval(xs, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		wide, _ := stats.TInterval(xs, 0.99)
		if !(wide.Low <= narrow.Low && narrow.Low <= narrow.Mean && narrow.Mean <= narrow.High && narrow.High <= wide.High) {
			t.Fatalf("90 %% %+v is not inside 99 %% %+v", narrow, wide)
		}
	})
}
