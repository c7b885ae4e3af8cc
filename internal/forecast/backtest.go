package forecast

import (
	"fmt"
	"math"
)

// BacktestOptions of a rolling-origin evaluation.
type BacktestOptions struct {
	Season   int
	Horizon  int     // steps ahead, at least 1
	Train    int     // values before the first origin
	Refit    int     // steps between two fits; 0 fits once
	Quantile float64 // whose coverage is measured
}

// Score is how well forecasts met what came.
type Score struct {
	N    int  // forecasts compared with a value
	Kind Kind // of the last fit
	// MAPE is the mean of |y-ŷ|/y over values above zero; WAPE the sum of
	// |y-ŷ| over the sum of y. Both are parts, not per cent.
	MAPE, WAPE float64
	// Coverage is the part of values at or below the forecast quantile; it
	// should be near Quantile.
	Coverage float64
}

// Backtest forecasts every value after Train from what was known Horizon
// steps before it.
func Backtest(series []float64, o BacktestOptions) (Score, error) {
	o.Horizon = max(o.Horizon, 1)
	if o.Train < 1 || o.Train+o.Horizon > len(series) {
		return Score{}, fmt.Errorf("backtest: %d values do not hold %d to train on and %d ahead", len(series), o.Train, o.Horizon)
	}
	if o.Quantile <= 0 || o.Quantile >= 1 {
		return Score{}, fmt.Errorf("backtest: quantile %g is not between 0 and 1", o.Quantile)
	}
	var t tally
	var m *Model
	for origin := o.Train; origin+o.Horizon <= len(series); origin++ {
		if m == nil || o.Refit > 0 && (origin-o.Train)%o.Refit == 0 {
			var err error
			if m, err = Fit(series[:origin], Options{Season: o.Season, Horizon: o.Horizon}); err != nil {
				return Score{}, fmt.Errorf("backtest at value %d: %w", origin, err)
			}
		} else {
			m.Observe(series[origin-1])
		}
		t.add(series[origin+o.Horizon-1], m.Forecast(o.Horizon), m.Quantile(o.Horizon, o.Quantile))
	}
	return t.score(m.Kind()), nil
}

// tally sums up a backtest.
type tally struct {
	n, positive, covered        int
	relative, absolute, arrived float64
}

func (t *tally) add(y, forecast, quantile float64) {
	if math.IsNaN(y) {
		return
	}
	t.n++
	miss := math.Abs(y - forecast)
	t.absolute += miss
	t.arrived += y
	if y > 0 {
		t.positive++
		t.relative += miss / y
	}
	if y <= quantile {
		t.covered++
	}
}

func (t *tally) score(k Kind) Score {
	return Score{
		N: t.n, Kind: k,
		MAPE:     t.relative / float64(t.positive),
		WAPE:     t.absolute / t.arrived,
		Coverage: float64(t.covered) / float64(t.n),
	}
}
