package powerfit

import (
	"math"

	"gonum.org/v1/gonum/optimize"
)

// logistic is b0 + L·σ(k·(log2 b − x0)): flat where the board waits for work,
// flat where it can take no more, as ML.ENERGY fits its own measurements
// (ml-energy/data, mlenergy_data/modeling/logistic.py).
type logistic struct{ b0, l, k, x0 float64 }

// At implements Curve.
func (c *logistic) At(batch float64) float64 {
	return c.b0 + float64(c.l*sigmoid(c.k*(math.Log2(batch)-c.x0)))
}

// Params implements Curve.
func (c *logistic) Params() []Param {
	return []Param{{"b0", "W", c.b0}, {"L", "W", c.l}, {"k", "per doubling", c.k}, {"x0", "log2 batch", c.x0}}
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// The box within which a logistic is looked for. Without it a curve through few
// points would rise by megawatts where there are none: k from a rise over forty
// doublings to a step, x0 at most a doubling outside the batches measured, and L
// at most thrice the rise that was measured.
const (
	leastK, mostK = 0.1, 10
	outside       = 1
	mostRise      = 3
)

// fitLogistic looks for k and x0 by Nelder and Mead's method; for each pair of
// them b0 and L are a linear least-squares problem (variable projection). It
// starts from a grid, or where warm is.
func fitLogistic(s []sample, _ float64, warm Curve) Curve {
	lo, hi := s[0].x-outside, s[len(s)-1].x+outside
	most := mostRise * rise(s)
	at := func(p []float64) *logistic {
		c := &logistic{k: min(max(math.Exp(p[0]), leastK), mostK), x0: min(max(p[1], lo), hi)}
		u := make([]float64, len(s))
		for i, q := range s {
			u[i] = sigmoid(c.k * (q.x - c.x0))
		}
		if c.b0, c.l = line(s, u); c.l > most {
			c.l = most
			c.b0 = level(s, func(i int) float64 { return c.l * u[i] })
		}
		return c
	}
	loss := func(p []float64) float64 {
		c := at(p)
		sum := 0.0
		for _, q := range s {
			e := q.y - c.At(q.batch)
			sum += float64(q.w * e * e)
		}
		return sum
	}
	start := startLogistic(s, loss)
	if c, ok := warm.(*logistic); ok {
		start = []float64{math.Log(c.k), c.x0}
	}
	settings := optimize.Settings{MajorIterations: 400, Converger: &optimize.FunctionConverge{Relative: 1e-7, Iterations: 12}}
	// The method's own failure to improve is no error: the start is a fit, too.
	r, err := optimize.Minimize(optimize.Problem{Func: loss}, start, &settings, &optimize.NelderMead{})
	if err != nil || r.F > loss(start) {
		return at(start)
	}
	return at(r.X)
}

// rise is how far the readings are apart.
func rise(s []sample) float64 {
	lo, hi := s[0].y, s[0].y
	for _, p := range s {
		lo, hi = min(lo, p.y), max(hi, p.y)
	}
	return hi - lo
}

// level is the weighted mean of what is left of the readings.
func level(s []sample, of func(i int) float64) float64 {
	var w, wy float64
	for i, p := range s {
		w += p.w
		wy += float64(p.w * (p.y - of(i)))
	}
	return wy / w
}

// startLogistic is the best point of a coarse grid.
func startLogistic(s []sample, loss func([]float64) float64) []float64 {
	var best []float64
	least := math.Inf(1)
	for _, k := range []float64{0.25, 0.5, 1, 2, 4} {
		for i := range 5 {
			t := float64(i) / 4
			p := []float64{math.Log(k), s[0].x + float64(t*(s[len(s)-1].x-s[0].x))}
			if f := loss(p); f < least || best == nil {
				best, least = p, f
			}
		}
	}
	return best
}
