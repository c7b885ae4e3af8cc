package stats

import (
	"fmt"
	"math"
)

// Look is one look at an experiment that adds seeds until it can tell.
type Look struct {
	Seeds int     // seeds at hand by then
	Share float64 // of the error rate that this look may spend
}

// Looks plans when an experiment of first seeds, and at most so many, is looked
// at: at numbers that grow evenly by a factor of at most two. Each look may spend
// the share of the error rate that its new seeds are of all,
//
//	Shareₖ = (nₖ − nₖ₋₁) / most
//
// which is the spending function α·t of Kim and DeMets (1987). The shares sum to
// 1, so whatever test is used at level α·Shareₖ, and however the looks depend on
// each other, the chance of a false verdict at any of them is at most α
// (Bonferroni). An exact boundary would spend a little less on the same verdicts,
// but rests on normal differences.
func Looks(first, most int) ([]Look, error) {
	if first < 1 || most < first {
		return nil, fmt.Errorf("looks from %d to %d seeds: want at least 1, and no fewer at the end", first, most)
	}
	steps := int(math.Ceil(math.Log2(float64(most)/float64(first)) - 1e-9))
	var looks []Look
	before := 0
	for k := 0; k <= steps; k++ {
		n := most
		if k < steps {
			n = int(math.Round(float64(first) * math.Pow(float64(most)/float64(first), float64(k)/float64(steps))))
		}
		looks = append(looks, Look{n, float64(n-before) / float64(most)})
		before = n
	}
	return looks, nil
}
