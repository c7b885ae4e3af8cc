package lstm

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// look shows v to a lens and returns the inputs of the last value.
func look(season int, v []float64) ([]float64, *lens) {
	l, x := newLens(season), make([]float64, inputs)
	for _, y := range v {
		l.look(y, false, x)
	}
	return x, l
}

// TestInputsHaveNoScale: twice the requests look the same.
func TestInputsHaveNoScale(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(0, 100), 1, 40).Draw(rt, "values")
		v[0]++ // all zeros have no scale
		factor := rapid.SampledFrom([]float64{0.001, 2, 1e5}).Draw(rt, "factor")
		scaled := slices.Clone(v)
		for i := range scaled {
			scaled[i] *= factor
		}
		a, _ := look(8, v)
		b, _ := look(8, scaled)
		for i := range a {
			if math.Abs(a[i]-b[i]) > 1e-9 {
				rt.Fatalf("input %d is %g, and %g times %g", i, a[i], b[i], factor)
			}
		}
	})
}

func TestInputsByHand(t *testing.T) {
	x, _ := look(3, []float64{10, 20, 30})
	mean := 20.0
	level := func(y float64) float64 { return math.Log1p(20 * y / mean) }
	within := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("%s is %g, want %g", what, got, want)
		}
	}
	within("the level", x[inLevel], level(30)-math.Log1p(20))
	within("the change", x[inChange], level(30)-level(20))
	within("a season not known", x[inSeason], 0)
	within("its outlook", x[inOutlook], 0)

	x, l := look(3, []float64{10, 20, 30, 40})
	mean = 30
	within("the season", x[inSeason], 1)
	within("against the season", x[inUnseasonal], level(40)-level(10))
	within("its next step", x[inOutlook], level(20)-level(10))
	within("and the one after", x[inOutlook+1], level(30)-level(10))
	within("and around", x[inOutlook+3], level(20)-level(10))
	if y, ok := l.lastSeason(2); !ok || y != 30 {
		t.Errorf("two steps ahead of the season before: %g, %t", y, ok)
	}
	within("back and forth", l.rate(l.level(37)), 37)

	l.look(5, true, x)
	within("a missing value", x[inMissing], 1)
	// After seasons without a request the mean does not fall to nothing.
	_, l = look(3, append(slices.Repeat([]float64{10}, 6), 0, 0, 0))
	within("the scale at night", l.scale, leastScale*60.0/9)
}
