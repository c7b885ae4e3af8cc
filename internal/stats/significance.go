package stats

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
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

// signFlip: turning the signs of the set S changes the sum from T to T − 2Σ_S d.
func signFlip(d []float64) float64 {
	d = unitScale(d)
	sum := 0.0
	for _, x := range d {
		sum += x
	}
	sums := newSubsetSums(d)
	// The two sides overlap only where the sum is 0 and every set counts.
	return min(1, sums.share(math.Inf(-1), min(sum, 0))+sums.share(max(sum, 0), math.Inf(1)))
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
