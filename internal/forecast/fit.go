package forecast

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"
)

// The range of φ: below 0.8 a trend is gone within a few steps, above 0.995 it
// hardly damps within a day of five-minute steps.
const phiLow, phiHigh = 0.8, 0.995

// search fits the parameters of kind and returns the state before the first
// value with them, and the sum of squared one-step errors. The start, α 0.3,
// β 0.1, γ 0.1, φ 0.95, is a usual guess.
func search(kind Kind, history []float64, season int) (state, float64) {
	initial := start(kind, history, season)
	burnIn := 2
	if kind.Seasonal() {
		burnIn = season
	}
	work := make([]float64, len(initial.season))
	cost := func(x []float64) float64 {
		s := initial
		s.season = work
		copy(work, initial.season)
		s.params = params(x)
		sum := 0.0
		for i, y := range history {
			if e := s.update(y); i >= burnIn && !math.IsNaN(e) {
				sum += float64(e * e)
			}
		}
		return sum
	}
	x0 := []float64{logit(0.3), logit(0.1), logit((0.95 - phiLow) / (phiHigh - phiLow))}
	if kind.Seasonal() {
		x0 = append(x0, logit(0.1))
	}
	x, sum := x0, cost(x0)
	settings := &optimize.Settings{MajorIterations: 200, Converger: &optimize.FunctionConverge{Absolute: 1e-9, Relative: 1e-5, Iterations: 15}}
	// Minimize reports a limit reached as an error beside a usable result; the
	// start is kept unless the result is better.
	if r, _ := optimize.Minimize(optimize.Problem{Func: cost}, slices.Clone(x0), settings, &optimize.NelderMead{}); r != nil && r.F < sum {
		x, sum = r.X, r.F
	}
	initial.params = params(x)
	return initial, sum
}

// params maps the simplex's free coordinates to α, β, φ and, if there, γ.
func params(x []float64) Params {
	p := Params{Alpha: logistic(x[0]), Beta: logistic(x[1]), Phi: phiLow + float64((phiHigh-phiLow)*logistic(x[2]))}
	if len(x) > 3 {
		p.Gamma = logistic(x[3])
	}
	return p
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
func logit(p float64) float64    { return math.Log(p / (1 - p)) }
