package engine

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Power caps and SM clocks that a policy sets in the run. Boards of a pool are alike:
// those that come later are held down too. A limit counts for batches that start under
// it; the ones that run end as they were to, in time and in watts.

// LimitDelay is the time from a decision for a limit to boards that keep to it: an
// assumption. The driver's call takes milliseconds, and what carries it to each node
// is not modelled.
const LimitDelay = time.Second

// poolLimit is what a pool's boards are held down to: a level of PoolService.
type poolLimit struct{ asked, level int }

// askLimits takes what a scaler asks for, and lets it come into force.
func (w *world) askLimits(s *service, d policies.Decision) {
	s.limitsAsked = nil
	if d.Limits != nil {
		s.limitsAsked = make([]int, len(s.cfg.Pools))
		i := 0
		for pool := range s.cfg.Pools {
			if on := &s.cfg.Pools[pool]; on.Times != nil { // the pools of policies.Model
				s.limitsAsked[pool] = on.levelFor(d.Limits[i])
				i++
			}
		}
	}
	for pool := range w.limits {
		level := w.highestAsked(pool)
		if level == w.limits[pool].asked {
			continue
		}
		w.noteLimit(s, pool, w.limits[pool].asked, level, d.LimitReason)
		w.limits[pool].asked = level
		w.queue.At(w.queue.Now().Add(LimitDelay), vtime.PriorityCluster, func() { w.setLimit(pool, level) })
	}
}

// levelFor is the lowest limit of a kind that is not below the one asked for, or 0
// for the pool's own.
func (s *PoolService) levelFor(asked policies.Limit) int {
	for i, l := range s.Limits {
		if l.Kind == asked.Kind && l.Value >= asked.Value {
			return i + 1
		}
	}
	return 0
}

// highestAsked is the level that suits every service which can run on a pool. A cap
// for one and a clock for another leave the pool as it is: neither would be the
// other's.
func (w *world) highestAsked(pool int) int {
	level := 0
	for _, s := range w.services {
		on := &s.cfg.Pools[pool]
		switch {
		case on.Times == nil:
		case s.limitsAsked == nil || s.limitsAsked[pool] == 0:
			return 0
		case level > 0 && on.level(level).Kind != on.level(s.limitsAsked[pool]).Kind:
			return 0
		default:
			level = max(level, s.limitsAsked[pool])
		}
	}
	return level
}

// setLimit holds a pool's boards down from now on.
func (w *world) setLimit(pool, level int) {
	w.meter.accumulate()
	w.limits[pool].level = level
	for _, s := range w.services {
		for _, p := range w.cluster.Pods(s.index) {
			if r := w.replicas[p]; r != nil && p.Node.Pool == pool {
				r.Switch(w.queue.Now(), s.cfg.Pools[pool].level(level).Times, level)
			}
		}
	}
}

// noteLimit writes a change down when it is decided, LimitDelay before it holds: an
// entry for each kind that changes.
func (w *world) noteLimit(s *service, pool, from, to int, reason string) {
	gpu := w.cfg.Cluster.Pools[pool].Node.GPU
	on := &s.cfg.Pools[pool]
	change := func(kind policies.LimitKind, own float64) *decisions.Limit {
		value := func(level int) float64 {
			if l := on.level(level); l.Kind == kind {
				return l.Value
			}
			return own
		}
		if value(from) == value(to) {
			return nil
		}
		return &decisions.Limit{Pool: w.cfg.Cluster.Pools[pool].Name, From: value(from), To: value(to)}
	}
	if c := change(policies.PowerCap, gpu.CapWatts); c != nil {
		w.note(decisions.Entry{Service: s.cfg.Name, Kind: decisions.PowerCap, Reason: reason, Cap: c})
	}
	if c := change(policies.SMClock, gpu.Limit().ClockMHz); c != nil {
		w.note(decisions.Entry{Service: s.cfg.Name, Kind: decisions.SMClock, Reason: reason, Clock: c})
	}
}
