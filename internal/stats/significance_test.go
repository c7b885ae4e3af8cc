package stats_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

func TestSignFlipByHand(t *testing.T) {
	ten := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for _, c := range []struct {
		name string
		d    []float64
		want float64
	}{
		{"one pair shows nothing", []float64{5}, 1},
		{"all of one sign", ten, 2.0 / 1024},
		{"all equal", []float64{0.1, 0.1, 0.1, 0.1, 0.1}, 2.0 / 32},
		{"all zero", []float64{0, 0, 0}, 1},
		{"1, 2, -3 sums to zero", []float64{1, 2, -3}, 1},
		// |sum| = 4: reached by ±(1+2+3)=6, ±(−1+2+3)=4 out of eight.
		{"-1, 2, 3", []float64{-1, 2, 3}, 4.0 / 8},
		{"huge values do not overflow", []float64{1e308, 1e308, 1e308}, 2.0 / 8},
	} {
		got, err := stats.SignFlip(c.d)
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.name, got, c.want, 0)
	}
}

// naiveSignFlip visits all 2ⁿ masks in integers: the slow twin.
func naiveSignFlip(d []int) float64 {
	observed := 0
	for _, x := range d {
		observed += x
	}
	hits := 0
	for mask := range 1 << len(d) {
		sum := 0
		for i, x := range d {
			if mask>>i&1 == 1 {
				x = -x
			}
			sum += x
		}
		if max(sum, -sum) >= max(observed, -observed) {
			hits++
		}
	}
	return float64(hits) / float64(int(1)<<len(d))
}

func TestSignFlipAgainstIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ints := rapid.SliceOfN(rapid.IntRange(-20, 20), 1, 10).Draw(t, "differences")
		// A factor without a short binary form makes exact ties differ by rounding.
		d := make([]float64, len(ints))
		for i, x := range ints {
			d[i] = float64(x) * 0.1
		}
		got, err := stats.SignFlip(d)
		if err != nil {
			t.Fatal(err)
		}
		if want := naiveSignFlip(ints); got != want {
			t.Fatalf("p = %v, want %v", got, want)
		}
	})
}

// Beyond ExactLimit the sampled p must agree with the exact one: the
// differences ±1 have a binomial sum, whose tail is known.
func TestSignFlipSampled(t *testing.T) {
	d := make([]float64, 36)
	for i := range d {
		d[i] = 1
		if i < 12 {
			d[i] = -1
		}
	}
	tail := 0.0 // P(at most 12 or at least 24 of 36)
	for k := 0; k <= 12; k++ {
		tail += 2 * math.Exp(lchoose(36, k)-36*math.Ln2)
	}
	got, err := stats.SignFlip(d)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "p", got, tail, 5*math.Sqrt(tail*(1-tail)/stats.MonteCarloFlips))

	for i := range d {
		d[i] = float64(i + 1)
	}
	got, _ = stats.SignFlip(d)
	if got < 1.0/(1+stats.MonteCarloFlips) || got > 1e-4 {
		t.Errorf("p of 36 equal signs = %v", got)
	}
}

func lchoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

func TestHolm(t *testing.T) {
	for _, c := range []struct{ in, want []float64 }{
		{nil, []float64{}},
		{[]float64{0.03}, []float64{0.03}},
		{[]float64{0.01, 0.04, 0.03, 0.005}, []float64{0.03, 0.06, 0.06, 0.02}}, // R: p.adjust(p, "holm")
		{[]float64{0.5, 0.6}, []float64{1, 1}},
	} {
		if d := cmp.Diff(c.want, stats.Holm(c.in), cmpopts.EquateApprox(1e-12, 0)); d != "" {
			t.Errorf("Holm(%v): %s", c.in, d)
		}
	}
}

func TestHolmProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ps := rapid.SliceOf(rapid.Float64Range(0, 1)).Draw(t, "p")
		got := stats.Holm(ps)
		for i := range ps {
			if got[i] < ps[i] || got[i] > min(1, ps[i]*float64(len(ps))) {
				t.Fatalf("adjusted p %v of %v lies outside [p, m·p]", got[i], ps[i])
			}
			for j := range ps {
				if ps[i] < ps[j] && got[i] > got[j] {
					t.Fatalf("order changed: %v, %v became %v, %v", ps[i], ps[j], got[i], got[j])
				}
			}
		}
	})
}

func TestMinPairs(t *testing.T) {
	for _, c := range []struct {
		alpha       float64
		tests, want int
	}{
		{0.05, 1, 6},  // 2/64 = 0.031
		{0.05, 5, 8},  // 5 · 2/256 = 0.039
		{0.05, 9, 9},  // 9 · 2/512 = 0.035
		{0.01, 1, 8},  // 2/256 = 0.0078
		{0.05, 10, 9}, // 10 · 2/512 = 0.039
		{0.0625, 1, 5},
	} {
		if got := stats.MinPairs(c.alpha, c.tests); got != c.want {
			t.Errorf("MinPairs(%v, %d) = %d, want %d", c.alpha, c.tests, got, c.want)
		}
	}
	if w, few := stats.CheckPairs(5, 0.05, 9); !few || w.Need != 9 {
		t.Errorf("5 seeds over 9 metrics: %v, %v", w, few)
	}
	if _, few := stats.CheckPairs(9, 0.05, 9); few {
		t.Error("9 seeds over 9 metrics are called too few")
	}
}

// Under the null hypothesis the sign-flip test rejects at most alpha of the
// time; with n = 8 its exact size at 0.05 is 12/256 = 0.0469. Of 2000
// experiments the count has standard deviation 9.5: 94 ± 4 of them.
func TestFalsePositives(t *testing.T) {
	const experiments, n, alpha = 2000, 8, 0.05
	noise := rng.New(1).Stream("test", "false-positives")
	rejected := 0
	for range experiments {
		d := make([]float64, n)
		for i := range d {
			d[i] = noise.Norm()
		}
		p, err := stats.SignFlip(d)
		if err != nil {
			t.Fatal(err)
		}
		if p <= alpha {
			rejected++
		}
	}
	if rejected < 94-38 || rejected > 94+38 {
		t.Errorf("%d of %d null experiments rejected at %v, want 94 ± 38", rejected, experiments, alpha)
	}
}
