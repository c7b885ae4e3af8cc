package lstm

import "math"

// adam is the optimiser of Kingma and Ba (2015) with the decoupled weight decay
// of Loshchilov and Hutter (2019).
type adam struct {
	mean, square []float64
	steps        int
}

const (
	beta1, beta2 = 0.9, 0.999
	epsilon      = 1e-8
	decay        = 1.0 // of weights, times the rate
	longest      = 1.0 // gradient; a longer one is cut to this norm
)

func newAdam(n int) *adam { return &adam{mean: make([]float64, n), square: make([]float64, n)} }

// step moves w against the gradient g.
func (a *adam) step(w, g []float64, rate float64) {
	a.steps++
	norm := math.Sqrt(dot(g, g))
	cut := 1.0
	if norm > longest {
		cut = longest / norm
	}
	c1, c2 := 1-math.Pow(beta1, float64(a.steps)), 1-math.Pow(beta2, float64(a.steps))
	for i, d := range g {
		d *= cut
		a.mean[i] = float64(beta1*a.mean[i]) + float64((1-beta1)*d)
		a.square[i] = float64(beta2*a.square[i]) + float64((1-beta2)*d*d)
		w[i] -= float64(rate * (a.mean[i]/c1/(math.Sqrt(a.square[i]/c2)+epsilon) + float64(decay*w[i])))
	}
}
