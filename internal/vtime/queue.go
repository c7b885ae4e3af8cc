package vtime

import "container/heap"

// Priority orders events at the same instant; the lower one runs first.
type Priority int

// The order of causes within one instant. A cluster change is seen by the
// measurement that follows it, and a measurement by the decision that reads it.
const (
	PriorityCluster  Priority = iota // pods become ready, nodes boot
	PriorityMeasure                  // scrapes, carbon hours and chart bins close
	PriorityDecide                   // policies act on what was measured
	PriorityPlacePod                 // pods that the decision created are placed, then empty nodes go
)

// Queue is an event queue: events run by time, then priority, then the order
// in which they were scheduled, so a run never depends on map or heap order.
// The zero value is an empty queue at the scenario's start.
type Queue struct {
	now    Time
	seq    uint64
	events eventHeap
}

// Now returns the instant of the event that runs, or ran last.
func (q *Queue) Now() Time { return q.now }

// At schedules run at instant t. An instant in the past runs next, at Now.
func (q *Queue) At(t Time, p Priority, run func()) {
	if t < q.now {
		t = q.now
	}
	q.seq++
	heap.Push(&q.events, event{at: t, priority: p, seq: q.seq, run: run})
}

// Next returns the instant of the earliest event, or Forever.
func (q *Queue) Next() Time {
	if len(q.events) == 0 {
		return Forever
	}
	return q.events[0].at
}

// Step sets the clock to the earliest event, runs it and reports true, or
// reports false when the queue is empty.
func (q *Queue) Step() bool {
	if len(q.events) == 0 {
		return false
	}
	e := heap.Pop(&q.events).(event)
	q.now = e.at
	e.run()
	return true
}

type event struct {
	at       Time
	priority Priority
	seq      uint64
	run      func()
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	if a.at != b.at {
		return a.at < b.at
	}
	if a.priority != b.priority {
		return a.priority < b.priority
	}
	return a.seq < b.seq
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = event{}
	*h = old[:len(old)-1]
	return e
}
