package scheduler

import (
	"slices"
	"time"

	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// A pod can preempt for ever: where the successors of its victims take other
// nodes that it needs, it preempts them there, and so on. In a cluster that
// goes round as fast as pods can be deleted and created; here both take no
// time, and the instant would have no end. So a pod that has preempted often
// enough in one instant is held in its scheduling cycle for a while. The
// events of that time reach it when the cycle ends, as upstream has it.
const (
	preemptionsAtOnce = 3
	heldFor           = time.Second
)

// heldPod is in its scheduling cycle until then.
type heldPod struct {
	pi    *framework.QueuedPodInfo
	until vtime.Time
}

// hold reports whether the pod is to be held, and holds it.
func (s *Scheduler) hold(pi *framework.QueuedPodInfo) bool {
	if s.preempted.at != s.host.Now() || s.preempted.times[s.podByName[pi.Pod.Name]] < preemptionsAtOnce {
		return false
	}
	until := s.host.Now().Add(heldFor)
	s.held = append(s.held, heldPod{pi, until})
	s.host.Wake(until)
	return true
}

// releaseHeld ends the cycles of pods that have been held long enough.
func (s *Scheduler) releaseHeld() {
	for len(s.held) > 0 && s.held[0].until <= s.host.Now() {
		pi := s.held[0].pi
		s.held = s.held[1:]
		s.cycle(pi)
	}
}

// forgetHeld drops a pod that is gone.
func (s *Scheduler) forgetHeld(name string) {
	i := slices.IndexFunc(s.held, func(h heldPod) bool { return h.pi.Pod.Name == name })
	if i < 0 {
		return
	}
	s.SchedulingQueue.Done(s.held[i].pi.Pod.UID)
	s.held = slices.Delete(s.held, i, i+1)
}

// preempted counts how often each pod has preempted in an instant.
type preempted struct {
	at    vtime.Time
	times map[*cluster.Pod]int
}

func (p *preempted) count(now vtime.Time, by *cluster.Pod) {
	if p.at != now || p.times == nil {
		*p = preempted{now, map[*cluster.Pod]int{}}
	}
	p.times[by]++
}
