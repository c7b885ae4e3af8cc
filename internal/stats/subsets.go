package stats

import (
	"math"

	"github.com/kwatt-sim/kwatt/internal/rng"
)

// ExactLimit is the largest number of seeds for which the sign-flip tests count
// every sign vector; beyond it a sample of MonteCarloFlips decides.
const (
	ExactLimit      = 32
	MonteCarloFlips = 100_000
)

// monteCarloFlips is fewer in simulations of whole experiments.
var monteCarloFlips = MonteCarloFlips

// subsetSums is the distribution of Σ_S y over every set S of indices, the empty
// one among them. The sums are those of two halves of y, added: two sorted lists
// of 2^(n/2) sums stand for all 2ⁿ (Horowitz and Sahni 1974).
type subsetSums struct {
	low, high []float64 // sorted; or a sample, in any order, and {0}
	slack     float64   // sums that tie but for rounding; it can only raise p
}

// newSubsetSums wants values of about 1; see unitScale.
func newSubsetSums(y []float64) subsetSums {
	s := subsetSums{slack: 1e-12 * float64(len(y))}
	if len(y) > ExactLimit {
		s.low, s.high = sampledSums(y), []float64{0}
		return s
	}
	s.low, s.high = sortedSums(y[:len(y)/2]), sortedSums(y[len(y)/2:])
	return s
}

// sortedSums returns all subset sums of y in order: with each value those
// without it and those with it are merged.
func sortedSums(y []float64) []float64 {
	sums := []float64{0}
	for _, x := range y {
		with := make([]float64, len(sums))
		for i, s := range sums {
			with[i] = s + x
		}
		sums = merge(sums, with)
	}
	return sums
}

func merge(a, b []float64) []float64 {
	out := make([]float64, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0] <= b[0] {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// sampledSums returns the sums of the empty set and of random ones.
func sampledSums(y []float64) []float64 {
	coins := rng.New(0).Stream("stats", "sign-flip")
	sums := make([]float64, 1, 1+monteCarloFlips)
	for range monteCarloFlips {
		sum, bits := 0.0, uint64(0)
		for i, x := range y {
			if i%64 == 0 {
				bits = coins.Uint64()
			}
			if bits&1 != 0 {
				sum += x
			}
			bits >>= 1
		}
		sums = append(sums, sum)
	}
	return sums
}

// share is the share of sets whose sum lies between from and to, ties included.
func (s subsetSums) share(from, to float64) float64 {
	n := s.below(to+s.slack) - s.below(math.Nextafter(from-s.slack, math.Inf(-1)))
	return float64(n) / (float64(len(s.low)) * float64(len(s.high)))
}

// below counts the sets whose sum is at most x.
func (s subsetSums) below(x float64) int64 {
	n, j := int64(0), len(s.high)
	sampled := j == 1
	for _, a := range s.low {
		if sampled {
			j = 1
		}
		for j > 0 && a+s.high[j-1] > x {
			j--
		}
		n += int64(j)
	}
	return n
}
