package controlplane

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

// A component that ends is restarted after firstBackoff, twice as long each
// time up to maxBackoff, until it has been ready for steadyAfter.
const (
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 10 * time.Second
	steadyAfter  = time.Minute
)

// watch waits for a component's end. If nobody asked for it, the exit is
// recorded and the component restarted, as the Config says.
func (n *launcher) watch(ch *child) {
	<-ch.ended
	if ch.asked.Load() {
		return
	}
	status, tail := ch.status(), tailLines(n.l.log(ch.name), tailLength)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closing {
		return
	}
	m := n.state.member(ch.name)
	m.Down = true
	exit := Exit{Component: ch.name, At: time.Now(), Status: status, LastLines: tail, Restarted: n.cfg.OnExit == Restart && n.state.Phase == PhaseUp}
	n.state.Exits = append(n.state.Exits, exit)
	if over := len(n.state.Exits) - keptExits; over > 0 {
		n.state.Exits = n.state.Exits[over:]
	}
	_ = n.save()
	select {
	case n.exits <- exit:
	default: // nobody reads them; the state has them too
	}
	switch {
	case n.state.Phase == PhaseStarting:
		n.fail(errors.New(exit.String()))
	case exit.Restarted:
		if m.Ready > 0 && time.Since(m.Started) > steadyAfter {
			n.failures[ch.name] = 0
		}
		wait := min(maxBackoff, firstBackoff<<min(n.failures[ch.name], 10))
		n.failures[ch.name]++
		time.AfterFunc(wait, func() { _ = n.respawn(context.Background(), ch.name) })
	}
}

// respawn starts a component that is down, on its old ports, and waits until it
// is ready. Should it end before, watch sees to it.
func (n *launcher) respawn(ctx context.Context, c Component) error {
	ch, err := n.start(c)
	if errors.Is(err, errRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	_ = n.change(func(s *state) { s.member(c).Restarts++ })
	go n.watch(ch)
	ctx, cancel := context.WithTimeout(ctx, n.cfg.StartTimeout)
	defer cancel()
	return n.awaitReady(ctx, ch)
}

// restart ends a component if it runs and starts it again.
func (n *launcher) restart(ctx context.Context, c Component) error {
	n.mu.Lock()
	ch := n.running[c]
	n.mu.Unlock()
	if ch != nil {
		ch.stop(stopGrace)
		_ = n.change(func(s *state) { s.member(c).Down = true })
	}
	return n.respawn(ctx, c)
}

// reviveAll starts the components that are down.
func (n *launcher) reviveAll() {
	for _, c := range Components() {
		if n.member(c).Down {
			go func() { _ = n.respawn(context.Background(), c) }()
		}
	}
}

// stopGrace is how long a component may take to end when asked to.
const stopGrace = 10 * time.Second

// abandon ends a start that failed: the logs stay, the keys go. Of a start that
// was called off, nothing stays.
func (n *launcher) abandon(cause error) error {
	n.stopAll(0)
	if errors.Is(cause, context.Canceled) {
		return errors.Join(cause, n.l.clear(), n.release())
	}
	_ = n.change(func(s *state) { s.Phase, s.Failure = PhaseFailed, cause.Error() })
	return errors.Join(cause, n.l.remove(secretEntries), n.release())
}

// down ends all components and removes the folder.
func (n *launcher) down() error {
	_ = n.change(func(s *state) { s.Phase = PhaseStopping })
	n.stopAll(stopGrace)
	return errors.Join(n.l.clear(), n.release())
}

// stopAll ends the components, those first that need the others.
func (n *launcher) stopAll(grace time.Duration) {
	n.mu.Lock()
	n.closing = true // nothing is added to running or exits from here on
	running := n.running
	close(n.exits)
	n.mu.Unlock()
	for _, group := range [][]Component{{Kwok, Scheduler, ControllerManager}, {APIServer}, {Etcd}} {
		var wg sync.WaitGroup
		for _, c := range group {
			if ch := running[c]; ch != nil {
				wg.Go(func() { ch.stop(grace) })
			}
		}
		wg.Wait()
	}
	_ = n.change(func(s *state) {
		for i := range s.Members {
			s.Members[i].Down = true
		}
	})
}

// release gives the folder to others.
func (n *launcher) release() error {
	var errs []error
	for _, f := range []*os.File{n.hold, n.lifeline, n.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
