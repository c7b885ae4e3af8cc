package scheduler

import (
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// retry is the queue's loop flushUnschedulablePodsLeftover: at each multiple of
// every since the scenario's start, pods that have been unschedulable for more
// than after are tried again, whatever has happened meanwhile.
type retry struct {
	every, after time.Duration
	due          vtime.Time // when the next pod is old enough; 0 when none waits
}

var upstreamRetry = retry{every: 30 * time.Second, after: 5 * time.Minute}

// next returns the first tick at which a pod that was refused at t is old enough.
func (r retry) next(t time.Time) vtime.Time {
	old := t.Sub(epoch) + r.after
	return vtime.At(old - old%r.every + r.every)
}

// retryOld moves the pods that are old enough at this tick.
func (s *Scheduler) retryOld() {
	now := s.host.Now()
	if s.retry.due == 0 || now < s.retry.due {
		return
	}
	s.retry.due = 0
	old := map[*v1.Pod]bool{}
	for _, p := range s.SchedulingQueue.UnschedulablePods() {
		if s.retryAt(p) <= now {
			old[p] = true
		}
	}
	if len(old) > 0 {
		s.SchedulingQueue.MoveAllToActiveOrBackoffQueue(s.log(), framework.EventUnschedulableTimeout, nil, nil, func(p *v1.Pod) bool { return old[p] })
	}
}

// wakeForOld asks the host for a call when the first pod will be old enough.
// While a call is asked for nothing more is to be done: no pod that is refused
// later is old enough earlier.
func (s *Scheduler) wakeForOld() {
	if s.retry.due != 0 {
		return
	}
	for _, p := range s.SchedulingQueue.UnschedulablePods() {
		if at := s.retryAt(p); s.retry.due == 0 || at < s.retry.due {
			s.retry.due = at
		}
	}
	if s.retry.due != 0 {
		s.host.Wake(s.retry.due)
	}
}

// retryAt is when an unschedulable pod is tried again without an event.
func (s *Scheduler) retryAt(p *v1.Pod) vtime.Time {
	pi, ok := s.SchedulingQueue.GetPod(p.Name, p.Namespace)
	if !ok {
		return vtime.Forever
	}
	return s.retry.next(pi.Timestamp)
}
