package poweraccuracy

import "math"

// Errors sums up relative errors, predicted over measured less 1.
type Errors struct {
	N     int
	MAPE  float64 // mean of the magnitudes
	Bias  float64 // mean
	Worst float64 // the one furthest from 0
	sum   float64
}

// add counts one pair.
func (e *Errors) add(predicted, measured float64) {
	off := predicted/measured - 1
	e.N++
	n := float64(e.N)
	e.sum += off
	e.Bias = e.sum / n
	e.MAPE += (math.Abs(off) - e.MAPE) / n
	if math.Abs(off) > math.Abs(e.Worst) {
		e.Worst = off
	}
}

// merge counts all pairs of another.
func (e *Errors) merge(o Errors) {
	n := float64(e.N + o.N)
	if n == 0 {
		return
	}
	e.MAPE = (float64(e.MAPE*float64(e.N)) + float64(o.MAPE*float64(o.N))) / n
	e.N += o.N
	e.sum += o.sum
	e.Bias = e.sum / n
	if math.Abs(o.Worst) > math.Abs(e.Worst) {
		e.Worst = o.Worst
	}
}
