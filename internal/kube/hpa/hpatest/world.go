package hpatest

import (
	"context"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// world is the cluster around the controller.
type world struct {
	t          testing.TB
	ctx        context.Context
	random     random
	setup      Setup
	containers []v1.Container
	start      time.Time // of the scenario
	client     *fake.Clientset
	control    *control

	mu      sync.Mutex // the controller asks from its own goroutines
	asked   int        // spec.replicas of the target
	created int
	pods    []*pod
	load    float64 // in replicas that it would keep busy at the targets

	scraped       vtime.Time // newest scrape
	valid         bool       // the metrics pipeline works
	arrivals, p95 float64    // of the service
}

// Record runs the upstream controller for a number of reconciles in the
// cluster that the seed draws. It replaces the error handlers of apimachinery
// meanwhile, so no two may run at once.
func Record(t *testing.T, seed uint64, reconciles int) Trace {
	trace := Trace{Seed: seed}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := random{rng.New(seed).Stream("hpatest")}
		w := &world{t: t, ctx: ctx, random: r, setup: newSetup(r), start: time.Now(), client: newClient()}
		w.containers = containers(w.setup.Model.Containers)
		w.asked = r.between(1, int(w.setup.Object.Spec.MaxReplicas))
		w.load = float64(w.asked)
		trace.Setup = w.setup
		time.Sleep(r.span(0, 5*time.Minute, w.setup.life.grid))
		w.control = newControl(w)
		defer w.control.stop(cancel)
		last, next := vtime.At(0), w.since(time.Now()).Add(w.setup.flags.SyncPeriod)
		for range reconciles {
			trace.Steps = append(trace.Steps, w.step(last, next))
			last, next = next, next.Add(w.setup.flags.SyncPeriod)
		}
	})
	return trace
}

const lead = time.Millisecond

// step changes the cluster into what it is at the instant now, lets the
// controller reconcile, and returns what it saw and did.
func (w *world) step(last, now vtime.Time) Step {
	time.Sleep(time.Until(w.time(now)) - lead)
	s := Step{Observation: w.change(last, now)}
	synctest.Wait() // the informers know
	time.Sleep(lead)
	synctest.Wait() // the controller has reconciled
	s.Outcome = w.control.outcome()
	return s
}

// change makes the cluster what it is now.
func (w *world) change(last, now vtime.Time) policies.Observation {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.intervene()
	w.resize(last, now)
	w.measure(now)
	w.show(now)
	w.control.expect(w.time(now))
	return w.observe(now)
}

// intervene is what people do to the target's replicas: rarely, and to zero or
// beyond the autoscaler's bounds too.
func (w *world) intervene() {
	least, most := int(*w.setup.Object.Spec.MinReplicas), int(w.setup.Object.Spec.MaxReplicas)
	if w.asked == 0 && w.random.chance(0.3) {
		w.asked = w.random.between(1, most)
	}
	if w.random.chance(0.985) {
		return
	}
	w.asked = pick(w.random, 0, w.random.between(0, least), w.random.between(1, most), w.random.between(1, most), most+w.random.between(1, 10))
}

// measure draws the load and what the metrics pipeline has of it.
func (w *world) measure(now vtime.Time) {
	r, s := w.random, w.setup
	most := float64(s.Object.Spec.MaxReplicas)
	w.load *= r.around(0.1) * math.Pow(most/3/w.load, 0.03)
	if r.chance(0.03) {
		w.load *= pick(r, 0.2, 0.5, 2, 4)
	}
	w.load = min(max(w.load, 0.3), 1.3*most)
	if w.valid {
		w.valid = !r.chance(s.life.outages)
	} else {
		w.valid = s.life.outages == 0 || r.chance(0.3)
	}
	w.scraped = vtime.Time(time.Duration(now.Add(-s.telemetry.lag)).Truncate(s.telemetry.scrape))
	w.valid = w.valid && w.scraped > 0
	if !w.valid {
		w.scraped = 0
	}
	serving := 0
	for _, p := range w.pods {
		p.seen = w.valid && p.started <= now && (p.terminating || p.measured <= w.scraped && !r.chance(s.life.outages))
		if p.seen {
			serving++
		}
	}
	for _, p := range w.pods {
		part := w.load / float64(max(serving, 1)) * r.around(s.life.noise)
		p.does = policies.PodMetrics{
			RequestRate: part * perReplica["requests_per_second"], InFlight: part * perReplica["inflight_requests"] * r.around(s.life.noise),
			CPUCores: part * perReplica["cpu"], BusyRatio: min(part*perReplica["nvidia.com/gpu"], 1),
		}
	}
	w.arrivals, w.p95 = w.load*perReplica["service_requests_per_second"], w.load/float64(max(serving, 1))*perReplica["service_latency_p95_seconds"]
	if r.chance(0.02) {
		w.p95 = 0 // nothing completed
	}
}

// served is a metric of the service.
func (w *world) served(name string) (v float64, ok bool) {
	switch name {
	case "service_requests_per_second":
		return w.arrivals, w.valid
	case "service_latency_p95_seconds":
		return w.p95, w.valid && w.p95 > 0
	case "service_inflight_requests":
		for _, p := range w.live() {
			if p.seen {
				v += p.does.InFlight
			}
		}
		return v, w.valid
	}
	panic("hpatest: no service metric " + name)
}

// observe is what the simulator's telemetry would show of this cluster.
func (w *world) observe(now vtime.Time) policies.Observation {
	o := policies.Observation{Now: now, Desired: w.asked, Valid: w.valid, At: w.scraped, Window: w.setup.telemetry.window}
	if w.valid {
		o.ArrivalRate, o.Latency.P95 = w.arrivals, w.p95
	}
	for _, p := range w.pods {
		if p.terminating {
			o.Draining++
			continue
		}
		is := p.state(now)
		q := policies.Pod{Name: p.name, Created: p.created, Started: vtime.Forever, Running: is.running, Ready: is.ready, ReadyAt: vtime.Forever}
		if is.started {
			q.Started = p.started
		}
		if is.ready {
			q.ReadyAt = p.ready
			o.Ready++
		}
		if q.HasMetrics = p.seen; p.seen {
			q.Metrics = p.does
		}
		o.Pods = append(o.Pods, q)
	}
	return o
}

func (w *world) time(t vtime.Time) time.Time  { return w.start.Add(t.Sub(0)) }
func (w *world) since(t time.Time) vtime.Time { return vtime.At(t.Sub(w.start)) }

// must stops the test on a fault of the harness.
func (w *world) must(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatalf("hpatest: %v", err)
	}
}
