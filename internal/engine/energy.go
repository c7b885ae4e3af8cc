package engine

import (
	"slices"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// energyMarks is the energy of each pool at the last mark.
type energyMarks struct {
	from   vtime.Time
	before []float64 // J by pool
}

func (w *world) markEnergy() { w.markEnergyAt(w.queue.Now()) }

// markEnergyAt writes down what each pool drew since the last mark.
func (w *world) markEnergyAt(now vtime.Time) {
	w.meter.accumulateTo(now)
	slot := results.EnergySlot{From: w.marks.from, Joules: slices.Clone(w.meter.byPool)}
	for i, j := range w.marks.before {
		slot.Joules[i] -= j
	}
	w.out.Energy = append(w.out.Energy, slot)
	w.marks = energyMarks{now, slices.Clone(w.meter.byPool)}
}
