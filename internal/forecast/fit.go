package forecast

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"
)

// The range of φ: below 0.8 a trend is gone within a few steps, above 0.995 it
// hardly damps within a day of five-minute steps.
const phiLow, phiHigh = 0.8, 0.995

// search fits the parameters of f and returns the state before the first
// value with them, and the sum of squared one-step errors. It begins at α 0.3,
// β 0.1, γ 0.1, φ 0.95, a usual guess.
func search(f form, history []float64, season int) (state, float64) {
	initial := start(f, history, season)
	burnIn := 2
	if f.season != none {
		burnIn = season
	}
	work := make([]float64, len(initial.factor))
	cost := func(x []float64) float64 {
		s := initial
		s.factor = work
		copy(work, initial.factor)
		s.params = f.params(x)
		sum := 0.0
		for i, y := range history {
			if e := s.step(y); i >= burnIn && !math.IsNaN(e) {
				sum += float64(e * e)
			}
		}
		return sum
	}
	x0 := f.coordinates(params{0.3, 0.1, 0.1, 0.95})
	x, sum := x0, cost(x0)
	settings := &optimize.Settings{MajorIterations: 200, Converger: &optimize.FunctionConverge{Absolute: 1e-9, Relative: 1e-5, Iterations: 15}}
	// Minimize reports a limit reached as an error beside a usable result; the
	// start is kept unless the result is better.
	if r, _ := optimize.Minimize(optimize.Problem{Func: cost}, slices.Clone(x0), settings, &optimize.NelderMead{}); r != nil && r.F < sum {
		x, sum = r.X, r.F
	}
	initial.params = f.params(x)
	return initial, sum
}

// coordinates maps the parameters that f has to the simplex's free
// coordinates, params back.
func (f form) coordinates(p params) []float64 {
	x := []float64{logit(p.alpha), logit(p.beta)}
	if f.damped {
		x = append(x, logit((p.phi-phiLow)/(phiHigh-phiLow)))
	}
	if f.season != none {
		x = append(x, logit(p.gamma))
	}
	return x
}

func (f form) params(x []float64) params {
	p := params{alpha: logistic(x[0]), beta: logistic(x[1]), phi: 1}
	x = x[2:]
	if f.damped {
		p.phi = phiLow + float64((phiHigh-phiLow)*logistic(x[0]))
		x = x[1:]
	}
	if f.season != none {
		p.gamma = logistic(x[0])
	}
	return p
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
func logit(p float64) float64    { return math.Log(p / (1 - p)) }
