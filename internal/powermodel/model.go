package powermodel

import (
	"math"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

// BusyWatts is P_busy(batch): the draw in W of a GPU that runs batches of this
// size back to back. It is piecewise linear in log2(batch) through the
// catalogue's points and clipped at CapWatts. The grade is the worst of the
// bracketing points.
//
// Outside the published batches the curve is flat, and the grade is B at best:
// nothing was measured there. A batch below 1 counts as 1.
func (g GPU) BusyWatts(batch int) (float64, grade.Grade) {
	batch = max(batch, 1)
	first, last := g.Busy[0], g.Busy[len(g.Busy)-1]
	if batch < first.Batch {
		return g.clip(first.Watts.Value), grade.Worse(first.Watts.Grade, grade.B)
	}
	if batch > last.Batch {
		return g.clip(last.Watts.Value), grade.Worse(last.Watts.Grade, grade.B)
	}
	i := 0
	for g.Busy[i].Batch < batch {
		i++
	}
	hi := g.Busy[i]
	if hi.Batch == batch {
		return g.clip(hi.Watts.Value), hi.Watts.Grade
	}
	lo := g.Busy[i-1]
	t := math.Log2(float64(batch)/float64(lo.Batch)) / math.Log2(float64(hi.Batch)/float64(lo.Batch))
	w := float64(t*(hi.Watts.Value-lo.Watts.Value)) + lo.Watts.Value
	return g.clip(w), grade.Worse(lo.Watts.Grade, hi.Watts.Grade)
}

func (g GPU) clip(watts float64) float64 { return min(watts, g.CapWatts) }
