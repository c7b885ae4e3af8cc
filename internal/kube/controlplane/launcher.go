package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// launcher starts a cluster's components and holds them until it takes them
// down: it is their parent process and the only writer of the state.
type launcher struct {
	cfg      Config
	l        layout
	lock     *os.File
	lifeline *os.File // the components' read end
	hold     *os.File // its other end: when it closes, they end
	prober   *prober
	exits    chan Exit

	mu       sync.Mutex
	state    state
	running  map[Component]*child // the last one of each
	failures map[Component]int    // exits in a row, for the backoff
	closing  bool                 // nothing is to be started any more
	fail     context.CancelCauseFunc
}

// portAttempts is how often a component that lost its port gets another one.
const portAttempts = 5

// prepare fills in what the configuration leaves open, and makes the folder.
func prepare(cfg Config) (Config, layout, error) {
	if !dispatched.Load() {
		return cfg, "", errors.New("start a control plane: this program does not call component.Dispatch first, so it cannot be its own components")
	}
	cfg, err := cfg.complete()
	if err != nil {
		return cfg, "", fmt.Errorf("start a control plane: %w", err)
	}
	l, err := makeLayout(cfg.Dir)
	cfg.Dir = string(l)
	return cfg, l, err
}

// launch makes the folder, clears what an earlier launcher left there and starts
// all components. Nothing is left running when it fails.
func launch(ctx context.Context, cfg Config, detached bool) (*launcher, error) {
	cfg, l, err := prepare(cfg)
	if err != nil {
		return nil, err
	}
	lock, ok, err := lockDir(l)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, alreadyUp(l)
	}
	n := &launcher{cfg: cfg, l: l, lock: lock, exits: make(chan Exit, keptExits), running: map[Component]*child{}, failures: map[Component]int{}}
	ctx, cancel := context.WithTimeoutCause(ctx, cfg.StartTimeout, fmt.Errorf("not up within %v", cfg.StartTimeout))
	defer cancel()
	ctx, n.fail = context.WithCancelCause(ctx)
	defer n.fail(nil)
	if err := n.prepare(detached); err != nil {
		return nil, errors.Join(err, l.clear(), n.release())
	}
	if err := n.startAll(ctx); err != nil {
		return nil, n.abandon(err)
	}
	return n, nil
}

// alreadyUp says whose the folder is.
func alreadyUp(l layout) error {
	s, err := readState(l)
	if err != nil {
		return fmt.Errorf("a cluster in %s is being started or taken down by another process", l)
	}
	if other := s.checkBinary(l); other != nil {
		return other
	}
	return fmt.Errorf("cluster %s is there already (%s), in %s, held by process %d: use it, or take it down first (replay down --name %s)",
		s.Name, s.Phase, l, s.Launcher.PID, s.Name)
}

// prepare writes everything that the components need.
func (n *launcher) prepare(detached bool) error {
	if err := clearStale(n.l); err != nil {
		return err
	}
	version, err := VersionOf(n.cfg.Program)
	if err != nil {
		return err
	}
	self, err := identify(os.Getpid())
	if err != nil {
		return err
	}
	n.state = state{Schema: stateSchema, Name: n.cfg.Name, Version: version, Launcher: self, Detached: detached, Phase: PhaseStarting, Created: time.Now()}
	if err := n.state.write(n.l); err != nil {
		return err
	}
	if err := os.MkdirAll(n.l.path(logsDir), 0o700); err != nil {
		return fmt.Errorf("make the logs' folder: %w", err)
	}
	if err := errors.Join(writeConfig(n.cfg, n.l), makePKI(n.l, time.Now()), writeConfigFiles(n.cfg, n.l)); err != nil {
		return err
	}
	if n.prober, err = newProber(n.l); err != nil {
		return err
	}
	if n.lifeline, n.hold, err = os.Pipe(); err != nil {
		return fmt.Errorf("make the components' lifeline: %w", err)
	}
	return nil
}

// clearStale ends what an earlier launcher left in the folder, whose lock we
// have now, and removes its files.
func clearStale(l layout) error {
	left, err := processesOf(l)
	if err == nil {
		// A launcher without the lock has only just started, and will be told that it is late.
		err = killAll(slices.DeleteFunc(left, func(p process) bool { return p.role() == launcherRole }))
	}
	if err == nil {
		err = l.remove(allEntries[:len(allEntries)-1]) // all but the lock
	}
	if err != nil {
		return fmt.Errorf("clear what an earlier cluster left in %s: %w", l, err)
	}
	return nil
}

// startAll starts the components, each when those that it needs are ready.
func (n *launcher) startAll(ctx context.Context) error {
	for _, c := range []Component{Etcd, APIServer} {
		if err := n.startFirst(ctx, c); err != nil {
			return err
		}
	}
	if err := writeKubeconfigs(n.l, n.cfg.Name, loopbackURL(n.member(APIServer).Port)); err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, c := range []Component{ControllerManager, Scheduler, Kwok} {
		g.Go(func() error { return n.startFirst(gctx, c) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := awaitDefaultAccount(ctx, n.l); err != nil {
		return err
	}
	return n.change(func(s *state) { s.Phase, s.Ready = PhaseUp, time.Since(s.Created).Seconds() })
}

// startFirst starts a component for the first time. If another process took a
// port between our choice and the component's bind, it gets others.
func (n *launcher) startFirst(ctx context.Context, c Component) error {
	for attempt := 1; ; attempt++ {
		if err := n.choosePorts(c); err != nil {
			return err
		}
		ch, err := n.start(c)
		if err != nil {
			return err
		}
		err = n.awaitReady(ctx, ch)
		if err == nil {
			go n.watch(ch)
			return nil
		}
		ch.stop(0)
		tail := tailLines(n.l.log(c), tailLength)
		if errors.Is(err, errEnded) {
			if attempt < portAttempts && strings.Contains(strings.Join(tail, "\n"), "address already in use") {
				continue
			}
			err = fmt.Errorf("%w: %s", err, ch.status())
		}
		return fmt.Errorf("start %s: %w; the last lines of %s:\n  %s", c, err, n.l.log(c), strings.Join(tail, "\n  "))
	}
}

// choosePort is freePort; a test makes it find taken ones.
var choosePort = freePort

func (n *launcher) choosePorts(c Component) error {
	port, err := choosePort()
	if err != nil {
		return err
	}
	peer := 0
	if c == Etcd {
		if peer, err = choosePort(); err != nil {
			return err
		}
	}
	return n.change(func(s *state) { s.member(c).Port, s.member(c).PeerPort = port, peer })
}

// start runs a component's process and returns once it is there.
func (n *launcher) start(c Component) (*child, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closing {
		return nil, errClosing
	}
	if ch := n.running[c]; ch != nil && ch.alive() {
		return nil, errRunning
	}
	args := reexecFor(c, n.l, argsOf(c, n.cfg, n.l, &n.state))
	program := ""
	if c == Scheduler {
		program = n.cfg.Scheduler.Program
	}
	ch, err := startChild(c, n.l, program, args, environment(n.cfg, n.l), n.lifeline)
	if err != nil {
		return nil, err
	}
	m := n.state.member(c)
	m.Process, m.Down, m.Started, m.Ready = ch.process, false, time.Now(), 0
	n.running[c] = ch
	return ch, n.save()
}

var (
	errClosing = errors.New("the cluster is being taken down")
	errRunning = errors.New("it runs already")
)

func (n *launcher) awaitReady(ctx context.Context, ch *child) error {
	m := n.member(ch.name)
	if err := n.prober.await(ctx, ch.name, m.Port, ch.ended); err != nil {
		return err
	}
	return n.change(func(s *state) { s.member(ch.name).Ready = time.Since(m.Started).Seconds() })
}

// member is a copy of what the state says of a component.
func (n *launcher) member(c Component) member {
	n.mu.Lock()
	defer n.mu.Unlock()
	return *n.state.member(c)
}

// change changes the state and saves it.
func (n *launcher) change(f func(*state)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	f(&n.state)
	return n.save()
}

// save writes the state. While the cluster starts, a state that cannot be
// written is an error; later, on a full disk say, it is kept in memory and
// written the next time.
func (n *launcher) save() error {
	if err := n.state.write(n.l); err != nil && n.state.Phase == PhaseStarting {
		return err
	}
	return nil
}
