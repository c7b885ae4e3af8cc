package serving

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// twin is the slow, obvious replica: every arrival, completion, expiry and
// batch is an event of its own, and the rules are applied as they are written.
type twin struct {
	q       vtime.Queue
	c       Config
	times   *ServiceTime
	stream  *rng.Stream
	waiting []vtime.Time // arrival instants
	busy    int          // instances
	out     outcome
}

// outcome is what a replica did with its requests.
type outcome struct {
	Latency           metrics.Histogram // exact to the ns below 512 ns; its sum always is
	TimedOut, Dropped int64
	Batches           int64
	BusyNs            int64 // ns with at least one kernel running
}

const (
	first vtime.Priority = iota // completions and arrivals
	second
	third // a request that starts at its very expiry is served
)

func runTwin(c Config, s *ServiceTime, stream *rng.Stream, arrivals []int64) outcome {
	w := &twin{c: c, times: s, stream: stream}
	for _, a := range arrivals {
		t := vtime.Time(a)
		w.q.At(t, first, func() { w.arrive(t) })
	}
	var busySince vtime.Time
	for {
		before := w.busy
		if !w.q.Step() {
			break
		}
		if before == 0 && w.busy > 0 {
			busySince = w.q.Now()
		}
		if before > 0 && w.busy == 0 {
			w.out.BusyNs += int64(w.q.Now() - busySince)
		}
	}
	return w.out
}

func (w *twin) arrive(t vtime.Time) {
	if len(w.waiting) >= w.c.QueueCapacity {
		w.out.Dropped++
		return
	}
	w.waiting = append(w.waiting, t)
	w.q.At(t, second, w.tryStart)
	w.q.At(t+vtime.Time(w.c.MaxQueueDelay), second, w.tryStart)
	if w.c.QueueTimeout > 0 {
		w.q.At(t+vtime.Time(w.c.QueueTimeout), third, func() {
			if i := slices.Index(w.waiting, t); i >= 0 {
				w.waiting = slices.Delete(w.waiting, i, i+1)
				w.out.TimedOut++
			}
		})
	}
}

func (w *twin) tryStart() {
	now := w.q.Now()
	for w.busy < w.c.Instances && len(w.waiting) > 0 &&
		(len(w.waiting) >= w.c.MaxBatch || now-w.waiting[0] >= vtime.Time(w.c.MaxQueueDelay)) {
		b := min(len(w.waiting), w.c.MaxBatch)
		service := w.times.draw(b, w.stream)
		if w.times.contended {
			service *= int64(w.busy + 1)
		}
		end := now + vtime.Time(service)
		for _, a := range w.waiting[:b] {
			w.out.Latency.Record(int64(end - a))
		}
		w.waiting = slices.Clone(w.waiting[b:])
		w.busy++
		w.out.Batches++
		w.q.At(end, first, func() {
			w.busy--
			w.q.At(end, second, w.tryStart)
		})
	}
}

// TestFastReplicaEqualsTwin compares the lazy recursion with the event-by-event
// twin on generated queues, both when a block of arrivals is handed over at
// once and when each is routed alone; the latencies must be identical.
func TestFastReplicaEqualsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{
			MaxBatch:      rapid.IntRange(1, 9).Draw(t, "maxBatch"),
			MaxQueueDelay: rapid.Int64Range(0, 40).Draw(t, "delay"),
			Instances:     rapid.IntRange(1, 3).Draw(t, "instances"),
			QueueTimeout:  rapid.SampledFrom([]int64{0, 41, 60, 200}).Draw(t, "timeout"),
			Horizon:       vtime.Forever,
		}
		c.QueueCapacity = c.MaxBatch + rapid.IntRange(0, 12).Draw(t, "spare")
		mean := make([]float64, c.MaxBatch+1)
		for b := range mean {
			mean[b] = 10 + 4*float64(b)
		}
		s := NewServiceTime(mean, rapid.SampledFrom([]Distribution{Deterministic, Exponential, LogNormal}).Draw(t, "law"),
			0.5, rapid.Bool().Draw(t, "contended"))
		// Gaps of 0 make ties, long ones let the queue run empty.
		gaps := rapid.SliceOfN(rapid.SampledFrom([]int64{0, 0, 1, 2, 3, 5, 8, 40, 300}), 1, 200).Draw(t, "gaps")
		var arrivals []int64
		now := int64(0)
		for _, g := range gaps {
			now += g
			arrivals = append(arrivals, now)
		}
		cuts := rapid.SliceOfN(rapid.Int64Range(0, now+1), 0, 5).Draw(t, "cuts")

		want := runTwin(c, s, rng.New(1).Stream("service"), arrivals)
		for _, bulk := range []bool{true, false} {
			if got := runFast(c, s, arrivals, cuts, bulk); got != want {
				t.Fatalf("config %+v, bulk %v, arrivals %v, cuts %v:\ntwin %v\nfast %v", c, bulk, arrivals, cuts, want, got)
			}
		}
	})
}

// runFast runs one replica up to each cut and then to the end.
func runFast(c Config, s *ServiceTime, arrivals, cuts []int64, bulk bool) outcome {
	var stats Stats
	r := NewReplica(&c, s, rng.New(1).Stream("service"), &stats)
	out := outcome{}
	take := func(t int64) {
		r.TakeBusy(vtime.Time(t), func(_ int, ns int64) { out.BusyNs += ns })
	}
	slices.Sort(cuts)
	for _, t := range append(slices.Clone(cuts), 1<<40) {
		n, _ := slices.BinarySearch(arrivals, t)
		for _, a := range arrivals[:n] {
			switch {
			case !bulk:
				r.arrive(a)
			case !r.full() || !r.refuse(a):
				r.push(a)
			}
		}
		arrivals = arrivals[n:]
		take(t)
	}
	out.Latency, out.TimedOut, out.Dropped, out.Batches = stats.Latency, r.timedOut, r.dropped, stats.Batches
	return out
}

func (o outcome) String() string {
	mean, _ := o.Latency.MeanSeconds()
	return fmt.Sprintf("served %d, mean latency %g ns, timed out %d, dropped %d, %d batches, busy %d ns",
		o.Latency.N(), mean*1e9, o.TimedOut, o.Dropped, o.Batches, o.BusyNs)
}

// Every routing conserves requests, at any cut of the time.
func TestFleetConservesRequests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{
			MaxBatch: rapid.IntRange(1, 8).Draw(t, "maxBatch"), MaxQueueDelay: 3, Instances: 1,
			QueueCapacity: 10, QueueTimeout: 90, Horizon: vtime.Time(5000),
			Routing: rapid.SampledFrom([]Routing{LeastRequest, RoundRobin, Random}).Draw(t, "routing"),
		}
		s := NewServiceTime(affine(20, 2, c.MaxBatch), Exponential, 0, false)
		f, err := NewFleet(c, newPoisson(rapid.Uint64().Draw(t, "seed"), rapid.Float64Range(1e6, 4e8).Draw(t, "rate")), rng.New(1).Stream("routing"))
		if err != nil {
			t.Fatal(err)
		}
		var replicas []*Replica
		for i := range rapid.IntRange(0, 5).Draw(t, "replicas") {
			replicas = append(replicas, f.Add(s, rng.New(1).Stream("service", fmt.Sprint(i))))
		}
		for _, cut := range []vtime.Time{1000, 2500, 5000} {
			f.RunTo(cut)
			if len(replicas) > 1 && cut == 1000 {
				f.Drain(replicas[0])
			}
		}
		st := &f.Stats
		inFlight := f.InFlight(5000)
		if st.Arrived != st.Served+st.Dropped+st.TimedOut+inFlight {
			t.Fatalf("arrived %d ≠ served %d + dropped %d + timed out %d + in flight %d", st.Arrived, st.Served, st.Dropped, st.TimedOut, inFlight)
		}
		if st.Served != int64(st.Latency.N()) {
			t.Fatalf("served %d but %d latencies", st.Served, st.Latency.N())
		}
	})
}
