package engine

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/serving"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// InvariantError says that a conservation law did not hold: a bug, or a
// scenario beyond what the engine can represent.
type InvariantError struct {
	Policy string
	Seed   uint64
	At     vtime.Time
	What   string
}

func (e *InvariantError) Error() string {
	return fmt.Sprintf("policy %s, seed %d, virtual time %v: %s", e.Policy, e.Seed, e.At, e.What)
}

// world is one replication in the making.
type world struct {
	cfg      *Config
	seed     uint64
	queue    vtime.Queue
	random   rng.Source
	cluster  *cluster.Cluster
	services []*service
	routed   []*routed
	replicas map[*cluster.Pod]*replica
	meter    meter
	bin      bin
	marks    energyMarks
	nodes    nodeSeries
	limits   []poolLimit // by pool
	readings []NodeReading
	closers  []func() // of the scalers that were opened
	failed   error    // of a scaler: ends the run
	out      results.Run
}

// service is the state of one service.
type service struct {
	cfg     *Service
	index   int
	fleet   *serving.Fleet
	scaler  policies.Scaler
	desired int
	atOnce  vtime.Time        // the longest time that is served without a look at the context
	scrapes []scrape          // oldest first, as far back as telemetry looks
	unseen  metrics.Histogram // latencies that a bin took before a scrape saw them
	inBin   serving.Stats
	total   serving.Stats

	readySeconds float64
	readyMax     int
	scaleEvents  int
	busySeconds  float64 // of GPUs, by the part a replica takes
	allocSeconds float64
	joules       float64 // of the nodes, as attributed to the service
	limitsAsked  []int   // level by pool of the cluster; nil for the pools' own
}

// replica is a pod that serves or served.
type replica struct {
	*serving.Replica
	service  *service
	counters podSample
}

// Run simulates one replication. It stops early, with ctx's error, when ctx is
// done. A panic, which means a bug, becomes an error that says how to see it
// again.
func Run(ctx context.Context, cfg *Config, seed uint64) (run *results.Run, err error) {
	w := &world{cfg: cfg, seed: seed, random: rng.New(seed), replicas: map[*cluster.Pod]*replica{}}
	defer func() {
		if p := recover(); p != nil {
			run, err = nil, fmt.Errorf("policy %s, seed %d, virtual time %v: panic: %v\n%s", cfg.Policy, seed, w.queue.Now(), p, debug.Stack())
		}
	}()
	defer w.close()
	err = w.begin(ctx)
	if w.cluster != nil {
		defer w.cluster.Close()
	}
	if err != nil {
		return nil, err
	}
	return w.run(ctx)
}

// begin makes the world as it is when the window opens.
func (w *world) begin(ctx context.Context) error {
	cfg := w.cfg
	w.out = results.Run{Policy: cfg.Policy, Seed: w.seed}
	intensity := make([]float64, len(cfg.Grids))
	for pool, grid := range cfg.Grids {
		intensity[pool] = grid.IntensityAt(0)
	}
	var err error
	if w.cluster, err = cluster.New(cfg.Cluster, &w.queue, w.random, w, intensity); err != nil {
		return fmt.Errorf("policy %s: %w", cfg.Policy, err)
	}
	w.meter.init(w)
	w.keepNodes()
	if err := w.addRouted(); err != nil {
		return fmt.Errorf("policy %s, %w", cfg.Policy, err)
	}
	w.limits = make([]poolLimit, len(cfg.Cluster.Pools))
	for i := range cfg.Services {
		if err := w.addService(ctx, i); err != nil {
			return fmt.Errorf("policy %s, service %s: %w", cfg.Policy, cfg.Services[i].Name, err)
		}
	}
	if cfg.Outside != nil {
		if err := cfg.Outside.Open(World{w}); err != nil {
			return err
		}
	}
	for _, s := range w.services {
		w.cluster.Start(s.index, s.desired)
	}
	if cfg.Outside != nil {
		if err := cfg.Outside.Begin(ctx); err != nil {
			return err
		}
	}
	w.cluster.Settle()
	w.scheduleTicks()
	return nil
}

// maxAtOnce bounds how many requests pass before the run looks whether it is
// to stop: a fraction of a second's work.
const maxAtOnce = 5e6

// atOnce is the time in which maxAtOnce requests arrive at the peak rate in
// req/s. It is asked for once: a peak is a pass over the whole curve.
func atOnce(peak float64) vtime.Time {
	ns := maxAtOnce / peak * 1e9
	if peak == 0 || ns >= float64(vtime.Forever) {
		return vtime.Forever
	}
	return max(vtime.Time(ns), 1)
}

// runTo serves everything between two instants, in parts that end soon.
func (s *service) runTo(ctx context.Context, from, to vtime.Time) error {
	for ; to-from > s.atOnce; from += s.atOnce {
		s.fleet.RunTo(from + s.atOnce)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	s.fleet.RunTo(to)
	return nil
}

// maxEventsAtOnce bounds what can happen at one instant: beyond it two parts of
// the world are undoing each other's work and time stands still.
const maxEventsAtOnce = 1_000_000

// run lets everything happen, in order of time.
func (w *world) run(ctx context.Context) (*results.Run, error) {
	events := 0 // since time last moved
	for last := vtime.Time(-1); ; {
		t := min(w.queue.Next(), w.cfg.Duration)
		if w.cfg.Outside != nil {
			if err := w.cfg.Outside.Wait(ctx, t); err != nil {
				return nil, err
			}
			t = min(w.queue.Next(), w.cfg.Duration)
		}
		if events++; t > last {
			events = 0
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			for _, s := range w.services {
				if err := s.runTo(ctx, max(last, 0), t); err != nil {
					return nil, err
				}
			}
			last = t
		}
		if t == w.cfg.Duration {
			break
		}
		if events > maxEventsAtOnce {
			return nil, w.broken(fmt.Sprintf("time stands still after %d events: are all delays of the node pools and of the node policy zero?", events))
		}
		if w.queue.Step(); w.failed != nil {
			return nil, w.failed
		}
	}
	return w.finish()
}

func (w *world) addService(ctx context.Context, i int) error {
	c := &w.cfg.Services[i]
	arrivals, err := w.source(i)
	if err != nil {
		return err
	}
	fleet, err := serving.NewFleet(c.Serving, arrivals, w.random.Stream("routing", c.Name))
	if err != nil {
		return err
	}
	var scaler policies.Scaler
	if c.NewScaler != nil {
		if scaler, err = c.NewScaler(); err != nil {
			return err
		}
	}
	if o, ok := scaler.(policies.Opener); ok {
		closer, err := o.Open(ctx, policies.Replication{Policy: w.cfg.Policy, Seed: w.seed})
		if err != nil {
			return err
		}
		w.closers = append(w.closers, closer)
	}
	w.services = append(w.services, &service{cfg: c, index: i, fleet: fleet, scaler: scaler, desired: c.Initial, atOnce: atOnce(c.Curve.Peak())})
	return nil
}

// close ends what the scalers have opened.
func (w *world) close() {
	for _, closer := range w.closers {
		closer()
	}
}

// scheduleTicks starts the periodic events: scrapes, decisions, bins and the
// carbon series' steps. The last scrape and bin belong to finish.
func (w *world) scheduleTicks() {
	w.every(w.cfg.Telemetry.ScrapeInterval, vtime.PriorityMeasure, w.scrape)
	w.every(w.cfg.Bin, vtime.PriorityMeasure, w.closeBin)
	if w.cfg.Probe != nil {
		w.watch(w.cfg.Probe)
	}
	for _, r := range w.routed {
		w.every(r.router.Interval(), vtime.PriorityDecide, func() { w.route(r) })
	}
	for _, s := range w.services {
		if s.scaler == nil {
			continue
		}
		decide := func() { w.decide(s) }
		w.queue.At(0, vtime.PriorityDecide, decide)
		w.every(s.scaler.Interval(), vtime.PriorityDecide, decide)
	}
	for _, at := range w.cfg.EnergyMarks {
		if at > 0 && at < w.cfg.Duration {
			w.queue.At(at, vtime.PriorityMeasure, w.markEnergy)
		}
	}
	for pool, grid := range w.cfg.Grids {
		var step func()
		step = func() {
			w.meter.accumulate()
			w.cluster.SetIntensity(pool, grid.IntensityAt(w.queue.Now()))
			w.queue.At(grid.NextChangeAfter(w.queue.Now()), vtime.PriorityMeasure, step)
		}
		w.queue.At(grid.NextChangeAfter(0), vtime.PriorityMeasure, step)
	}
}

// decide lets the scaler act on what telemetry shows.
func (w *world) decide(s *service) {
	o := w.observe(s)
	d := s.scaler.Decide(o)
	if d.Err != nil {
		w.failed = fmt.Errorf("policy %s, service %s, seed %d, virtual time %v: %w", w.cfg.Policy, s.cfg.Name, w.seed, o.Now, d.Err)
		return
	}
	w.askLimits(s, d)
	n := max(d.Replicas, 0)
	w.noteScaling(s, o, d, n)
	if n != s.desired {
		s.desired = n
		s.scaleEvents++
		w.cluster.Scale(s.index, n)
	}
}
