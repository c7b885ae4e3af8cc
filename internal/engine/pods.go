package engine

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// The world watches the cluster: it routes to pods that are ready, drains
// those that stop, and meters before anything changes what is drawn.

// PodReady implements cluster.Watcher.
func (w *world) PodReady(p *cluster.Pod) {
	w.meter.accumulate()
	s := w.services[p.Service]
	on, level := &s.cfg.Pools[p.Node.Pool], w.limits[p.Node.Pool].level
	w.replicas[p] = &replica{Replica: s.fleet.Add(on.Times, w.random.Stream("service", p.Name)), service: s}
	if level > 0 {
		w.replicas[p].Switch(w.queue.Now(), on.level(level).Times, level)
	}
	w.notePod(p, decisions.PodReady, coldStart(p), nil)
}

// PodDraining implements cluster.Watcher.
func (w *world) PodDraining(p *cluster.Pod) {
	w.meter.accumulate()
	w.notePod(p, decisions.PodDrain, p.Why, nil)
	r := w.replicas[p]
	r.service.fleet.Drain(r.Replica)
	var check func()
	check = func() {
		idle, notBefore := r.Idle(w.queue.Now())
		if !idle {
			w.queue.At(notBefore, vtime.PriorityCluster, check)
			return
		}
		w.cluster.Delete(p)
		r.service.fleet.Remove(r.Replica)
		delete(w.replicas, p)
	}
	w.queue.At(w.queue.Now(), vtime.PriorityPlacePod, check)
}

// PowerChanging implements cluster.Watcher.
func (w *world) PowerChanging() { w.meter.accumulate() }

// every runs do at each multiple of the interval within the scenario.
func (w *world) every(interval time.Duration, p vtime.Priority, do func()) {
	var tick func()
	tick = func() {
		do()
		w.queue.At(w.queue.Now().Add(interval), p, tick)
	}
	w.queue.At(vtime.At(interval), p, tick)
}
