package stats

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/kwatt-sim/kwatt/internal/rng"
)

// ExactLimit is the largest number of pairs for which SignFlip visits every
// sign vector; beyond it a sample of MonteCarloFlips decides.
const (
	ExactLimit      = 20
	MonteCarloFlips = 100_000
)

// SignFlip returns the two-sided p value of Fisher's randomisation test for
// paired differences: under the null hypothesis each difference is as likely
// as its negative, so p is the share of the 2ⁿ sign vectors whose sum is at
// least as far from zero as the observed one. Ties count as "at least"; p is
// never below 2/2ⁿ.
//
// For n > ExactLimit it is estimated from MonteCarloFlips random sign vectors
// of a fixed stream as (1+hits)/(1+flips) (Phipson and Smyth 2010), which is
// a valid p value too and never below 1/100001; its standard error is below
// 0.0007 at p = 0.05.
func SignFlip(differences []float64) (float64, error) {
	if err := checkDifferences(differences); err != nil {
		return 0, fmt.Errorf("sign-flip test: %w", err)
	}
	return signFlip(differences), nil
}

func checkDifferences(d []float64) error {
	if len(d) == 0 {
		return ErrEmpty
	}
	return finite(d)
}

func signFlip(d []float64) float64 {
	d = unitScale(d)
	sum := 0.0
	for _, x := range d {
		sum += x
	}
	// Sign vectors that tie in exact arithmetic may differ by rounding; the
	// slack counts them as ties, which can only raise p.
	limit := math.Abs(sum) - 1e-12*float64(len(d))
	if len(d) > ExactLimit {
		return signFlipSampled(d, limit)
	}
	// Negating a whole vector keeps |sum|, so the first sign can stay fixed.
	hits := countFar(d[1:], d[0], limit)
	return float64(hits) / float64(int64(1)<<(len(d)-1))
}

// unitScale divides by the largest magnitude, so that no sum can overflow and
// rounding errors have a known size.
func unitScale(d []float64) []float64 {
	largest := 0.0
	for _, x := range d {
		largest = max(largest, math.Abs(x))
	}
	if largest == 0 {
		return d
	}
	scaled := make([]float64, len(d))
	for i, x := range d {
		scaled[i] = x / largest
	}
	return scaled
}

// countFar counts the sign vectors of d whose sum, added to the partial sum
// so far, lies at least limit from zero.
func countFar(d []float64, sum, limit float64) int64 {
	if len(d) == 0 {
		if math.Abs(sum) >= limit {
			return 1
		}
		return 0
	}
	return countFar(d[1:], sum+d[0], limit) + countFar(d[1:], sum-d[0], limit)
}

func signFlipSampled(d []float64, limit float64) float64 {
	signs := rng.New(0).Stream("stats", "sign-flip")
	hits := 0
	for range MonteCarloFlips {
		sum, bits := 0.0, uint64(0)
		for i, x := range d {
			if i%64 == 0 {
				bits = signs.Uint64()
			}
			if bits&1 == 0 {
				x = -x
			}
			sum += x
			bits >>= 1
		}
		if math.Abs(sum) >= limit {
			hits++
		}
	}
	return float64(1+hits) / float64(1+MonteCarloFlips)
}

// PairedT returns the two-sided p value of Student's paired t test, which
// assumes normal differences. Differences that are all equal give 0, or 1
// when they are all zero; a single one shows nothing and gives 1.
func PairedT(differences []float64) (float64, error) {
	if err := checkDifferences(differences); err != nil {
		return 0, fmt.Errorf("paired t test: %w", err)
	}
	return pairedT(differences), nil
}

func pairedT(d []float64) float64 {
	m, sd := Mean(d), StdDev(d)
	switch {
	case len(d) < 2 || m == 0:
		return 1
	case sd == 0:
		return 0
	}
	t := math.Abs(m) / (sd / math.Sqrt(float64(len(d))))
	// The tail by symmetry: 1 − CDF(t) would lose its digits for small p.
	return 2 * distuv.StudentsT{Sigma: 1, Nu: float64(len(d) - 1)}.CDF(-t)
}

// Holm returns the p values adjusted for being tested together, in the order
// given (Holm 1979): the i-th smallest of m is multiplied by m−i+1, made
// monotone and capped at 1. Rejecting where the result is at most α keeps the
// chance of any false rejection at or below α, whatever the dependence.
func Holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case ps[a] < ps[b]:
			return -1
		case ps[a] > ps[b]:
			return 1
		}
		return 0
	})
	adjusted := make([]float64, len(ps))
	worst := 0.0
	for rank, i := range order {
		worst = max(worst, min(1, float64(len(ps)-rank)*ps[i]))
		adjusted[i] = worst
	}
	return adjusted
}

// MinPairs returns the smallest number of pairs with which the sign-flip test
// can reach p ≤ alpha after Holm's correction over this many tests:
// the least n with tests · 2/2ⁿ ≤ alpha, for alpha between 0 and 1.
func MinPairs(alpha float64, tests int) int {
	n := 1
	for p := float64(max(tests, 1)); p > alpha && p > 0; p /= 2 {
		n++
	}
	return n
}

// CheckPairs returns a warning when n pairs are fewer than MinPairs, and
// false when they suffice.
func CheckPairs(n int, alpha float64, tests int) (Warning, bool) {
	need := MinPairs(alpha, tests)
	return Warning{TooFewPairs, n, need}, n < need
}
