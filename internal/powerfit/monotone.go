package powerfit

import (
	"fmt"
	"math"
	"sort"
)

// monotone is piecewise linear in log2 of the batch through its knots and flat
// outside them.
type monotone struct {
	batch, x, y []float64
}

// At implements Curve.
func (m *monotone) At(batch float64) float64 { return interpolate(m.x, m.y, math.Log2(batch)) }

// Params implements Curve: the watts at the knots.
func (m *monotone) Params() []Param {
	var out []Param
	for i, b := range m.batch {
		out = append(out, Param{fmt.Sprintf("P(%.4g)", b), "W", m.y[i]})
	}
	return out
}

// fitMonotone is the weighted isotonic regression on the batches measured.
func fitMonotone(s []sample, _ float64, _ Curve) Curve {
	m := &monotone{}
	var w []float64
	for _, p := range s {
		m.batch, m.x, m.y = append(m.batch, p.batch), append(m.x, p.x), append(m.y, p.y)
		w = append(w, p.w)
	}
	m.y = Isotonic(m.y, w)
	return m
}

// Isotonic is the least-squares fit of a sequence that never falls, by pooling
// adjacent violators (Barlow et al. 1972). Nil weights are equal weights.
func Isotonic(values, weights []float64) []float64 {
	type block struct {
		mean, weight float64
		n            int
	}
	var blocks []block
	for i, v := range values {
		w := 1.0
		if weights != nil {
			w = weights[i]
		}
		blocks = append(blocks, block{v, w, 1})
		for k := len(blocks); k > 1 && blocks[k-2].mean > blocks[k-1].mean; k = len(blocks) {
			a, b := blocks[k-2], blocks[k-1]
			total := a.weight + b.weight
			mean := (float64(a.mean*a.weight) + float64(b.mean*b.weight)) / total
			blocks = append(blocks[:k-2], block{mean, total, a.n + b.n})
		}
	}
	fitted := make([]float64, 0, len(values))
	for _, b := range blocks {
		for range b.n {
			fitted = append(fitted, b.mean)
		}
	}
	return fitted
}

// interpolate is linear between knots at ascending x, and flat outside.
func interpolate(x, y []float64, at float64) float64 {
	i := sort.SearchFloat64s(x, at)
	switch {
	case i == len(x):
		return y[i-1]
	case i == 0 || x[i] == at:
		return y[i]
	}
	t := (at - x[i-1]) / (x[i] - x[i-1])
	return y[i-1] + float64(t*(y[i]-y[i-1]))
}
