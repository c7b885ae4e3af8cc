// Package stats compares policies on replications that are paired by seed:
// Student-t and BCa bootstrap intervals, paired differences, exact sign-flip
// tests of two sides and of one, Holm's correction, what so many seeds can
// show, and looks that add seeds without adding errors. Every input is checked:
// a NaN is an error, never a figure.
//
// Few replications are the normal case here (about ten), so what a test cannot
// show is stated as a [Warning] with the number of seeds that could.
package stats

import (
	"fmt"
	"math"
)

// Warning is a reason to trust a figure less, as data: the caller decides
// where and how to show it.
type Warning struct {
	Kind WarningKind
	Have int // observations or pairs at hand
	Need int // the number that would remove the warning
}

// WarningKind tells warnings apart.
type WarningKind uint8

// The kinds of warnings.
const (
	// NoInterval: fewer than two observations, so the interval is the mean.
	NoInterval WarningKind = iota
	// TooFewPairs: no outcome of the sign-flip test could be significant.
	TooFewPairs
)

// String says what is wrong and how many seeds mend it.
func (w Warning) String() string {
	switch w.Kind {
	case NoInterval:
		return fmt.Sprintf("too few seeds (%d) for a confidence interval: use at least %d", w.Have, w.Need)
	default:
		return fmt.Sprintf("too few seeds (%d) for any difference to be significant: use at least %d", w.Have, w.Need)
	}
}

// finite returns an error that names the first value that is NaN or infinite.
func finite(xs []float64) error {
	for i, x := range xs {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("observation %d of %d is %v: want a finite number", i+1, len(xs), x)
		}
	}
	return nil
}
