package stats

import (
	"errors"
	"fmt"
	"math"
)

// ErrZeroBase is returned when the base's mean is zero, so that no ratio to it exists.
var ErrZeroBase = errors.New("the base's mean is zero: the difference has no ratio to it")

// Paired is the comparison of two policies on the same seeds.
type Paired struct {
	Difference Interval // other − base, in the metric's unit
	Ratio      Interval // Difference over the base's mean; see Compare
	SignFlip   float64  // p value of SignFlip
	T          float64  // p value of PairedT
}

// Compare pairs base[i] with other[i], the same seed under two policies.
//
// The ratio is R = mean(d)/mean(base) with d = other − base. Both means vary
// over seeds, so its interval linearises the quotient (Cochran, Sampling
// Techniques, 3rd ed., §6.4): R ± t · sd(d − R·base)/(√n·|mean(base)|).
// Where every seed shows the same relative change the interval is a point.
//
// Compare returns ErrZeroBase together with a result whose Ratio is zero and
// whose other fields hold.
func Compare(base, other []float64, confidence float64) (Paired, error) {
	if len(base) != len(other) {
		return Paired{}, fmt.Errorf("compare: %d observations against %d: want pairs", len(base), len(other))
	}
	if err := checkSample(base, confidence); err != nil {
		return Paired{}, fmt.Errorf("compare: base: %w", err)
	}
	if err := checkSample(other, confidence); err != nil {
		return Paired{}, fmt.Errorf("compare: other: %w", err)
	}
	d := make([]float64, len(base))
	for i := range d {
		d[i] = other[i] - base[i]
	}
	if err := finite(d); err != nil {
		return Paired{}, fmt.Errorf("compare: difference: %w", err)
	}
	p := Paired{
		Difference: intervalAround(Mean(d), StdDev(d), len(d), confidence),
		SignFlip:   signFlip(d),
		T:          pairedT(d),
	}
	b := Mean(base)
	if b == 0 {
		return p, ErrZeroBase
	}
	r := p.Difference.Mean / b
	residuals := make([]float64, len(d))
	for i := range d {
		residuals[i] = d[i] - float64(r*base[i])
	}
	p.Ratio = intervalAround(r, StdDev(residuals)/math.Abs(b), len(d), confidence)
	return p, nil
}
