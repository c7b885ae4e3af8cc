package stats_test

import (
	"math"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

func meanOf(xs []float64) func([]int) float64 {
	return func(index []int) float64 {
		sum := 0.0
		for _, i := range index {
			sum += xs[i]
		}
		return sum / float64(len(index))
	}
}

// The law school data of Efron and Tibshirani (1993), table 3.1: the correlation
// of LSAT and GPA of 15 schools is 0.776, and their table 14.? gives the BCa
// interval of 95 % as about 0.43 to 0.93.
func TestBootstrapOfACorrelation(t *testing.T) {
	lsat := []float64{576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594}
	gpa := []float64{3.39, 3.30, 2.81, 3.03, 3.44, 3.07, 3.00, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96}
	correlation := func(index []int) float64 {
		mx, my := meanOf(lsat)(index), meanOf(gpa)(index)
		var xy, xx, yy float64
		for _, i := range index {
			dx, dy := lsat[i]-mx, gpa[i]-my
			xy, xx, yy = xy+dx*dy, xx+dx*dx, yy+dy*dy
		}
		return xy / math.Sqrt(xx*yy)
	}
	got, err := stats.Bootstrap(15, correlation, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "correlation", got.Mean, 0.776, 0.001)
	near(t, "low", got.Low, 0.43, 0.12)
	near(t, "high", got.High, 0.93, 0.03)
}

// For symmetric data BCa is the percentile interval, which for a mean is close
// to the normal one.
func TestBootstrapOfAMean(t *testing.T) {
	xs := make([]float64, 40)
	for i := range xs {
		xs[i] = float64(i) - 19.5
	}
	got, err := stats.Bootstrap(len(xs), meanOf(xs), 0.95)
	if err != nil {
		t.Fatal(err)
	}
	h := 1.96 * math.Sqrt((40.0*40-1)/12/40) // the plug-in variance, with n in the denominator
	near(t, "low", got.Low, -h, 0.15)
	near(t, "high", got.High, h, 0.15)
	again, _ := stats.Bootstrap(len(xs), meanOf(xs), 0.95)
	if again.Low != got.Low || again.High != got.High {
		t.Errorf("the second time it is %+v, not %+v", again, got)
	}
}

func TestBootstrapDegenerate(t *testing.T) {
	if got, err := stats.Bootstrap(3, meanOf([]float64{2, 2, 2}), 0.95); err != nil || got.Low != 2 || got.High != 2 {
		t.Errorf("equal values: %+v, %v", got, err)
	}
	if got, err := stats.Bootstrap(1, meanOf([]float64{7}), 0.95); err != nil || got.Low != 7 || len(got.Warnings) != 1 {
		t.Errorf("one value: %+v, %v", got, err)
	}
	for name, f := range map[string]func() error{
		"nothing":      func() error { _, err := stats.Bootstrap(0, meanOf(nil), 0.95); return err },
		"confidence 1": func() error { _, err := stats.Bootstrap(2, meanOf([]float64{1, 2}), 1); return err },
		"NaN": func() error {
			_, err := stats.Bootstrap(2, func([]int) float64 { return math.NaN() }, 0.95)
			return err
		},
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Ten normal values: a 95 % interval covers the mean about 90 times in 100, as
// the comment of Bootstrap says.
func TestBootstrapCoverage(t *testing.T) {
	const experiments = 300
	noise := rng.New(4).Stream("test", "bootstrap")
	covered := 0
	for range experiments {
		xs := make([]float64, 10)
		for i := range xs {
			xs[i] = noise.Norm()
		}
		got, err := stats.Bootstrap(len(xs), meanOf(xs), 0.95)
		if err != nil {
			t.Fatal(err)
		}
		if got.Low <= 0 && 0 <= got.High {
			covered++
		}
	}
	t.Logf("of %d intervals %d cover the mean", experiments, covered)
	near(t, "coverage", float64(covered)/experiments, 0.9, 0.055)
}
