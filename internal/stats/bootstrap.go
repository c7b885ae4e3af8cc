package stats

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/kwatt-sim/kwatt/internal/rng"
)

// Resamples of a bootstrap.
const Resamples = 10_000

// Bootstrap returns a statistic of n observations with its BCa interval: bias
// corrected and accelerated (Efron 1987), from Resamples resamples of a fixed
// stream. The statistic is given as a function of the indices to use, so that
// one draw serves several metrics of the same seeds.
//
// It needs no formula for the statistic's error and follows skew, but with ten
// observations it is too narrow: of 95 % intervals of a mean some 90 % cover it.
func Bootstrap(n int, statistic func(index []int) float64, confidence float64) (Interval, error) {
	if n == 0 {
		return Interval{}, ErrEmpty
	}
	if !(confidence > 0 && confidence < 1) {
		return Interval{}, fmt.Errorf("confidence %v is not between 0 and 1", confidence)
	}
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	value := statistic(index)
	if n == 1 {
		return intervalAround(value, 0, 1, confidence), nil
	}
	draws := make([]float64, Resamples)
	dice := rng.New(0).Stream("stats", "bootstrap")
	for b := range draws {
		for i := range index {
			index[i] = dice.IntN(n)
		}
		draws[b] = statistic(index)
	}
	if err := finite(append([]float64{value}, draws...)); err != nil {
		return Interval{}, fmt.Errorf("bootstrap: %w", err)
	}
	slices.Sort(draws)
	a, z0 := acceleration(n, statistic), bias(draws, value)
	quantile := func(p float64) float64 {
		z := z0 + distuv.UnitNormal.Quantile(p)
		return ordered(draws, distuv.UnitNormal.CDF(z0+z/(1-float64(a*z))))
	}
	return Interval{Mean: value, Low: quantile((1 - confidence) / 2), High: quantile((1 + confidence) / 2), N: n}, nil
}

// bias is z₀, the normal quantile of the share of draws below the value; ties
// count half, and the share stays off 0 and 1.
func bias(sorted []float64, value float64) float64 {
	below, _ := slices.BinarySearch(sorted, value)
	notAbove, _ := slices.BinarySearch(sorted, math.Nextafter(value, math.Inf(1)))
	share := float64(below+notAbove) / 2 / float64(len(sorted))
	edge := 1 / float64(len(sorted)+1)
	return distuv.UnitNormal.Quantile(min(max(share, edge), 1-edge))
}

// acceleration is a, from the statistic without each observation in turn; 0
// where those are all equal.
func acceleration(n int, statistic func([]int) float64) float64 {
	left := make([]float64, n)
	for out := range n {
		index := make([]int, 0, n-1)
		for i := range n {
			if i != out {
				index = append(index, i)
			}
		}
		left[out] = statistic(index)
	}
	m, squares, cubes := Mean(left), 0.0, 0.0
	for _, x := range left {
		d := m - x
		squares += float64(d * d)
		cubes += float64(float64(d*d) * d)
	}
	if squares == 0 || math.IsNaN(squares) {
		return 0
	}
	return cubes / (6 * math.Pow(squares, 1.5))
}

// ordered is the p-quantile of sorted values, linear between them.
func ordered(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := min(max(int(at), 0), len(sorted)-2)
	part := min(max(at-float64(i), 0), 1)
	return sorted[i] + float64(part*(sorted[i+1]-sorted[i]))
}
