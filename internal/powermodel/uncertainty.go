package powermodel

import (
	"math"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

// byGrade is the relative standard uncertainty of a figure by its grade. It is
// judgement, held to what can be measured: on one H100, at one batch, nine
// language models differ with a standard deviation of 9 % (docs/power-accuracy.md), and the
// context of one fleet's H100 reads 127-155 W, 6 %. So grade A, a published
// reading of this state under somebody else's load on somebody else's board, is
// 10 %. B adds the indirect way, C unknown circumstances, X a guess.
var byGrade = [grade.Count]float64{grade.A: 0.10, grade.B: 0.15, grade.C: 0.25, grade.X: 0.35}

// hostSpread is the relative standard uncertainty of a host's base watts
// whatever their grade: the reading is of one host, and hosts of one GPU model
// differ by a factor of up to five. The hosts that the sources name have a
// standard deviation of 0.6 in the logarithm; a test adds them up.
const hostSpread = 0.5

// GradeUncertainty is the relative standard uncertainty of a figure of which
// only the grade is known.
func GradeUncertainty(g grade.Grade) float64 { return byGrade[g] }

// Uncertainty is the relative standard uncertainty of the figure: one standard
// deviation over the value. 95 % of the cases lie within 1.96 of them, if they
// are normal.
func (p Point) Uncertainty() float64 {
	if p.Rel > 0 {
		return p.Rel
	}
	return byGrade[p.Grade]
}

// hostBase marks base watts as those of one host among many.
func hostBase(p Point) Point {
	p.Rel = hostSpread
	return p
}

// hostSlope states the spread over the runs that the figure is the mean of, or
// for a host that is assumed to be like another a half.
func hostSlope(p Point, rel float64) Point {
	p.Rel = rel
	return p
}

// EmbodiedUncertainty is the relative standard uncertainty of EmbodiedKg: the
// boards share one error, the host has its own.
func (n Node) EmbodiedUncertainty() float64 {
	if n.EmbodiedKg == 0 {
		return 0
	}
	count := float64(n.GPUs)
	boards := count * n.GPU.EmbodiedKg.Value * n.GPU.EmbodiedKg.Uncertainty()
	host := count * n.GPU.NodeEmbodiedKg.Value * n.GPU.NodeEmbodiedKg.Uncertainty()
	return math.Hypot(boards, host) / n.EmbodiedKg
}
