package workload

import (
	"math"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// curveOf is a rate that changes every second.
func curveOf(rates ...float64) *Curve { return &Curve{Step: time.Second, Rates: rates} }

func arrivalsOf(t testing.TB, c *Curve, p Process, seed uint64) *Arrivals {
	t.Helper()
	a, err := NewArrivals(c, p, rng.New(seed).Stream("arrivals"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// all draws every arrival, with cuts of the time and of the buffer.
func all(a *Arrivals, end vtime.Time, buffer int, cuts ...vtime.Time) []int64 {
	var out []int64
	buf := make([]int64, buffer)
	for _, until := range append(cuts, end) {
		for {
			n := a.Fill(buf, until)
			out = append(out, buf[:n]...)
			if n < len(buf) {
				break
			}
		}
	}
	return out
}

var processes = []Process{{Name: "Poisson"}, {Name: "Gamma", CV: 2}, {Name: "Gamma", CV: 0.3}, {Name: "Deterministic"}}

func TestCutsDoNotChangeArrivals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := rapid.SliceOfN(rapid.SampledFrom([]float64{0, 0.5, 3, 200, 5000}), 1, 8).Draw(t, "rates")
		p := rapid.SampledFrom(processes).Draw(t, "process")
		end := vtime.At(time.Duration(len(rates)) * time.Second)
		cuts := rapid.SliceOfN(rapid.Int64Range(0, int64(end)), 0, 6).Draw(t, "cuts")
		slices.Sort(cuts)
		var at []vtime.Time
		for _, c := range cuts {
			at = append(at, vtime.Time(c))
		}
		draw := func(buffer int, cuts ...vtime.Time) []int64 {
			a, err := NewArrivals(curveOf(rates...), p, rng.New(1).Stream("arrivals"))
			if err != nil {
				t.Fatal(err)
			}
			return all(a, end, buffer, cuts...)
		}
		whole := draw(4096)
		if got := draw(rapid.IntRange(1, 9).Draw(t, "buffer"), at...); !slices.Equal(whole, got) {
			t.Fatalf("%v at rates %v: %d arrivals whole, %d when cut at %v", p, rates, len(whole), len(got), cuts)
		}
		if !slices.IsSorted(whole) {
			t.Fatal("arrivals are out of order")
		}
	})
}

// The counts per second have the process's mean and, for a renewal process of
// gaps with coefficient of variation cv, asymptotically cv² times that variance.
func TestProcessesHaveTheirMoments(t *testing.T) {
	const seconds, rate = 4000, 500.0
	rates := make([]float64, seconds)
	for i := range rates {
		rates[i] = rate
	}
	for _, c := range []struct {
		p          Process
		dispersion float64 // variance over mean of the counts
	}{{processes[0], 1}, {processes[1], 4}, {processes[2], 0.09}} {
		counts := make([]float64, seconds)
		for _, a := range all(arrivalsOf(t, curveOf(rates...), c.p, 1), vtime.At(seconds*time.Second), 1024) {
			counts[a/1e9]++
		}
		mean, variance := stat.MeanVariance(counts, nil)
		if se := math.Sqrt(c.dispersion * rate / seconds); math.Abs(mean-rate) > 4*se {
			t.Errorf("%v: %.2f requests a second, want %v ± %.2f", c.p, mean, rate, 4*se)
		}
		// The variance of a sample variance is about 2σ⁴/n.
		if got, tol := variance/rate, 4*c.dispersion*math.Sqrt(2.0/seconds)+0.01; math.Abs(got-c.dispersion) > tol {
			t.Errorf("%v: dispersion %.3f, want %.3f ± %.3f", c.p, got, c.dispersion, tol)
		}
	}
}

func TestPoissonGapsAreExponential(t *testing.T) {
	x := all(arrivalsOf(t, curveOf(slices.Repeat([]float64{1000}, 100)...), processes[0], 3), vtime.At(100*time.Second), 512)
	var gaps []float64
	for i := range x[1:] {
		gaps = append(gaps, float64(x[i+1]-x[i])/1e6)
	}
	slices.Sort(gaps)
	d, n := 0.0, float64(len(gaps))
	for i, g := range gaps {
		f := distuv.Exponential{Rate: 1}.CDF(g)
		d = max(d, f-float64(i)/n, float64(i+1)/n-f)
	}
	if limit := 1.95 / math.Sqrt(n); d > limit {
		t.Errorf("Kolmogorov–Smirnov distance %.5f over %v gaps, want below %.5f", d, n, limit)
	}
}

func TestDeterministicArrivalsByHand(t *testing.T) {
	// 2.5/s for a second, nothing for a second, 4/s: half a gap is left at 1 s
	// and takes 125 ms at 4/s. Rounding down to a ns may cost one.
	got := all(arrivalsOf(t, curveOf(2.5, 0, 4), Process{Name: "Deterministic"}, 1), vtime.At(3*time.Second), 8)
	want := []int64{0.4e9, 0.8e9, 2.125e9, 2.375e9, 2.625e9, 2.875e9}
	if !slices.EqualFunc(got, want, func(a, b int64) bool { return a == b || a == b-1 }) {
		t.Errorf("arrivals %v, want %v", got, want)
	}
}

func TestUnknownProcess(t *testing.T) {
	for _, p := range []Process{{Name: "Weibull"}, {Name: "Gamma"}} {
		if _, err := NewArrivals(curveOf(1), p, rng.New(1).Stream("a")); err == nil {
			t.Errorf("%+v was accepted", p)
		}
	}
}

func BenchmarkArrivals(b *testing.B) {
	for _, p := range processes[:2] {
		b.Run(p.Name, func(b *testing.B) {
			buf := make([]int64, 4096)
			a := arrivalsOf(b, curveOf(1e6), p, 1)
			n := 0
			for b.Loop() {
				k := a.Fill(buf, vtime.Forever)
				if k < len(buf) {
					a = arrivalsOf(b, curveOf(1e6), p, 1)
				}
				n += k
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/arrival")
		})
	}
}
