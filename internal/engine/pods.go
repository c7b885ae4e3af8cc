package engine

import (
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// The world watches the cluster: it routes to pods that are ready, drains
// those that stop, and meters before anything changes what is drawn.

// PodReady implements cluster.Watcher.
func (w *world) PodReady(p *cluster.Pod) {
	w.meter.accumulate()
	s := w.services[p.Service]
	times := s.cfg.Pools[p.Node.Pool].Times
	w.replicas[p] = &replica{Replica: s.fleet.Add(times, w.random.Stream("service", p.Name)), service: s}
}

// PodDraining implements cluster.Watcher.
func (w *world) PodDraining(p *cluster.Pod) {
	w.meter.accumulate()
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

var nodeKinds = map[cluster.NodeState]string{
	cluster.Off: "node-off", cluster.Booting: "node-on", cluster.On: "node-ready",
	cluster.Asleep: "node-sleep", cluster.Waking: "node-wake",
}

// NodeChanged implements cluster.Watcher.
func (w *world) NodeChanged(n *cluster.Node, reason string) {
	w.note(results.Decision{Kind: nodeKinds[n.State], Node: n.Name, Reason: reason})
}

// Unschedulable implements cluster.Watcher.
func (w *world) Unschedulable(p *cluster.Pod, why cluster.Refusals) {
	w.note(results.Decision{Service: w.cfg.Services[p.Service].Name, Kind: "unschedulable", Reason: fmt.Sprintf("%s: %v", p.Name, why)})
}

// every runs do at each multiple of the interval within the scenario.
func (w *world) every(interval time.Duration, p vtime.Priority, do func()) {
	var tick func()
	tick = func() {
		do()
		w.queue.At(w.queue.Now().Add(interval), p, tick)
	}
	w.queue.At(vtime.At(interval), p, tick)
}
