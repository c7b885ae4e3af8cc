package stats_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/stats"
)

func mean(t testing.TB, xs ...float64) *stats.Quotient {
	t.Helper()
	q, err := stats.NewMean(xs)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestQuotientByHand(t *testing.T) {
	for _, c := range []struct {
		name         string
		q            *stats.Quotient
		limit        float64
		above, below float64
	}{
		// Of the sets of {-1, 2, 3} only {}, {-1} have a sum of at most 0.
		{"-1, 2, 3 against 0", mean(t, -1, 2, 3), 0, 2.0 / 8, 7.0 / 8},
		{"the same, moved with its limit", mean(t, 9, 12, 13), 10, 2.0 / 8, 7.0 / 8},
		{"all on one side", mean(t, 1, 1, 1, 1, 1), 0, 1.0 / 32, 1},
		{"on the limit", mean(t, 0.1, 0.1, 0.1), 0.1, 1, 1},
		{"one", mean(t, 5), 0, 1.0 / 2, 1},
	} {
		above, below := c.q.Test(c.limit)
		if above != c.above || below != c.below {
			t.Errorf("%s: above %v, below %v, want %v, %v", c.name, above, below, c.above, c.below)
		}
	}
	// Sets of {1, 2, 9}: quotients 1, 1.5, 2, 4, 5, 5.5, 9. At 2/8 one of eight may lie beyond a bound.
	low, high := mean(t, 1, 2, 9).Bounds(2.0 / 8)
	near(t, "low", low, 1.5, 1e-8)
	near(t, "high", high, 5.5, 1e-8)
	if low, high := mean(t, 1, 2, 9).Bounds(0.1); !math.IsInf(low, -1) || !math.IsInf(high, 1) {
		t.Errorf("three seeds have a bound at 0.1: %v, %v", low, high)
	}
}

func TestQuotientOfNothing(t *testing.T) {
	if _, err := stats.NewMean(nil); !errors.Is(err, stats.ErrEmpty) {
		t.Errorf("no values: %v", err)
	}
	for name, c := range map[string][2][]float64{
		"NaN":             {{math.NaN()}, {1}},
		"infinite weight": {{1}, {math.Inf(1)}},
		"negative weight": {{1, 2}, {1, -1}},
		"no pairs":        {{1, 2}, {1}},
	} {
		if _, err := stats.NewQuotient(c[0], c[1]); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	q, err := stats.NewQuotient([]float64{0, 0, 0, 0, 0}, []float64{0, 0, 0, 0, 0})
	if err != nil {
		t.Fatal(err)
	}
	if above, below := q.Test(0.02); above != 1 || below != 1 || !math.IsNaN(q.Value()) {
		t.Errorf("0/0: above %v, below %v, value %v", above, below, q.Value())
	}
	if low, high := q.Bounds(0.05); !math.IsInf(low, -1) || !math.IsInf(high, 1) {
		t.Errorf("0/0 has bounds %v, %v", low, high)
	}
}

// naiveTest counts the sets in integers: the slow twin.
func naiveTest(x, w []int, limit int) (above, below float64) {
	atMost, atLeast := 0, 0
	for mask := range 1 << len(x) {
		sum := 0
		for i := range x {
			if mask>>i&1 == 1 {
				sum += x[i] - limit*w[i]
			}
		}
		if sum <= 0 {
			atMost++
		}
		if sum >= 0 {
			atLeast++
		}
	}
	all := float64(int(1) << len(x))
	return float64(atMost) / all, float64(atLeast) / all
}

// floats scales integers by a factor without a short binary form, which makes
// exact ties differ by rounding.
func floats(ints []int, by float64) []float64 {
	out := make([]float64, len(ints))
	for i, x := range ints {
		out[i] = float64(x) * by
	}
	return out
}

func TestQuotientAgainstIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.IntRange(-20, 20), 1, 9).Draw(t, "x")
		w := rapid.SliceOfN(rapid.IntRange(0, 4), len(x), len(x)).Draw(t, "w")
		limit := rapid.IntRange(-5, 5).Draw(t, "limit")
		q, err := stats.NewQuotient(floats(x, 0.1), floats(w, 0.1))
		if err != nil {
			t.Fatal(err)
		}
		above, below := q.Test(float64(limit))
		if a, b := naiveTest(x, w, limit); above != a || below != b {
			t.Fatalf("above %v, below %v, want %v, %v", above, below, a, b)
		}
	})
}

// A bound is where the test changes its mind.
func TestBoundsAgreeWithTheTest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Float64Range(-1, 1), 5, 10).Draw(t, "x")
		w := rapid.SliceOfN(rapid.Float64Range(0.5, 2), len(x), len(x)).Draw(t, "w")
		alpha := rapid.SampledFrom([]float64{0.05, 0.1, 0.25}).Draw(t, "alpha")
		q, err := stats.NewQuotient(x, w)
		if err != nil {
			t.Fatal(err)
		}
		low, high := q.Bounds(alpha)
		if v := q.Value(); !(low <= v && v <= high) {
			t.Fatalf("%v lies outside [%v, %v]", v, low, high)
		}
		const step = 1e-7
		if _, below := q.Test(high + step); below > alpha {
			t.Fatalf("just beyond the upper bound %v: p %v > %v", high, below, alpha)
		}
		if _, below := q.Test(high - step); below <= alpha {
			t.Fatalf("just within the upper bound %v: p %v <= %v", high, below, alpha)
		}
		if above, _ := q.Test(low - step); above > alpha {
			t.Fatalf("just beyond the lower bound %v: p %v > %v", low, above, alpha)
		}
		if above, _ := q.Test(low + step); above <= alpha {
			t.Fatalf("just within the lower bound %v: p %v <= %v", low, above, alpha)
		}
	})
}

// Beyond ExactLimit a sample of the sets decides. Of residuals of ±1 the sum over
// a random set, less half the whole sum, is that of random signs: binomial.
func TestSampledSetsAgreeWithSampledSigns(t *testing.T) {
	d := make([]float64, 36)
	for i := range d {
		d[i] = 1
		if i < 12 {
			d[i] = -1
		}
	}
	q := mean(t, d...)
	above, below := q.Test(0)
	tail := 0.0 // P(at most 12 of 36 coins)
	for k := range 13 {
		tail += math.Exp(lchoose(36, k) - 36*math.Ln2)
	}
	if tolerance := 5 * math.Sqrt(tail/stats.MonteCarloFlips); math.Abs(above-tail) > tolerance || below < 0.95 {
		t.Errorf("above %v, below %v; want %v ± %v", above, below, tail, tolerance)
	}
	low, high := q.Bounds(0.05)
	if a, _ := q.Test(low - 1e-9); a > 0.05 {
		t.Errorf("p below the lower bound %v is %v", low, a)
	}
	if low >= q.Value() || high <= q.Value() {
		t.Errorf("bounds %v, %v around %v", low, high, q.Value())
	}
}
