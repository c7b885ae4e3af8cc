package serving

import (
	"math"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

const never = int64(math.MaxInt64)

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
	several  bool  // instances
	maxBatch int

	cfg    *Config
	stats  *Stats
	times  *ServiceTime
	stream rng.Stream // of service times

	busy      []int64 // ns with a kernel running by batch size, since the last TakeBusy
	busyUntil int64   // end of the last kernel
	lastBatch int

	served, timedOut, dropped int64 // since the beginning; served counts batches taken

	instances []instance // when there are several
}

type instance struct {
	free    int64
	inBatch int
}

// NewReplica returns an idle replica that draws service times from stream and
// adds what happens to stats.
func NewReplica(c *Config, s *ServiceTime, stream *rng.Stream, stats *Stats) *Replica {
	r := &Replica{
		next: never, cfg: c, stats: stats, times: s, stream: *stream,
		busy: make([]int64, c.MaxBatch+1), lastBatch: 1, maxBatch: c.MaxBatch, several: c.Instances > 1,
	}
	if r.several {
		r.instances = make([]instance, c.Instances)
	}
	return r
}

// arrive queues a request that arrives at t, after everything before t.
func (r *Replica) arrive(t int64) {
	if r.next < t {
		r.advance(t)
	}
	n := len(r.queue) - r.head
	if n >= r.cfg.QueueCapacity {
		r.drop()
		return
	}
	r.push(t)
	if n == 0 || n == r.maxBatch-1 {
		r.next = r.start()
		if r.cfg.QueueTimeout > 0 {
			r.next = min(r.next, r.queue[r.head]+r.cfg.QueueTimeout)
		}
	}
}

func (r *Replica) drop() {
	r.dropped++
	r.stats.Dropped++
}

// push appends an arrival; the room of those that left is used again.
func (r *Replica) push(t int64) {
	if len(r.queue) == cap(r.queue) && r.head > 0 {
		n := copy(r.queue, r.queue[r.head:])
		r.queue, r.head = r.queue[:n], 0
	}
	r.queue = append(r.queue, t)
}

// start returns when the next batch starts if nobody else arrives. Whoever
// waits arrived before now, and now is before the start.
func (r *Replica) start() int64 {
	if len(r.queue)-r.head >= r.maxBatch {
		return max(r.free, r.queue[r.head+r.maxBatch-1])
	}
	return max(r.free, r.queue[r.head]+r.cfg.MaxQueueDelay)
}

// advance lets everything happen that happens before t; all arrivals before t
// are in the queue.
func (r *Replica) advance(t int64) {
	for r.head < len(r.queue) {
		waiting := r.queue[r.head:]
		b, start := r.batch(waiting)
		event := start
		expires := r.cfg.QueueTimeout > 0 && waiting[0]+r.cfg.QueueTimeout < start
		if expires {
			event = waiting[0] + r.cfg.QueueTimeout
		}
		if c := r.cfg.QueueCapacity; c < len(waiting) && waiting[c] <= event && waiting[c] < t {
			r.queue = slices.Delete(r.queue, r.head+c, r.head+c+1)
			r.drop()
			continue
		}
		if event >= t {
			r.next = event
			return
		}
		if expires {
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
	start = max(r.free, waiting[0]+r.cfg.MaxQueueDelay)
	full := r.maxBatch
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
	r.occupy(b, end)
	if from := max(start, r.busyUntil); end > from {
		r.busy[b] += end - from
		r.busyUntil = end
		r.lastBatch = b
	}
	s := r.stats
	s.Batches++
	s.BatchItems += int64(b)
	if end <= int64(r.cfg.Horizon) { // else it is in flight at the end, not served
		arrived := r.queue[r.head : r.head+b]
		s.Served += int64(b)
		s.Latency.RecordSince(arrived, end)
		s.WithinSLO += within(arrived, end-r.cfg.SLO)
	}
	r.head += b
	r.served += int64(b)
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
func (r *Replica) occupy(b int, end int64) {
	if !r.several {
		r.free, r.inBatch = end, int32(b)
		return
	}
	first := 0
	for i, x := range r.instances {
		if x.free < r.instances[first].free {
			first = i
		}
	}
	r.instances[first] = instance{free: end, inBatch: b}
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

// inFlight returns the requests waiting or in service at t, after everything
// before t.
func (r *Replica) inFlight(t int64) int {
	n := len(r.queue) - r.head
	if !r.several {
		if r.free > t {
			n += int(r.inBatch)
		}
		return n
	}
	for _, x := range r.instances {
		if x.free > t {
			n += x.inBatch
		}
	}
	return n
}

// Load is a replica's state at one instant, and its counts since it began.
type Load struct {
	Waiting, InFlight                 int
	Routed, Served, TimedOut, Dropped int64 // requests; Served counts those that entered service
}

// Load returns the replica's load at t, after everything before t.
func (r *Replica) Load(t vtime.Time) Load {
	r.advance(int64(t))
	return Load{
		Waiting: len(r.queue) - r.head, InFlight: r.inFlight(int64(t)),
		Routed: r.served + r.timedOut + r.dropped + int64(len(r.queue)-r.head),
		Served: r.served, TimedOut: r.timedOut, Dropped: r.dropped,
	}
}

// TakeBusy calls use with the ns before t that a kernel of each batch size ran
// since the last call, and forgets them. With several instances a moment at
// which two kernels run counts once, for the batch that started first.
func (r *Replica) TakeBusy(t vtime.Time, use func(batch int, ns int64)) {
	r.advance(int64(t))
	over := max(r.busyUntil-int64(t), 0)
	for b, ns := range r.busy {
		if b == r.lastBatch {
			ns -= over
		}
		if ns != 0 {
			use(b, ns)
		}
		r.busy[b] = 0
	}
	r.busy[r.lastBatch] = over
}

// Idle reports whether nothing waits or runs at t, and if not, an instant
// before which that cannot change.
func (r *Replica) Idle(t vtime.Time) (idle bool, notBefore vtime.Time) {
	r.advance(int64(t))
	last := r.free
	for _, x := range r.instances {
		last = max(last, x.free)
	}
	if len(r.queue) == r.head {
		return last <= int64(t), vtime.Time(last)
	}
	return false, vtime.Time(max(last, r.next)) + 1
}
