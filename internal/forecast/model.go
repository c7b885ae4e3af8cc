package forecast

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Options of a fit.
type Options struct {
	Season  int // values a season; below 2 there is none
	Horizon int // the furthest step ahead whose errors are kept, at least 1
}

// ErrNoData says that a series holds no value at all.
var ErrNoData = errors.New("the series holds no value")

// Model is a fitted forecaster. It is not safe for concurrent use.
type Model struct {
	state   state
	options Options
	// pending[h-1] are the forecasts h steps ahead that await their value,
	// oldest first; errors[h-1] what came of the earlier ones.
	pending [][]float64
	errors  []residuals
}

const (
	fewestTrend     = 10   // values below which a trend is not estimated
	fewestEmpirical = 20   // errors below which their law is taken as normal
	keptErrors      = 4096 // the latest that count
)

// Fit chooses a model by the length of history, oldest first, NaN where
// missing, fits its parameters and takes history in.
func Fit(history []float64, o Options) (*Model, error) {
	if i := slices.IndexFunc(history, func(y float64) bool { return math.IsInf(y, 0) }); i >= 0 {
		return nil, fmt.Errorf("fit forecast: value %d is infinite", i)
	}
	values := present(history)
	if values == 0 {
		return nil, fmt.Errorf("fit forecast: %w", ErrNoData)
	}
	o.Horizon = max(o.Horizon, 1)
	best, burnIn := choose(history, o.Season, values)
	m := &Model{state: best, options: o, pending: make([][]float64, o.Horizon), errors: make([]residuals, o.Horizon)}
	for i, y := range history {
		m.take(y, i >= burnIn)
	}
	return m, nil
}

// choose returns the fitted initial state and the length of the part of
// history that initialised it.
func choose(history []float64, season, values int) (state, int) {
	if enough(history, season) {
		additive, sse := search(AdditiveSeason, history, season)
		if allPositive(history) {
			if multiplicative, less := search(MultiplicativeSeason, history, season); less < sse {
				return multiplicative, season
			}
		}
		return additive, season
	}
	if values >= fewestTrend {
		s, _ := search(DampedTrend, history, season)
		return s, 2
	}
	return start(Naive, history, season), 1
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

// Kind returns the model in use.
func (m *Model) Kind() Kind { return m.state.kind }

// Params returns the fitted parameters.
func (m *Model) Params() Params { return m.state.params }

// Observe takes in the next value, NaN when it is missing.
func (m *Model) Observe(y float64) { m.take(y, true) }

// take takes y in; its errors count when scored.
func (m *Model) take(y float64, scored bool) {
	for h := range m.pending {
		if queue := m.pending[h]; len(queue) > h {
			if forecast := queue[0]; scored && !math.IsNaN(y) {
				m.errors[h].add(m.deviation(y, forecast))
			}
			m.pending[h] = append(queue[:0], queue[1:]...)
		}
	}
	m.state.update(y)
	for h := range m.pending {
		m.pending[h] = append(m.pending[h], m.state.ahead(h+1))
	}
}

// deviation of a value from its forecast: a factor for a multiplicative
// season, whose spread grows with the rate, a difference otherwise.
func (m *Model) deviation(y, forecast float64) float64 {
	if m.state.kind == MultiplicativeSeason {
		return y/max(forecast, 1e-9) - 1
	}
	return y - forecast
}

// Forecast returns the expected value h >= 1 steps ahead, never below 0.
func (m *Model) Forecast(h int) float64 { return max(0, m.state.ahead(max(h, 1))) }

// Quantile returns what the value h >= 1 steps ahead stays below with
// probability q, never below 0. Beyond Options.Horizon the errors at that
// horizon are used.
func (m *Model) Quantile(h int, q float64) float64 {
	point := m.state.ahead(max(h, 1))
	d := m.errors[min(max(h, 1), m.options.Horizon)-1].quantile(q)
	if m.state.kind == MultiplicativeSeason {
		return max(0, point*(1+d))
	}
	return max(0, point+d)
}

// residuals are the latest errors at one horizon, kept sorted beside their order.
type residuals struct {
	recent []float64 // in order of time, a ring once full
	oldest int
	sorted []float64
}

func (r *residuals) add(e float64) {
	if len(r.recent) < keptErrors {
		r.recent = append(r.recent, e)
	} else {
		i, _ := slices.BinarySearch(r.sorted, r.recent[r.oldest])
		r.sorted = slices.Delete(r.sorted, i, i+1)
		r.recent[r.oldest] = e
		r.oldest = (r.oldest + 1) % keptErrors
	}
	i, _ := slices.BinarySearch(r.sorted, e)
	r.sorted = slices.Insert(r.sorted, i, e)
}

func (r *residuals) quantile(q float64) float64 {
	n := len(r.sorted)
	if n == 0 {
		return 0
	}
	if n < fewestEmpirical {
		squares := 0.0
		for _, e := range r.recent {
			squares += float64(e * e)
		}
		return math.Sqrt(squares/float64(n)) * distuv.UnitNormal.Quantile(q)
	}
	rank := int(math.Ceil(float64(n+1) * q))
	return r.sorted[min(max(rank, 1), n)-1]
}
