package rng

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

func TestStreamsAreFunctionsOfSeedAndName(t *testing.T) {
	a, b := New(7).Stream("arrivals", "ranker"), New(7).Stream("arrivals", "ranker")
	for range 100 {
		if a.Uint64() != b.Uint64() {
			t.Fatal("one name, two sequences")
		}
	}
	seen := map[uint64]bool{}
	for _, s := range []*Stream{
		New(7).Stream("ab", "c"), New(7).Stream("a", "bc"), New(8).Stream("ab", "c"), New(7).Stream("abc"), New(7).Stream(),
	} {
		v := s.Uint64()
		if seen[v] {
			t.Error("two names share a sequence")
		}
		seen[v] = true
	}
}

// Kolmogorov–Smirnov at n = 200,000: the 0.1 % critical value is 1.95/√n.
func TestDistributions(t *testing.T) {
	const n = 200_000
	for _, c := range []struct {
		name string
		draw func(*Stream) float64
		cdf  func(float64) float64
	}{
		{"exp", (*Stream).Exp, distuv.Exponential{Rate: 1}.CDF},
		{"norm", (*Stream).Norm, distuv.UnitNormal.CDF},
		{"uniform", (*Stream).Float64, func(x float64) float64 { return x }},
	} {
		s := New(1).Stream("ks", c.name)
		x := make([]float64, n)
		for i := range x {
			x[i] = c.draw(s)
		}
		if d := ks(x, c.cdf); d > 1.95/math.Sqrt(n) {
			t.Errorf("%s: Kolmogorov–Smirnov distance %.5f, want below %.5f", c.name, d, 1.95/math.Sqrt(n))
		}
	}
}

func TestFillExpEqualsExp(t *testing.T) {
	a, b := New(3).Stream("x"), New(3).Stream("x")
	bulk := make([]float64, 100_000) // long enough to reach the slow branches
	a.FillExp(bulk)
	for i, v := range bulk {
		if w := b.Exp(); v != w {
			t.Fatalf("value %d: bulk %v, single %v", i, v, w)
		}
	}
	if a.Uint64() != b.Uint64() {
		t.Error("the streams end in different states")
	}
}

func TestIntNIsUniform(t *testing.T) {
	const n, draws = 7, 700_000
	var counts [n]float64
	s := New(5).Stream("intn")
	for range draws {
		counts[s.IntN(n)]++
	}
	chi2 := 0.0
	for _, c := range counts {
		chi2 += (c - draws/n) * (c - draws/n) / (draws / n)
	}
	if limit := (distuv.ChiSquared{K: n - 1}).Quantile(0.999); chi2 > limit {
		t.Errorf("chi-square %.1f over %d cells, want below %.1f", chi2, n, limit)
	}
}

func BenchmarkFillExp(b *testing.B) {
	s := New(1).Stream("bench")
	buf := make([]float64, 512)
	for b.Loop() {
		s.FillExp(buf)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/512, "ns/draw")
}

// ks returns the Kolmogorov–Smirnov distance between a sample and a law.
func ks(x []float64, cdf func(float64) float64) float64 {
	slices.Sort(x)
	d, n := 0.0, float64(len(x))
	for i, v := range x {
		f := cdf(v)
		d = max(d, f-float64(i)/n, float64(i+1)/n-f)
	}
	return d
}
