package engine

import (
	"context"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Outside is what a run shares its time with: nothing, when time is virtual; a
// control plane and the wall clock, in a replay.
type Outside interface {
	// Open hands the world over before anything is in it.
	Open(w World) error
	// Begin returns when the first replicas serve, or have found no place, and
	// starts the clock.
	Begin(ctx context.Context) error
	// Wait returns when it is t, or earlier, once it has put on the queue what
	// happened outside.
	Wait(ctx context.Context, t vtime.Time) error
}

// World is a run as its outside may see and change it, from within Begin, Wait
// and the events that it has put on the queue.
type World struct{ w *world }

// Queue returns the events to come.
func (x World) Queue() *vtime.Queue { return &x.w.queue }

// Cluster returns the nodes and pods.
func (x World) Cluster() *cluster.Cluster { return x.w.cluster }

// Observe returns what the metrics pipeline shows of a service now.
func (x World) Observe(service int) policies.Observation { return x.w.observe(x.w.services[service]) }

// Scaled tells that somebody outside asked for another number of replicas, or
// looked and left it. The entry is written down as it is, but for its time,
// service, kind and replicas.
func (x World) Scaled(service, replicas int, why decisions.Entry) {
	s := x.w.services[service]
	why.Service, why.Kind, why.From, why.To = s.cfg.Name, decisions.Scale, s.desired, replicas
	if replicas == s.desired {
		if why.Kind = decisions.Tick; x.w.cfg.Ledger < Ticks {
			return
		}
	} else {
		s.desired = replicas
		s.scaleEvents++
		x.w.cluster.Desired(service, replicas)
	}
	x.w.note(why)
}
