package engine

import (
	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/policies"
)

// The world writes down what scalers, scheduler and cluster do.

func (w *world) note(e decisions.Entry) {
	e.T = w.queue.Now().Seconds()
	w.out.Decisions = append(w.out.Decisions, e)
}

// noteScaling writes a scaler's decision for n replicas down.
func (w *world) noteScaling(s *service, o policies.Observation, d policies.Decision, n int) {
	e := decisions.Entry{Service: s.cfg.Name, Kind: decisions.Scale, From: s.desired, To: n, Reason: d.Reason}
	if n == s.desired {
		if w.cfg.Ledger < Ticks {
			return
		}
		e.Kind = decisions.Tick
	}
	e.Scaling = &decisions.Scaling{
		Ready: o.Ready, Rate: o.ArrivalRate, P95: o.Latency.P95,
		Wanted: d.Wanted, Readings: d.Readings, Clamps: d.Clamps,
	}
	w.note(e)
}

// PodBound implements cluster.Watcher.
func (w *world) PodBound(p *cluster.Pod, how decisions.Placement) {
	w.note(decisions.Entry{Service: w.cfg.Services[p.Service].Name, Kind: decisions.Bind, Pod: p.Name, Node: p.Node.Name, Placement: &how})
}

// PodEvicted implements cluster.Watcher.
func (w *world) PodEvicted(p *cluster.Pod, kind, reason string) {
	w.note(decisions.Entry{Service: w.cfg.Services[p.Service].Name, Kind: kind, Pod: p.Name, Node: p.Node.Name, Reason: reason})
}

// Unschedulable implements cluster.Watcher.
func (w *world) Unschedulable(p *cluster.Pod, message string, how decisions.Placement) {
	w.note(decisions.Entry{Service: w.cfg.Services[p.Service].Name, Kind: decisions.Unschedulable, Pod: p.Name, Reason: message, Placement: &how})
}

// NodeChanged implements cluster.Watcher.
func (w *world) NodeChanged(n *cluster.Node, kind, reason string) {
	w.note(decisions.Entry{Kind: kind, Node: n.Name, Reason: reason})
}
