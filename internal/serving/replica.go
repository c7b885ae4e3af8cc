package serving

import (
	"math"

	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

const (
	never   = int64(math.MaxInt64)
	patient = never / 2 // a timeout that nobody reaches; added to an instant it does not overflow
)

// Replica is one batching server. Its queue is FIFO. When an instance is free
// it takes a batch as soon as MaxBatch requests wait or the oldest has waited
// MaxQueueDelay; an arrival at that very instant still joins. A request that
// has waited longer than the timeout leaves.
//
// The replica is advanced lazily: between two arrivals nothing can change but
// by the batches and time-outs that its state already implies.
type Replica struct {
	// What routing reads and writes for each request fits a cache line.
	queue    []int64 // arrival instants; those before head have left
	head     int
	next     int64 // when the next batch starts or the oldest request leaves; never if nothing waits
	free     int64 // when the first instance is free
	inBatch  int32 // requests in the batch of a lone instance
	maxBatch int32
	capacity int32 // of the queue
	several  bool  // instances

	delay   int64 // how long a request may wait for its batch to fill
	timeout int64 // how long it may wait at all
	cfg     *Config
	stats   *Stats
	times   *ServiceTime
	stream  rng.Stream // of service times

	busy      []int64 // ns with a kernel running by slot, since the last TakeBusy
	busyUntil int64   // end of the last kernel
	slots     int     // before those of the level in force
	slot      int     // of the batch of a lone instance

	// Since the beginning; a request is served when its batch starts.
	served, timedOut, dropped int64
	batches                   int64
	latencyNs, serviceNs      int64 // sums over the served requests

	instances []instance // when there are several
}

// instance is one of several that share a replica's queue. Its batch counts as
// the replica's busy time from counted to free; the time before, if any, is
// another's.
type instance struct {
	free, counted int64
	inBatch, slot int
}

// NewReplica returns an idle replica that draws service times from stream and
// adds what happens to stats.
func NewReplica(c *Config, s *ServiceTime, stream *rng.Stream, stats *Stats) *Replica {
	r := &Replica{
		next: never, cfg: c, stats: stats, times: s, stream: *stream,
		busy: make([]int64, c.MaxBatch+1), maxBatch: int32(c.MaxBatch), capacity: int32(c.QueueCapacity),
		several: c.Instances > 1, delay: c.MaxQueueDelay, timeout: patient,
	}
	if c.QueueTimeout > 0 {
		r.timeout = c.QueueTimeout
	}
	if r.several {
		r.instances = make([]instance, c.Instances)
	}
	return r
}

// Switch makes the batches that start at t or later take the times s. What TakeBusy
// says of them is in slots of this level; those that run end as they were to.
func (r *Replica) Switch(t vtime.Time, s *ServiceTime, level int) {
	r.advance(int64(t))
	r.times, r.slots = s, level*(int(r.maxBatch)+1)
	if missing := r.slots + int(r.maxBatch) + 1 - len(r.busy); missing > 0 {
		r.busy = append(r.busy, make([]int64, missing)...)
	}
}

// arrive queues a request that arrives at t, after everything before t.
func (r *Replica) arrive(t int64) {
	if r.next < t {
		r.advance(t)
	}
	if r.full() {
		r.drop()
		return
	}
	n := len(r.queue) - r.head
	r.push(t)
	if n == 0 || n == int(r.maxBatch)-1 {
		r.next = min(r.start(), r.queue[r.head]+r.timeout)
	}
}

// full reports whether the queue has no room, unless something left it since
// the replica was last advanced.
func (r *Replica) full() bool { return len(r.queue)-r.head >= int(r.capacity) }

// refuse drops a request that arrives at t and finds the queue full, after
// everything before t, and reports whether it did.
func (r *Replica) refuse(t int64) bool {
	r.advance(t)
	if !r.full() {
		return false
	}
	r.drop()
	return true
}

func (r *Replica) drop() {
	r.dropped++
	r.stats.Dropped++
}

// push appends an arrival; the room of those that left is used again once it is
// half of the queue, so that a long queue is not moved for every request.
func (r *Replica) push(t int64) {
	if len(r.queue) == cap(r.queue) && 2*r.head >= len(r.queue) && r.head > 0 {
		n := copy(r.queue, r.queue[r.head:])
		r.queue, r.head = r.queue[:n], 0
	}
	r.queue = append(r.queue, t)
}

// start returns when the next batch starts if nobody else arrives. Whoever
// waits arrived before now, and now is before the start.
func (r *Replica) start() int64 {
	if len(r.queue)-r.head >= int(r.maxBatch) {
		return max(r.free, r.queue[r.head+int(r.maxBatch)-1])
	}
	return max(r.free, r.queue[r.head]+r.delay)
}

// advance lets everything happen that happens before t; all arrivals before t
// are in the queue.
func (r *Replica) advance(t int64) {
	for r.head < len(r.queue) {
		waiting := r.queue[r.head:]
		b, start := r.batch(waiting)
		expiry := waiting[0] + r.timeout
		if event := min(start, expiry); event >= t {
			r.next = event
			return
		}
		if expiry < start {
			r.head++
			r.timedOut++
			r.stats.TimedOut++
			continue
		}
		r.dispatch(b, start)
	}
	r.queue, r.head, r.next = r.queue[:0], 0, never
}

// batch returns the size of the next batch out of the waiting requests, and
// when it starts.
func (r *Replica) batch(waiting []int64) (b int, start int64) {
	start = max(r.free, waiting[0]+r.delay)
	full := int(r.maxBatch)
	limit := min(full, len(waiting))
	for b = 1; b < limit && waiting[b] <= start; b++ {
	}
	if b == full {
		start = max(r.free, waiting[b-1])
	}
	return b, start
}

// dispatch starts a batch of b at instant start on the instance that is free.
func (r *Replica) dispatch(b int, start int64) {
	service := r.times.draw(b, &r.stream)
	if r.several {
		service *= r.contention(start)
	}
	end := start + service
	from := max(start, r.busyUntil) // the time before is counted already
	r.occupy(b, from, end)
	if end > from {
		r.busy[r.slots+b] += end - from
		r.busyUntil = end
	}
	s := r.stats
	s.Batches++
	s.BatchItems += int64(b)
	if end <= int64(r.cfg.Horizon) { // else it is in flight at the end, not served
		arrived := r.queue[r.head : r.head+b]
		s.Served += int64(b)
		seen := end + r.cfg.Network // by the clients
		r.latencyNs += s.Latency.RecordSince(arrived, seen) - int64(b)*r.cfg.Network
		r.serviceNs += int64(b) * service
		s.WithinSLO += within(arrived, seen-r.cfg.SLO)
	}
	r.head += b
	r.served += int64(b)
	r.batches++
}

// within returns how many of the sorted arrivals are not before the earliest
// that still meets the target.
func within(arrived []int64, earliest int64) int64 {
	i := 0
	for i < len(arrived) && arrived[i] < earliest {
		i++
	}
	return int64(len(arrived) - i)
}

// occupy gives a batch of b to the instance that is free first, until end.
func (r *Replica) occupy(b int, counted, end int64) {
	if !r.several {
		r.free, r.inBatch, r.slot = end, int32(b), r.slots+b
		return
	}
	first := 0
	for i, x := range r.instances {
		if x.free < r.instances[first].free {
			first = i
		}
	}
	r.instances[first] = instance{free: end, counted: counted, inBatch: b, slot: r.slots + b}
	r.free = end
	for _, x := range r.instances {
		r.free = min(r.free, x.free)
	}
}

// contention returns by how much a batch that starts at t is stretched.
func (r *Replica) contention(t int64) int64 {
	k := int64(1)
	if r.times.contended {
		for _, x := range r.instances {
			if x.free > t {
				k++
			}
		}
	}
	return k
}
