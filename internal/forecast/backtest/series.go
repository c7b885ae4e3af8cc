// Package backtest measures forecasters on a trace: on its last days, which are
// held out, each value is forecast from what was known at the origin, a horizon
// before it, and the origin rolls on step by step.
package backtest

import (
	"fmt"
	"math"
	"time"

	"github.com/kwatt-sim/kwatt/internal/workload"
)

// Series is a trace in steps, cut into what may be learnt from and what is held out.
type Series struct {
	Trace    *workload.Trace
	Step     time.Duration
	Season   time.Duration
	Values   []float64 // req/s, mean over each step; NaN where missing
	HeldFrom int       // index of the first held-out step
}

// shortestStep is that of the forecast policy: finer bins are joined.
const shortestStep = 5 * time.Minute

// Cut is how a trace becomes a series. The zero value is the usual one.
type Cut struct {
	Step    time.Duration // 0: the trace's bin, or five minutes where that is finer
	Season  time.Duration // 0: a day
	HeldOut time.Duration // at the end; 0: two fifths of the whole days, at least one
}

// NewSeries cuts a trace.
func NewSeries(t *workload.Trace, c Cut) (*Series, error) {
	s := &Series{Trace: t, Step: c.Step, Season: c.Season}
	const day = 24 * time.Hour
	if s.Step == 0 {
		s.Step = t.Bin
		if t.Bin < shortestStep && shortestStep%t.Bin == 0 {
			s.Step = shortestStep
		}
	}
	if s.Season == 0 {
		s.Season = day
	}
	switch {
	case s.Step < t.Bin || s.Step%t.Bin != 0:
		return nil, fmt.Errorf("trace %s: a step of %v is not a whole number of its bins of %v: a finer series would be made up", t.Name, s.Step, t.Bin)
	case s.Season < s.Step || s.Season%s.Step != 0:
		return nil, fmt.Errorf("trace %s: a season of %v is not a whole number of steps of %v", t.Name, s.Season, s.Step)
	}
	s.Values = join(t.Rates, int(s.Step/t.Bin))
	held := c.HeldOut
	if held == 0 {
		held = max(2*(t.Duration()/day)/5, 1) * day
	}
	s.HeldFrom = len(s.Values) - int(held/s.Step)
	if held < s.Step || s.HeldFrom < 2 {
		return nil, fmt.Errorf("trace %s: %v held out of %v: want at least a step of %v, and two steps before it", t.Name, held, t.Duration(), s.Step)
	}
	return s, nil
}

// join returns the means of n values each; one of which more than half are
// missing is missing, and so is what the end leaves over.
func join(v []float64, n int) []float64 {
	out := make([]float64, len(v)/n)
	for i := range out {
		sum, known := 0.0, 0
		for _, y := range v[i*n : (i+1)*n] {
			if !math.IsNaN(y) {
				sum += y
				known++
			}
		}
		out[i] = math.NaN()
		if 2*known >= n {
			out[i] = sum / float64(known)
		}
	}
	return out
}

// SeasonSteps is the number of steps a season.
func (s *Series) SeasonSteps() int { return int(s.Season / s.Step) }

// At is the instant at which step i begins.
func (s *Series) At(i int) time.Time { return s.Trace.Start.Add(time.Duration(i) * s.Step) }

// HeldStart and HeldEnd bound the held-out part.
func (s *Series) HeldStart() time.Time { return s.At(s.HeldFrom) }

// HeldEnd is the end of the last step.
func (s *Series) HeldEnd() time.Time { return s.At(len(s.Values)) }

// Steps returns horizons in steps, each rounded up to a whole one, rising and
// without repetition.
func (s *Series) Steps(horizons []time.Duration) ([]int, error) {
	var out []int
	for _, h := range horizons {
		n := int((h + s.Step - 1) / s.Step)
		if h <= 0 || n > len(s.Values)-s.HeldFrom || n > s.HeldFrom-1 {
			return nil, fmt.Errorf("trace %s: a horizon of %v is not within the held-out %v", s.Trace.Name, h, s.HeldEnd().Sub(s.HeldStart()))
		}
		if len(out) == 0 || n > out[len(out)-1] {
			out = append(out, n)
		}
	}
	return out, nil
}
