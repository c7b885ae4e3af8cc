package backtest

import (
	"fmt"
	"math"

	"github.com/kwatt-sim/kwatt/internal/forecast"
)

// Levels are the quantiles that are forecast and scored.
var Levels = []float64{0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99}

// forecasts are one method's for the held-out values at one horizon.
type forecasts struct {
	steps     int         // ahead
	point     []float64   // by held-out value
	quantiles [][]float64 // by held-out value, by level
}

// roll forecasts every held-out value at each horizon (in steps, rising) from
// what was known that many steps before it. The method is fitted at the first
// origin and again every refit steps, to the latest eight seasons, as the
// forecast policy does; in between it observes. It returns the forecasts and what
// the forecaster called itself last.
func roll(s *Series, m forecast.Method, horizons []int, refit int) ([]forecasts, string, error) {
	furthest := horizons[len(horizons)-1]
	out := make([]forecasts, len(horizons))
	held := len(s.Values) - s.HeldFrom
	for i, h := range horizons {
		out[i] = forecasts{steps: h, point: make([]float64, held), quantiles: make([][]float64, held)}
	}
	var f forecast.Forecaster
	first := s.HeldFrom - furthest + 1 // values known at the first origin
	for known := first; known < len(s.Values); known++ {
		if f == nil || refit > 0 && (known-first)%refit == 0 {
			o := forecast.Options{Season: s.SeasonSteps(), Horizon: furthest}
			if m.Oracle {
				o.Future = s.future(known)
			}
			var err error
			if f, err = m.Fit(forecast.Recent(s.Values[:known:known], s.SeasonSteps()), o); err != nil {
				return nil, "", fmt.Errorf("%s at %v: %w", m.Name, s.At(known), err)
			}
		} else {
			f.Observe(s.Values[known-1])
		}
		for i, h := range horizons {
			at := known + h - 1 - s.HeldFrom
			if at < 0 || at >= held {
				continue
			}
			out[i].point[at] = f.Forecast(h)
			q := make([]float64, len(Levels))
			for k, level := range Levels {
				q[k] = f.Quantile(h, level)
			}
			out[i].quantiles[at] = q
		}
	}
	return out, f.String(), nil
}

// future tells an oracle what comes after the first known values.
func (s *Series) future(known int) forecast.Future {
	return func(step int) float64 {
		if known+step >= len(s.Values) {
			return math.NaN()
		}
		return s.Values[known+step]
	}
}
