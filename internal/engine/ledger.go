package engine

import (
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
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
	if o.Valid {
		e.Scaling.Seen = some(o.At.Seconds())
	}
	w.note(e)
}

// notePod writes down what happened to a pod.
func (w *world) notePod(p *cluster.Pod, kind, reason string, how *decisions.Placement) {
	e := decisions.Entry{Service: w.cfg.Services[p.Service].Name, Kind: kind, Pod: p.Name, Reason: reason, Placement: how}
	if p.Node != nil {
		e.Node = p.Node.Name
	}
	w.note(e)
}

// PodBound implements cluster.Watcher.
func (w *world) PodBound(p *cluster.Pod, how decisions.Placement) {
	gpu := p.GPU
	how.GPU, how.Waited = &gpu, w.queue.Now().Sub(p.Created).Seconds()
	w.notePod(p, decisions.Bind, "", &how)
}

// coldStart is how long a pod that is ready now took to start, and why.
func coldStart(p *cluster.Pod) string {
	pull, load := p.Pulled.Sub(p.Bound), p.ReadyAt.Sub(p.Pulled)
	round := func(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }
	switch {
	case pull+load == 0:
		return "serves at once"
	case pull == 0:
		return fmt.Sprintf("cold start %v: its node has the image, model loaded in %v", round(load), round(load))
	}
	return fmt.Sprintf("cold start %v: image pulled in %v, model loaded in %v", round(pull+load), round(pull), round(load))
}

// PodGone implements cluster.Watcher. Why a pod goes that was ready was said
// when it began to drain.
func (w *world) PodGone(p *cluster.Pod) {
	why := p.Why
	if p.ReadyAt != vtime.Forever {
		why = ""
	}
	w.notePod(p, decisions.PodGone, why, nil)
}

// PodEvicted implements cluster.Watcher.
func (w *world) PodEvicted(p *cluster.Pod, kind, reason string) { w.notePod(p, kind, reason, nil) }

// Unschedulable implements cluster.Watcher.
func (w *world) Unschedulable(p *cluster.Pod, message string, how decisions.Placement) {
	how.Waited = w.queue.Now().Sub(p.Created).Seconds()
	w.notePod(p, decisions.Unschedulable, message, &how)
}

// NodeChanged implements cluster.Watcher.
func (w *world) NodeChanged(n *cluster.Node, kind, reason string) {
	e := decisions.Entry{Kind: kind, Node: n.Name, Reason: reason}
	if kind == decisions.NodeOn || kind == decisions.NodeWake {
		e.Expansion = w.cluster.Expansion()
	}
	w.note(e)
}
