package serving

import "github.com/kwatt-sim/kwatt/internal/vtime"

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
	Batches                           int64 // that started
	// Latency and Wait (until the batch starts) of the served requests, added
	// up in ns; those that end after the horizon are left out.
	LatencyNs, WaitNs int64
}

// Load returns the replica's load at t, after everything before t.
func (r *Replica) Load(t vtime.Time) Load {
	r.advance(int64(t))
	return Load{
		Waiting: len(r.queue) - r.head, InFlight: r.inFlight(int64(t)),
		Routed: r.served + r.timedOut + r.dropped + int64(len(r.queue)-r.head),
		Served: r.served, TimedOut: r.timedOut, Dropped: r.dropped, Batches: r.batches,
		LatencyNs: r.latencyNs, WaitNs: r.latencyNs - r.serviceNs,
	}
}

// TakeBusy calls use with the ns before t that a kernel of each slot ran since the
// last call, and forgets them. A slot is a batch size, and after a Switch its level
// times MaxBatch+1 more. With several instances a moment at which two kernels run
// counts once, for the batch that started first.
func (r *Replica) TakeBusy(t vtime.Time, use func(slot int, ns int64)) {
	r.advance(int64(t))
	r.busyBeyond(int64(t), func(slot int, ns int64) { r.busy[slot] -= ns })
	for slot, ns := range r.busy {
		if ns != 0 {
			use(slot, ns)
		}
	}
	clear(r.busy)
	r.busyBeyond(int64(t), func(slot int, ns int64) { r.busy[slot] += ns })
}

// busyBeyond calls do with the busy time at t and after it of each batch that
// started before t.
func (r *Replica) busyBeyond(t int64, do func(slot int, ns int64)) {
	if !r.several {
		if r.busyUntil > t {
			do(r.slot, r.busyUntil-t)
		}
		return
	}
	for _, x := range r.instances {
		if from := max(x.counted, t); x.free > from {
			do(x.slot, x.free-from)
		}
	}
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
