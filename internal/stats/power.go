package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Power is the chance of a verdict that SeedsToDecide and Detectable aim at.
const Power = 0.8

// MostSeeds is where SeedsToDecide stops looking.
const MostSeeds = 10_000

// FewestSeeds returns the least n with 1/2ⁿ ≤ alpha: fewer cannot reach a
// one-sided p of alpha, however alike they are.
func FewestSeeds(alpha float64) int { return MinPairs(2*alpha, 1) }

// Detectable returns the smallest distance from the limit that a one-sided
// sign-flip test at level alpha finds with the probability Power, when the
// residuals of n seeds are normal with standard deviation sd. It is the t test's,
//
//	(t(n−1, 1−alpha) + t(n−1, Power)) · sd/√n
//
// or, where the n seeds only just reach alpha and so must all lie on one side,
// the distance at which they do: Φ(distance/sd)ⁿ = Power. ok is false when n is too
// small for any verdict.
func Detectable(sd float64, n int, alpha float64) (distance float64, ok bool) {
	if n < max(FewestSeeds(alpha), 2) {
		return 0, false
	}
	distance = (tQuantile(n-1, 1-alpha) + tQuantile(n-1, Power)) * sd / math.Sqrt(float64(n))
	if math.Ldexp(alpha, n) < 2 {
		distance = max(distance, sd*distuv.UnitNormal.Quantile(math.Pow(Power, 1/float64(n))))
	}
	return distance, true
}

// SeedsToDecide returns the number of seeds with which a one-sided test at level
// alpha would decide with the probability Power, if residuals have this mean and
// standard deviation. It is an estimate: it takes what was observed for the
// truth. ok is false when MostSeeds would not do.
func SeedsToDecide(mean, sd, alpha float64) (n int, ok bool) {
	enough := func(n int) bool {
		d, ok := Detectable(sd, n, alpha)
		return ok && d <= math.Abs(mean)
	}
	low := max(FewestSeeds(alpha), 2) - 1
	if math.IsNaN(mean) || math.IsNaN(sd) || mean == 0 || low >= MostSeeds || !enough(MostSeeds) {
		return 0, false
	}
	high := MostSeeds
	for high-low > 1 { // low is too few, high is enough
		if mid := (low + high) / 2; enough(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high, true
}
