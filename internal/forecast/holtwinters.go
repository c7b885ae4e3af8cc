package forecast

import (
	"math"
	"slices"
)

// fewestTrend is the number of values below which a trend is not estimated.
const fewestTrend = 10

// fitAuto chooses the smoothing by the length of history and by its errors.
func fitAuto(history []float64, o Options) (Forecaster, error) {
	if err := CheckHistory(history); err != nil {
		return nil, err
	}
	if !enough(history, o.Season) {
		return fitShort(history, o), nil
	}
	best, sse := search(form{additive, true}, history, o.Season)
	if allPositive(history) {
		if other, less := search(form{multiplicative, true}, history, o.Season); less < sse {
			best = other
		}
	}
	return track(&best, history, o, o.Season), nil
}

// fitForm returns the Fit of one form. Like the automatic choice it makes do
// with less until two seasons are known; a multiplicative season needs values
// above zero, and is additive where there are others.
func fitForm(f form) func([]float64, Options) (Forecaster, error) {
	return func(history []float64, o Options) (Forecaster, error) {
		if err := CheckHistory(history); err != nil {
			return nil, err
		}
		if !enough(history, o.Season) {
			return fitShort(history, o), nil
		}
		if f.season == multiplicative && !allPositive(history) {
			f := form{additive, f.damped}
			best, _ := search(f, history, o.Season)
			return track(&best, history, o, o.Season), nil
		}
		best, _ := search(f, history, o.Season)
		return track(&best, history, o, o.Season), nil
	}
}

// fitShort is what a history without two seasons is good for.
func fitShort(history []float64, o Options) Forecaster {
	if present(history) >= fewestTrend {
		best, _ := search(form{none, true}, history, 0)
		return track(&best, history, o, 2)
	}
	return track(&lastValue{math.NaN()}, history, o, 1)
}

// enough reports whether each of the first two seasons is at least half known
// and the history long enough for both.
func enough(history []float64, season int) bool {
	if season < 2 || len(history) < 2*season {
		return false
	}
	return 2*present(history[:season]) >= season && 2*present(history[season:2*season]) >= season
}

func allPositive(v []float64) bool {
	return !slices.ContainsFunc(v, func(y float64) bool { return y <= 0 }) // NaN is neither
}
