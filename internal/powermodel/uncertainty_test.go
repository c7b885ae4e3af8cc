package powermodel

import (
	"math"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

func TestUncertaintyGrowsWithTheGrade(t *testing.T) {
	for g := grade.A; g < grade.Last; g++ {
		if GradeUncertainty(g) >= GradeUncertainty(g+1) {
			t.Errorf("grade %v has %g, grade %v %g", g, GradeUncertainty(g), g+1, GradeUncertainty(g+1))
		}
	}
	if u := (Point{Value: 1, Grade: grade.C}).Uncertainty(); u != GradeUncertainty(grade.C) {
		t.Errorf("a figure of grade C has %g", u)
	}
	if u := (Point{Value: 1, Grade: grade.C, Rel: 0.01}).Uncertainty(); u != 0.01 {
		t.Errorf("a figure that states 0.01 has %g", u)
	}
}

// Boards share one error; the host's is its own.
func TestEmbodiedUncertaintyByHand(t *testing.T) {
	n := NewNode(mustLookup(t, "nvidia-a100-sxm4-80gb"), 8)
	want := math.Hypot(8*318*0.25, 1000*0.35) / (8*318 + 1000)
	if got := n.EmbodiedUncertainty(); math.Abs(got-want) > 1e-12 {
		t.Errorf("%g, by hand %g", got, want)
	}
}

// Between two points, and outside them, the curve is as uncertain as the worse.
func TestUncertaintyOfTheCurve(t *testing.T) {
	g := GPU{CapWatts: 500, Busy: []BusyPoint{
		{1, Point{Value: 100, Grade: grade.A, Rel: 0.02}}, {4, Point{Value: 200, Grade: grade.A, Rel: 0.2}},
	}}
	for batch, want := range map[int]float64{1: 0.02, 2: 0.2, 4: 0.2, 8: 0.2} {
		if got := g.At(batch).Rel; got != want {
			t.Errorf("batch %d: %g, want %g", batch, got, want)
		}
	}
	g.Busy = g.Busy[:1]
	if got, want := g.At(2).Rel, GradeUncertainty(grade.B); got != want {
		t.Errorf("outside of the curve: %g, want that of grade B, %g", got, want)
	}
}
