package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/cluster/clustertest"
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// echo is an API server that does what it is asked for within the instant, and
// an outside for which no time passes between events.
type echo struct {
	World
	scheduler cluster.Scheduler
	err       error
}

func (e *echo) Open(w World) error          { e.World = w; return nil }
func (e *echo) Begin(context.Context) error { return nil }
func (e *echo) Wait(context.Context, vtime.Time) error {
	if e.Queue().Now() > vtime.At(time.Minute) {
		return e.err
	}
	return nil
}
func (e *echo) Scale(service, replicas int) {
	c := e.Cluster()
	have := 0
	for _, p := range c.Pods(service) {
		if p.Phase != cluster.Draining {
			have++
		}
	}
	for ; have < replicas; have++ {
		c.PodCreated(service)
	}
	for _, p := range c.Pods(service) {
		if have > replicas && p.Phase == cluster.Ready {
			have--
			c.PodTerminating(p)
		}
	}
	e.scheduler.Schedule()
}
func (e *echo) Run(p *cluster.Pod, at vtime.Time) {
	e.Queue().At(at, vtime.PriorityCluster, func() { e.Cluster().PodRunning(p) })
}
func (e *echo) Evict(p *cluster.Pod) { e.Cluster().PodTerminating(p) }
func (e *echo) Release(*cluster.Pod) {}

// throughEcho lets a scenario's pods live in an echo.
func throughEcho(c *Config) *echo {
	e := &echo{}
	c.Outside, c.Cluster.Workloads = e, e
	c.Cluster.NewScheduler = func(h cluster.Host, seed uint64) (s cluster.Scheduler, err error) {
		e.scheduler, err = clustertest.Spread(h, seed)
		return e.scheduler, err
	}
	return e
}

// A world whose pods are an API server's is the same world, when that server is
// as quick as thought.
func TestPodsOfAnAPIServerAreTheSamePods(t *testing.T) {
	scenario := func() *Config {
		c := world1(t, constant(30, 1200), &plan{interval: time.Minute, replicas: []int{4, 4, 7, 7, 7, 0, 0, 5}})
		c.Cluster.Pools[0].Initial = 2
		c.Services[0].Process.Name = "Poisson"
		return c
	}
	c := scenario()
	want := run(t, c, 1)
	c = scenario()
	throughEcho(c)
	got := run(t, c, 1)
	if d := cmp.Diff(want.Metrics, got.Metrics); d != "" {
		t.Errorf("metrics differ:\n%s", d)
	}
	if d := cmp.Diff(want.Points, got.Points); d != "" {
		t.Errorf("time series differ:\n%s", d)
	}
}

// Somebody outside scales: what it asked for is in the books.
func TestSomebodyOutsideScales(t *testing.T) {
	c := world1(t, constant(5, 600), &plan{interval: time.Minute, replicas: []int{1}})
	e := throughEcho(c)
	c.Services[0].NewScaler, c.Ledger = nil, Ticks
	var seen policies.Observation
	scale := func(at time.Duration, n int) {
		e.Queue().At(vtime.At(at), vtime.PriorityDecide, func() {
			seen = e.Observe(0)
			e.Scaled(0, n, decisions.Entry{Reason: "the controller said so"})
			e.Scale(0, n)
		})
	}
	c.Outside = opened{e, func() { scale(2*time.Minute, 2); scale(3*time.Minute, 2) }}
	r := run(t, c, 1)
	if r.Metrics["scale_events_total"] != 1 || r.Metrics["replicas_max"] != 2 || seen.Ready != 2 {
		t.Errorf("scale events %v, most replicas %v, observed %+v", r.Metrics["scale_events_total"], r.Metrics["replicas_max"], seen)
	}
	var kinds []string
	for _, d := range r.Decisions {
		if d.Reason == "the controller said so" {
			kinds = append(kinds, d.Kind)
		}
	}
	if d := cmp.Diff([]string{"scale", "tick"}, kinds); d != "" {
		t.Errorf("decisions %s", d)
	}
}

// opened runs do when the first replicas serve.
type opened struct {
	*echo
	do func()
}

func (o opened) Begin(context.Context) error { o.do(); return nil }

// What fails outside ends the run, and is not lost.
func TestAnOutsideThatFails(t *testing.T) {
	c := world1(t, constant(5, 600), &plan{interval: time.Minute, replicas: []int{1}})
	e := throughEcho(c)
	e.err = errors.New("the API server is gone")
	if _, err := Run(t.Context(), c, 1); !errors.Is(err, e.err) || strings.Contains(err.Error(), "panic") {
		t.Errorf("error %v, want %v", err, e.err)
	}
}
