package serving

import (
	"slices"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Stats is what happened to a service's requests since the last Reset.
type Stats struct {
	Arrived, Served, Dropped, TimedOut int64
	Batches, BatchItems                int64
	WithinSLO                          int64
	Latency                            metrics.Histogram // of served requests
}

// Add adds o to s.
func (s *Stats) Add(o *Stats) {
	s.Arrived += o.Arrived
	s.Served += o.Served
	s.Dropped += o.Dropped
	s.TimedOut += o.TimedOut
	s.Batches += o.Batches
	s.BatchItems += o.BatchItems
	s.WithinSLO += o.WithinSLO
	s.Latency.Add(&o.Latency)
}

// Reset forgets everything.
func (s *Stats) Reset() {
	s.Latency.Reset()
	*s = Stats{Latency: s.Latency}
}

// Source yields the arrivals before an instant; see workload.Arrivals.
type Source interface {
	Fill(dst []int64, until vtime.Time) int
}

// blockSize is how many arrivals are routed at once: enough that a replica's
// state is loaded once for many requests, few enough to stay in the L2 cache.
const blockSize = 1 << 14

// Fleet is the replicas of one service and the router before them.
type Fleet struct {
	Stats    Stats // since the owner last reset it
	cfg      Config
	source   Source
	stream   *rng.Stream // the router's choices
	ready    []*Replica
	draining []*Replica
	turn     int // of RoundRobin
	buf      []int64
	picks    []int32
}

// NewFleet returns a fleet without replicas.
func NewFleet(c Config, source Source, routing *rng.Stream) (*Fleet, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return &Fleet{cfg: c, source: source, stream: routing, buf: make([]int64, blockSize), picks: make([]int32, blockSize)}, nil
}

// Add starts routing to a new replica that serves with s.
func (f *Fleet) Add(s *ServiceTime, stream *rng.Stream) *Replica {
	r := NewReplica(&f.cfg, s, stream, &f.Stats)
	f.ready = append(f.ready, r)
	return r
}

// Drain stops routing to r; what it holds is still served.
func (f *Fleet) Drain(r *Replica) {
	if i := slices.Index(f.ready, r); i >= 0 {
		f.ready = slices.Delete(f.ready, i, i+1)
		f.draining = append(f.draining, r)
	}
}

// Remove forgets a drained replica.
func (f *Fleet) Remove(r *Replica) {
	f.draining = slices.DeleteFunc(f.draining, func(d *Replica) bool { return d == r })
}

// Ready returns how many replicas are routed to.
func (f *Fleet) Ready() int { return len(f.ready) }

// InFlight returns the requests waiting or in service at t.
func (f *Fleet) InFlight(t vtime.Time) int64 {
	n := 0
	f.each(func(r *Replica) { n += r.Load(t).InFlight })
	return int64(n)
}

// Waiting returns the requests waiting at t.
func (f *Fleet) Waiting(t vtime.Time) int {
	n := 0
	f.each(func(r *Replica) { n += r.Load(t).Waiting })
	return n
}

func (f *Fleet) each(do func(*Replica)) {
	for _, r := range f.ready {
		do(r)
	}
	for _, r := range f.draining {
		do(r)
	}
}

// RunTo routes and serves everything before t; the ready replicas are fixed
// meanwhile.
func (f *Fleet) RunTo(t vtime.Time) {
	for {
		n := f.source.Fill(f.buf, t)
		f.route(f.buf[:n])
		if n < len(f.buf) {
			break
		}
	}
	f.each(func(r *Replica) { r.advance(int64(t)) })
}

// route gives each arrival to a replica. But for LeastRequest the choice does
// not depend on the replicas' state, so each takes its part of the block in one
// go, which is what makes a large fleet fast.
func (f *Fleet) route(arrivals []int64) {
	f.Stats.Arrived += int64(len(arrivals))
	picks := f.picks[:len(arrivals)]
	switch {
	case len(arrivals) == 0:
		return
	case len(f.ready) == 0:
		f.Stats.Dropped += int64(len(arrivals))
		return
	case len(f.ready) == 1:
		clear(picks)
	case f.cfg.Routing == LeastRequest:
		f.routeLeast(arrivals)
		return
	case f.cfg.Routing == Random:
		f.stream.FillIntN(picks, len(f.ready))
	default:
		f.pickInTurn(picks)
	}
	for i, t := range arrivals {
		r := f.ready[picks[i]]
		if r.full() && r.refuse(t) {
			continue
		}
		r.push(t)
	}
	for _, r := range f.ready {
		r.advance(arrivals[len(arrivals)-1])
	}
}

func (f *Fleet) pickInTurn(picks []int32) {
	turn := f.turn % len(f.ready)
	for i := range picks {
		picks[i] = int32(turn)
		if turn++; turn == len(f.ready) {
			turn = 0
		}
	}
	f.turn = turn
}

// routeLeast takes the less loaded of two distinct random replicas, the first
// drawn on a tie.
func (f *Fleet) routeLeast(arrivals []int64) {
	ready := f.ready
	n := uint64(len(ready))
	stream := *f.stream // in registers
	for _, t := range arrivals {
		u := stream.Uint64()
		i := (u >> 32) * n >> 32
		j := (u & 0xffffffff) * (n - 1) >> 32
		if j >= i {
			j++
		}
		a, b := ready[i], ready[j]
		if a.next < t {
			a.advance(t)
		}
		if b.next < t {
			b.advance(t)
		}
		if b.inFlight(t) < a.inFlight(t) {
			a = b
		}
		a.arrive(t)
	}
	*f.stream = stream
}
