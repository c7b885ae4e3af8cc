package stats

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// ErrEmpty is returned when there are no observations.
var ErrEmpty = errors.New("no observations")

// Interval is a mean with its two-sided confidence interval, in the unit of
// the observations.
type Interval struct {
	Mean, Low, High float64
	N               int
	Warnings        []Warning
}

// Mean returns the arithmetic mean, NaN when xs is empty. It sums the
// differences to the first value, so equal values have exactly their own mean.
func Mean(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, x := range xs {
		sum += x - xs[0]
	}
	return xs[0] + sum/float64(len(xs))
}

// StdDev returns the sample standard deviation (n−1 in the denominator), NaN
// for fewer than two observations.
func StdDev(xs []float64) float64 {
	if len(xs) < 2 {
		return math.NaN()
	}
	m, sum := Mean(xs), 0.0
	for _, x := range xs {
		sum += float64((x - m) * (x - m))
	}
	return math.Sqrt(sum / float64(len(xs)-1))
}

// TInterval returns the mean of xs with Student's interval
// mean ± t(n−1, (1+confidence)/2) · s/√n. One observation has no interval:
// Low and High are the mean and a warning says so.
func TInterval(xs []float64, confidence float64) (Interval, error) {
	if err := checkSample(xs, confidence); err != nil {
		return Interval{}, err
	}
	return intervalAround(Mean(xs), StdDev(xs), len(xs), confidence), nil
}

func checkSample(xs []float64, confidence float64) error {
	if len(xs) == 0 {
		return ErrEmpty
	}
	if !(confidence > 0 && confidence < 1) {
		return fmt.Errorf("confidence %v is not between 0 and 1", confidence)
	}
	return finite(xs)
}

func intervalAround(mean, sd float64, n int, confidence float64) Interval {
	if n < 2 {
		return Interval{Mean: mean, Low: mean, High: mean, N: n, Warnings: []Warning{{NoInterval, n, 2}}}
	}
	h := tQuantile(n-1, (1+confidence)/2) * sd / math.Sqrt(float64(n))
	return Interval{Mean: mean, Low: mean - h, High: mean + h, N: n}
}

// tQuantile is the p-quantile of Student's t with nu degrees of freedom.
func tQuantile(nu int, p float64) float64 {
	return distuv.StudentsT{Sigma: 1, Nu: float64(nu)}.Quantile(p)
}

// GeoMean returns the geometric mean exp(mean(ln x)), for ratios. All values
// must be positive.
func GeoMean(xs []float64) (float64, error) {
	if len(xs) == 0 {
		return 0, ErrEmpty
	}
	if err := finite(xs); err != nil {
		return 0, err
	}
	logs := make([]float64, len(xs))
	for i, x := range xs {
		if x <= 0 {
			return 0, fmt.Errorf("geometric mean: observation %d is %v: want a positive number", i+1, x)
		}
		logs[i] = math.Log(x)
	}
	return math.Exp(Mean(logs)), nil
}
