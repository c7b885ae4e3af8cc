package report

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestDownsampleByHand(t *testing.T) {
	nan := math.NaN()
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8}
	gotX, got := downsample(x, [][]float64{{5, 9, 1, 2, 3, 3, nan, 4}, {1, 2, 3, 4, nan, nan, nan, nan}}, 4)
	if want := []float64{1, 4, 5, 8}; !slices.Equal(gotX, want) {
		t.Errorf("grid %v, want %v", gotX, want)
	}
	if want := []float64{9, 1, 3, 4}; !slices.Equal(got[0], want) {
		t.Errorf("values %v, want %v: the largest of the first half came before its smallest", got[0], want)
	}
	if !slices.Equal(got[1][:2], []float64{1, 4}) || !math.IsNaN(got[1][2]) || !math.IsNaN(got[1][3]) {
		t.Errorf("values %v, want 1, 4 and a gap", got[1])
	}
}

func TestDownsampleProperties(t *testing.T) {
	value := rapid.OneOf(rapid.Float64Range(-1e6, 1e6), rapid.Just(math.NaN()))
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 400).Draw(t, "points")
		limit := rapid.IntRange(2, 300).Draw(t, "limit")
		x := make([]float64, n)
		for i := range x {
			x[i] = float64(i) * 60
		}
		column := rapid.SliceOfN(value, n, n).Draw(t, "values")
		gotX, columns := downsample(x, [][]float64{column, x}, limit)
		got := columns[0]
		if len(gotX) > limit || len(got) != len(gotX) || len(columns[1]) != len(gotX) {
			t.Fatalf("%d points and %d values, limit %d", len(gotX), len(got), limit)
		}
		if n <= limit && len(got) != n {
			t.Fatalf("%d of %d points left, though %d were allowed", len(got), n, limit)
		}
		if !slices.IsSorted(gotX) || len(slices.Compact(slices.Clone(gotX))) != len(gotX) {
			t.Fatalf("the grid does not rise: %v", gotX)
		}
		if !sameNumber(largestOf(column), largestOf(got)) || !sameNumber(-largestOf(negated(column)), -largestOf(negated(got))) {
			t.Fatalf("an extreme was lost: %v became %v", column, got)
		}
	})
}

func sameNumber(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// largestOf is NaN when there is no number.
func largestOf(values []float64) float64 {
	largest := math.NaN()
	for _, v := range values {
		if math.IsNaN(largest) || v > largest {
			largest = v
		}
	}
	return largest
}

func negated(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = -v
	}
	return out
}

// A pile's top is the sum of its layers, thinned or not, and no layer sinks
// below the next.
func TestThinnedPilesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "points")
		limit := rapid.IntRange(1, 30).Draw(t, "limit")
		x, whole := make([]float64, n), make([]float64, n)
		layers := [][]float64{make([]float64, n), make([]float64, n), make([]float64, n)}
		for i := range n {
			x[i] = float64(i)
			for _, l := range layers {
				l[i] = rapid.Float64Range(0, 100).Draw(t, "height")
				whole[i] += l[i]
			}
		}
		grid, thin := thinMeans(x, layers, limit)
		_, want := thinMeans(x, [][]float64{whole}, limit)
		if len(grid) != min(n, limit) || grid[len(grid)-1] != x[n-1] {
			t.Fatalf("grid %v of %v", grid, x)
		}
		pile(thin)
		for i := range grid {
			if math.Abs(thin[0][i]-want[0][i]) > 1e-9*want[0][i] || thin[0][i] < thin[1][i] || thin[1][i] < thin[2][i] {
				t.Fatalf("at %v: layers end at %v, %v and %v, the whole is %v", grid[i], thin[0][i], thin[1][i], thin[2][i], want[0][i])
			}
		}
	})
}
