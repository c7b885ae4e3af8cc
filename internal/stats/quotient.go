package stats

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Quotient is R = Σxᵢ / Σwᵢ over paired or single replications: the mean of x
// when every wᵢ is 1, a relative change when xᵢ is the difference of a pair and
// wᵢ its base.
//
// Its tests and bounds are those of Fisher's randomisation test, one-sided. At
// the limit r the residuals yᵢ = xᵢ − r·wᵢ are as likely as their negatives, so
// each of the 2ⁿ sets S of seeds is as likely the one whose signs chance has
// turned. The share of sets with Σ_S y ≥ 0, the empty one among them, is the p
// value of "R is at least r". As r varies each set changes sides once, at its own
// quotient Σ_S x / Σ_S w, so a bound is one of the quotients of all sets (Hartigan
// 1969 calls them typical values).
//
// It assumes that residuals at the true R are symmetric, nothing else of their
// distribution.
type Quotient struct{ x, w []float64 }

// NewMean returns the quotient that is the mean of xs.
func NewMean(xs []float64) (*Quotient, error) {
	w := make([]float64, len(xs))
	for i := range w {
		w[i] = 1
	}
	return NewQuotient(xs, w)
}

// NewQuotient returns Σx / Σw. No weight may be negative.
func NewQuotient(x, w []float64) (*Quotient, error) {
	switch {
	case len(x) != len(w):
		return nil, fmt.Errorf("quotient of %d values over %d: want pairs", len(x), len(w))
	case len(x) == 0:
		return nil, ErrEmpty
	}
	if err := errors.Join(finite(x), finite(w)); err != nil {
		return nil, err
	}
	if slices.Min(w) < 0 {
		return nil, fmt.Errorf("quotient: the weight %v is negative", slices.Min(w))
	}
	return &Quotient{x, w}, nil
}

// N returns the number of replications.
func (q *Quotient) N() int { return len(q.x) }

// Value returns R: NaN or infinite when all weights are 0.
func (q *Quotient) Value() float64 { return Mean(q.x) / Mean(q.w) }

// Residuals returns yᵢ = xᵢ − limit·wᵢ, whose mean is above 0 when R is above
// the limit. One that is 0 but for rounding is 0.
func (q *Quotient) Residuals(limit float64) []float64 {
	y := make([]float64, len(q.x))
	for i := range y {
		at := float64(limit * q.w[i])
		if y[i] = q.x[i] - at; math.Abs(y[i]) <= 1e-12*math.Abs(at) {
			y[i] = 0
		}
	}
	return y
}

// Test returns the p values of the two one-sided sign-flip tests against limit:
// a small above says that R lies above it, a small below that it lies below.
// Neither is below 1/2ⁿ, and both are 1 when every residual is 0. For n >
// ExactLimit they are sampled, as SignFlip is.
func (q *Quotient) Test(limit float64) (above, below float64) {
	sums := newSubsetSums(unitScale(q.Residuals(limit)))
	return sums.share(math.Inf(-1), 0), sums.share(0, math.Inf(1))
}

// Bounds returns the two one-sided confidence bounds of R, each at level alpha:
// R is below low in at most the share alpha of experiments, and above high in at
// most as many. A bound is infinite where n is too small for one.
func (q *Quotient) Bounds(alpha float64) (low, high float64) {
	least, most := math.Inf(1), math.Inf(-1)
	for i, w := range q.w {
		if w > 0 {
			least, most = min(least, q.x[i]/w), max(most, q.x[i]/w)
		}
	}
	refutes := func(limit float64) (above, below bool) {
		a, b := q.Test(limit)
		return a <= alpha, b <= alpha
	}
	if least > most { // every weight is 0, and so is what no limit can be held against
		return math.Inf(-1), math.Inf(1)
	}
	// A limit beyond every quotient is refuted, or no limit is.
	largest := max(math.Abs(least), math.Abs(most))
	margin := 1e-6 * largest
	if largest == 0 {
		margin = 1e-12
	}
	low, high = math.Inf(-1), math.Inf(1)
	if above, _ := refutes(least - margin); above {
		low = bisect(least-margin, most, func(r float64) bool { above, _ := refutes(r); return above })
	}
	if _, below := refutes(most + margin); below {
		high = bisect(most+margin, least, func(r float64) bool { _, below := refutes(r); return below })
	}
	return zeroWithin(margin/1000, low), zeroWithin(margin/1000, high)
}

// zeroWithin is x, or 0 where x is nothing but the search's error.
func zeroWithin(error, x float64) float64 {
	if math.Abs(x) <= error {
		return 0
	}
	return x
}

// bisect returns where holds turns false on the way from a, where it is true, to
// b, to ten digits.
func bisect(a, b float64, holds func(float64) bool) float64 {
	tolerance := 1e-10 * max(math.Abs(a), math.Abs(b))
	for math.Abs(b-a) > tolerance {
		if mid := a + (b-a)/2; holds(mid) {
			a = mid
		} else {
			b = mid
		}
	}
	return b
}
