package backtest

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/kwatt-sim/kwatt/internal/forecast"
	"github.com/kwatt-sim/kwatt/internal/forecast/lstm"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// Options of a backtest.
type Options struct {
	Methods  []forecast.Method
	Baseline forecast.Method // that the others' skill is against
	Horizons []time.Duration // each rounded up to a whole step; rising
	Refit    time.Duration   // between two fits; 0 fits once
	// Weights are what the method LSTM uses: its days of training are held
	// against the held-out ones.
	Weights *lstm.Weights
}

// Result is a backtest on one trace.
type Result struct {
	Series   *Series
	Baseline string
	Steps    []int  // the horizons, in steps
	ScaledBy string // what MASE's scale is the error of
	Scale    float64
	Missing  int // held-out steps without a value
	// Estimated is the part of the held-out time whose rates the trace's source
	// estimates.
	Estimated float64
	Entries   []Entry
}

// Entry is a method on the trace.
type Entry struct {
	Method string
	Form   string // what the method calls itself when it has its way
	InUse  string // what it called itself at the end
	Oracle bool
	// Refused says why the method was not run: it would know the answers.
	Refused string
	Steps   []int       // horizons, in steps
	Scores  []Score     // by horizon
	Points  [][]float64 // point forecasts of the held-out values, by horizon
	Low     [][]float64 // their 0.1 quantiles
	High    [][]float64 // their 0.9 quantiles
}

// Horizon is the time that steps ahead are.
func (r *Result) Horizon(steps int) time.Duration { return time.Duration(steps) * r.Series.Step }

// Run backtests the methods on a series, one after the other.
func Run(ctx context.Context, s *Series, o Options) (*Result, error) {
	steps, err := s.Steps(o.Horizons)
	if err != nil {
		return nil, err
	}
	if len(steps) == 0 || len(o.Methods) == 0 || o.Baseline.Fit == nil {
		return nil, fmt.Errorf("trace %s: want at least one horizon, one model and a baseline", s.Trace.Name)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	held := s.Values[s.HeldFrom:]
	r := &Result{Series: s, Baseline: o.Baseline.Name, Steps: steps, Missing: missing(held), Estimated: s.estimated()}
	if r.Missing == len(held) {
		return nil, fmt.Errorf("trace %s: every held-out step is missing", s.Trace.Name)
	}
	r.Scale, r.ScaledBy = s.scale()
	// The baseline is run whether it is among the methods or not.
	baseline, err := r.entry(o.Baseline, o, steps)
	if err != nil {
		return nil, err
	}
	if baseline.Refused != "" {
		return nil, fmt.Errorf("trace %s: %s cannot be the baseline: %s", s.Trace.Name, baseline.Method, baseline.Refused)
	}
	for _, m := range o.Methods {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e := baseline
		if m.Name != o.Baseline.Name {
			if e, err = r.entry(m, o, steps); err != nil {
				return nil, err
			}
		}
		for i := range baseline.Scores {
			if e.Refused != "" {
				break
			}
			e.Scores[i].against(&baseline.Scores[i], steps[i])
		}
		r.Entries = append(r.Entries, e)
	}
	return r, nil
}

func (r *Result) entry(m forecast.Method, o Options, steps []int) (Entry, error) {
	s := r.Series
	e := Entry{Method: m.Name, Form: m.Form, Oracle: m.Oracle}
	if m.Name == "LSTM" && o.Weights != nil {
		m = o.Weights.Method()
		e.Form = m.Form
		if seen := o.Weights.Seen(s.Trace.Name, s.Trace.Source, s.HeldStart()); len(seen) > 0 {
			e.Refused = fmt.Sprintf("its weights were trained on %s up to %s, after the held-out days begin", seen[0].Trace, seen[0].To.Format("2006-01-02"))
			return e, nil
		}
	}
	all, name, err := roll(s, m, steps, int(o.Refit/s.Step))
	if err != nil {
		return e, fmt.Errorf("backtest %s: %w", s.Trace.Name, err)
	}
	e.InUse = name
	for _, f := range all {
		e.Scores = append(e.Scores, f.score(s.Values[s.HeldFrom:], r.Scale))
		e.Points = append(e.Points, f.point)
	}
	return e, nil
}

// scale is the mean absolute error that MASE (Hyndman and Koehler, 2006) is
// relative to: that of the seasonal naive forecast over the days before the
// held-out ones, or of the last value where they hold less than half a season
// of its forecasts.
func (s *Series) scale() (float64, string) {
	season := s.SeasonSteps()
	if e, n := meanStep(s.Values[:s.HeldFrom], season); 2*n >= season && e > 0 {
		return e, "seasonal naive"
	}
	if e, _ := meanStep(s.Values[:s.HeldFrom], 1); e > 0 {
		return e, "the last value, one step ahead"
	}
	return math.NaN(), "nothing: the days before do not change"
}

// meanStep is the mean |y_i - y_{i-lag}| and the number of pairs.
func meanStep(v []float64, lag int) (float64, int) {
	sum, n := 0.0, 0
	for i := lag; i < len(v); i++ {
		if d := math.Abs(v[i] - v[i-lag]); !math.IsNaN(d) {
			sum += d
			n++
		}
	}
	return sum / float64(max(n, 1)), n
}

// estimated is the part of the held-out bins that are estimated.
func (s *Series) estimated() float64 {
	first := s.HeldFrom * int(s.Step/s.Trace.Bin)
	n := 0
	for i := first; i < len(s.Trace.Rates); i++ {
		if s.Trace.KindAt(i) == workload.Estimated {
			n++
		}
	}
	return float64(n) / float64(len(s.Trace.Rates)-first)
}

func missing(v []float64) int {
	n := 0
	for _, y := range v {
		if math.IsNaN(y) {
			n++
		}
	}
	return n
}

// Best returns the index of the entry with the least mean pinball loss at the
// i-th horizon, oracles and refused ones aside; -1 when there is none.
func (r *Result) Best(i int) int {
	best := -1
	for k, e := range r.Entries {
		if !e.Oracle && e.Refused == "" && (best < 0 || e.Scores[i].MeanPinball < r.Entries[best].Scores[i].MeanPinball) {
			best = k
		}
	}
	return best
}
