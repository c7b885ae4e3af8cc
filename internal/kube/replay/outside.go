package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Open implements engine.Outside.
func (r *replay) Open(w engine.World) error {
	r.world = w
	return nil
}

// Begin implements engine.Outside: it lets the first replicas come up, hands
// the services with an HPA over to it, and starts the clock.
func (r *replay) Begin(ctx context.Context) error {
	if err := r.watch(); err != nil {
		return err
	}
	deadline := time.NewTimer(r.patience())
	defer deadline.Stop()
	for !r.settled() {
		for _, m := range r.inbox.take() {
			m.do() // the clock stands: there is no order among events to keep
		}
		if r.settled() {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.calls.failed:
			return r.calls.failure()
		case <-deadline.C:
			return fmt.Errorf("the first replicas are not up after %v: %s", r.patience(), r.unsettled())
		case <-r.inbox.rings:
		}
	}
	if err := r.serveMetrics(ctx); err != nil {
		return err
	}
	return r.createHPAs(ctx)
}

// patience is how long the first replicas may take on the wall, which does not
// count as time of the scenario.
func (r *replay) patience() time.Duration {
	n := 0
	for i := range r.o.Config.Services {
		n += len(r.world.Cluster().Pods(i))
	}
	return time.Minute + time.Duration(n)*50*time.Millisecond
}

// settled reports whether each pod that was asked for serves or has been refused.
func (r *replay) settled() bool {
	for i, want := range r.first {
		there := 0
		for _, p := range r.world.Cluster().Pods(i) {
			rec := r.records[p]
			if p.Phase == cluster.Ready || p.Phase == cluster.Pending && rec != nil && rec.refused {
				there++
			}
		}
		if there < want {
			return false
		}
	}
	return true
}

func (r *replay) unsettled() string {
	for i, want := range r.first {
		byPhase := map[cluster.PodPhase]int{}
		for _, p := range r.world.Cluster().Pods(i) {
			byPhase[p.Phase]++
		}
		if byPhase[cluster.Ready] < want {
			return fmt.Sprintf("of %d pods of %s, %d wait for a node, %d start and %d are ready", want, r.o.Config.Services[i].Name,
				byPhase[cluster.Pending], byPhase[cluster.Starting], byPhase[cluster.Ready])
		}
	}
	return "all are"
}

// Wait implements engine.Outside: it lets the wall clock catch up with t, and
// returns early for what happens outside.
func (r *replay) Wait(ctx context.Context, t vtime.Time) error {
	if late := r.clock.now().Sub(t); late > 0 {
		r.lag.engine.add(late)
	}
	timer := time.NewTimer(time.Until(r.clock.when(t)))
	defer timer.Stop()
	for {
		if r.workIn(t) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.calls.failed:
			return r.calls.failure()
		case err := <-r.broken:
			return err
		case <-timer.C:
			r.workIn(t)
			return nil
		case <-r.inbox.rings:
		}
	}
}

// workIn puts what is in the inbox on the engine's queue and reports whether
// there was anything. What came together is one instant, that of the last: after
// each instant the cluster looks anew at what is pending.
func (r *replay) workIn(t vtime.Time) bool {
	messages := r.inbox.take()
	if len(messages) == 0 {
		return false
	}
	at := min(r.clock.at(messages[len(messages)-1].at), t)
	for _, m := range messages {
		r.world.Queue().At(at, m.priority, m.do)
	}
	return true
}

// ask lets the engine answer a question from another goroutine.
func (r *replay) ask(ctx context.Context, question func()) error {
	done := make(chan struct{})
	r.inbox.put(vtime.PriorityMeasure, func() {
		question()
		close(done)
	})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.over:
		return fmt.Errorf("the replay is over")
	}
}
