package engine

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Power caps that a policy sets in the run. Boards of a pool are alike: those that
// come later are held down too. A cap counts for batches that start under it; the
// ones that run end as they were to, in time and in watts.

// CapDelay is the time from a decision for a power cap to boards that keep to it:
// an assumption. The driver's call takes milliseconds, and what carries it to each
// node is not modelled.
const CapDelay = time.Second

// poolCap is what a pool's boards are held down to: a level of PoolService.
type poolCap struct{ asked, level int }

// askCaps takes what a scaler asks for, and lets it come into force.
func (w *world) askCaps(s *service, d policies.Decision) {
	s.capsAsked = nil
	if d.PowerCaps != nil {
		s.capsAsked = make([]int, len(s.cfg.Pools))
		i := 0
		for pool := range s.cfg.Pools {
			if on := &s.cfg.Pools[pool]; on.Times != nil { // the pools of policies.Model
				s.capsAsked[pool] = on.levelFor(d.PowerCaps[i])
				i++
			}
		}
	}
	for pool := range w.caps {
		level := w.highestAsked(pool)
		if level == w.caps[pool].asked {
			continue
		}
		w.noteCap(s, pool, w.caps[pool].asked, level, d.CapReason)
		w.caps[pool].asked = level
		w.queue.At(w.queue.Now().Add(CapDelay), vtime.PriorityCluster, func() { w.setCap(pool, level) })
	}
}

// levelFor is the lowest cap that is not below watts, or 0 for the pool's own.
func (s *PoolService) levelFor(watts float64) int {
	if watts > 0 {
		for i, c := range s.Caps {
			if c.Watts >= watts {
				return i + 1
			}
		}
	}
	return 0
}

// highestAsked is the level that suits every service which can run on a pool.
func (w *world) highestAsked(pool int) int {
	level := -1
	for _, s := range w.services {
		switch {
		case s.cfg.Pools[pool].Times == nil:
		case s.capsAsked == nil || s.capsAsked[pool] == 0:
			return 0
		default:
			level = max(level, s.capsAsked[pool])
		}
	}
	return max(level, 0)
}

// setCap holds a pool's boards down from now on.
func (w *world) setCap(pool, level int) {
	w.meter.accumulate()
	w.caps[pool].level = level
	for _, s := range w.services {
		for _, p := range w.cluster.Pods(s.index) {
			if r := w.replicas[p]; r != nil && p.Node.Pool == pool {
				r.Switch(w.queue.Now(), s.cfg.Pools[pool].level(level).Times, level)
			}
		}
	}
}

// noteCap writes a change down when it is decided, CapDelay before it holds.
func (w *world) noteCap(s *service, pool, from, to int, reason string) {
	watts := func(level int) float64 {
		if level == 0 {
			return w.cfg.Cluster.Pools[pool].Node.GPU.CapWatts
		}
		return s.cfg.Pools[pool].Caps[level-1].Watts
	}
	w.note(decisions.Entry{
		Service: s.cfg.Name, Kind: decisions.PowerCap, Reason: reason,
		Cap: &decisions.Cap{Pool: w.cfg.Cluster.Pools[pool].Name, From: watts(from), To: watts(to)},
	})
}
