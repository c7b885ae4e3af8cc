package powermodel

import (
	"math"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

// BusyWatts is P_busy(batch): the draw in W of a GPU that runs batches of this
// size back to back, and its grade. See At.
func (g GPU) BusyWatts(batch int) (float64, grade.Grade) {
	p := g.At(batch)
	return p.Value, p.Grade
}

// At is P_busy(batch) as a figure, without a source. It is piecewise linear in
// log2(batch) through the catalogue's points and clipped at CapWatts. Grade and
// uncertainty are the worst of the bracketing points.
//
// Outside the published batches the curve is flat, and the grade is B at best:
// nothing was measured there. A batch below 1 counts as 1.
func (g GPU) At(batch int) Point {
	batch = max(batch, 1)
	first, last := g.Busy[0], g.Busy[len(g.Busy)-1]
	if batch < first.Batch {
		return g.outside(first.Watts)
	}
	if batch > last.Batch {
		return g.outside(last.Watts)
	}
	i := 0
	for g.Busy[i].Batch < batch {
		i++
	}
	hi := g.Busy[i]
	if hi.Batch == batch {
		return g.between(hi.Watts, hi.Watts, 1)
	}
	lo := g.Busy[i-1]
	return g.between(lo.Watts, hi.Watts, math.Log2(float64(batch)/float64(lo.Batch))/math.Log2(float64(hi.Batch)/float64(lo.Batch)))
}

// between is the point t of the way from one to another, clipped at the cap.
func (g GPU) between(a, b Point, t float64) Point {
	w := float64(t*(b.Value-a.Value)) + a.Value
	return Point{Value: min(w, g.CapWatts), Grade: grade.Worse(a.Grade, b.Grade), Rel: max(a.Uncertainty(), b.Uncertainty())}
}

// outside is an end of the curve where nothing was measured any more.
func (g GPU) outside(end Point) Point {
	p := g.between(end, end, 1)
	p.Grade = grade.Worse(p.Grade, grade.B)
	p.Rel = max(p.Rel, GradeUncertainty(p.Grade))
	return p
}
