package engine

import (
	"slices"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// energyMarks is the energy of each pool at the last mark.
type energyMarks struct {
	from   vtime.Time
	joules []float64        // by pool
	sigma  [][kinds]float64 // J that the figures leave open
}

func (w *world) markEnergy() { w.markEnergyAt(w.queue.Now()) }

// markEnergyAt writes down what each pool drew since the last mark, and how far
// that may be off.
func (w *world) markEnergyAt(now vtime.Time) {
	w.meter.accumulateTo(now)
	before := w.marks
	if before.joules == nil {
		before.joules, before.sigma = make([]float64, len(w.meter.byPool)), make([][kinds]float64, len(w.meter.byPool))
	}
	marks := energyMarks{from: now, joules: slices.Clone(w.meter.byPool)}
	slot := results.EnergySlot{From: before.from}
	for i, pool := range w.cfg.Cluster.Pools {
		slot.Joules = append(slot.Joules, marks.joules[i]-before.joules[i])
		var sigma [kinds]float64
		by := map[string]float64{}
		for k, p := range w.meter.parts[i] {
			sigma[k] = p.sigma + p.followed
			if d := sigma[k] - before.sigma[i][k]; d != 0 {
				by[componentName(pool.Node.GPU.Name, kind(k))] = d
			}
		}
		slot.Sigma, marks.sigma = append(slot.Sigma, by), append(marks.sigma, sigma)
	}
	w.out.Energy = append(w.out.Energy, slot)
	w.marks = marks
}
