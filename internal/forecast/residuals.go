package forecast

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	fewestEmpirical = 20   // errors below which their law is taken as normal
	keptErrors      = 4096 // the latest that count
)

// Residuals are the latest errors at one horizon. The zero value has none.
type Residuals struct {
	recent []float64 // in order of time, a ring once full
	oldest int
	sorted []float64
}

// Len returns how many errors count.
func (r *Residuals) Len() int { return len(r.sorted) }

// Add takes in an error; the oldest goes once there are 4096.
func (r *Residuals) Add(e float64) {
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

// Quantile returns the error that a new one stays below with probability q: the
// ⌈(n+1)q⌉-th smallest, a normal one while there are few, 0 without any.
func (r *Residuals) Quantile(q float64) float64 {
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
