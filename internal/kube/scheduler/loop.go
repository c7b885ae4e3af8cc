package scheduler

import (
	"errors"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	upstream "k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// Schedule implements cluster.Scheduler: it pops pods until none is left that
// may be tried now. With SchedulerPopFromBackoffQ, on by default, a pod in
// backoff is tried as soon as nobody else waits, so backoff costs no time here.
func (s *Scheduler) Schedule() {
	s.clock.set(s.now())
	s.woken = -1
	s.retryOld()
	s.releaseHeld()
	for s.waiting() {
		pi, err := s.NextPod(s.log())
		s.must(err, "pop a pod from", "the queue")
		s.ready--
		if !s.hold(pi) {
			s.cycle(pi)
		}
	}
	s.wakeForOld()
}

// cycle is a pod's scheduling cycle, with what follows from its API calls.
func (s *Scheduler) cycle(pi *framework.QueuedPodInfo) {
	s.one(pi)
	s.finishCalls()
}

// waiting reports whether a pod can be popped; Pop would block on an empty
// queue. The queue has no length to ask for, only copies of itself, so it is
// counted anew only when all pods of the last count have been popped. Nobody
// else takes pods out but PodRemoved, which resets the count.
func (s *Scheduler) waiting() bool {
	if s.ready <= 0 {
		s.ready = len(s.SchedulingQueue.PodsInActiveQ()) + len(s.SchedulingQueue.PodsInBackoffQ())
	}
	return s.ready > 0
}

// one is scheduleOnePod for the pod, with a binding cycle that ends at once.
func (s *Scheduler) one(pi *framework.QueuedPodInfo) {
	s.inCycle = s.podByName[pi.Pod.Name]
	f := s.frameworks[pi.Pod.Spec.SchedulerName]
	s.must(s.Cache.UpdateSnapshot(s.log(), s.snapshot), "update the snapshot for", pi.Pod.Name)
	state := framework.NewCycleState()
	state.Write(framework.PodsToActivateKey, framework.NewPodsToActivate())
	result, err := s.schedule(f, state, pi)
	if err != nil {
		s.failed(f, state, pi, err)
		return
	}
	how := decisions.Placement{Evaluated: result.EvaluatedNodes, Feasible: result.FeasibleNodes}
	if s.explainer != nil {
		s.explainer.explain(f, state, pi.Pod, &how)
	}
	s.bind(f, state, result.SuggestedHost, how)
}

// schedule is schedulePod, with what is remembered or without.
func (s *Scheduler) schedule(f framework.Framework, state fwk.CycleState, pi *framework.QueuedPodInfo) (upstream.ScheduleResult, error) {
	if m, ok := f.(*memo); ok {
		if result, err, ok := m.schedule(s.ctx, state, pi.Pod); ok {
			return result, err
		}
	}
	return s.SchedulePod(s.ctx, f, state, pi)
}

// bind assumes the pod on the node, reserves and binds it.
func (s *Scheduler) bind(f framework.Framework, state fwk.CycleState, node string, how decisions.Placement) {
	before := s.pods[s.inCycle]
	o := s.newVersion(before)
	o.Spec.NodeName = node
	o.Status.StartTime = &metav1.Time{Time: s.now().Truncate(time.Second)} // as the API has it
	s.must(s.Cache.AssumePod(s.log(), o), "assume pod", o.Name)
	s.SchedulingQueue.DeleteNominatedPodIfExists(o)
	s.must(f.RunReservePluginsReserve(s.ctx, state, o, node).AsError(), "reserve for pod", o.Name)
	_, permit := f.RunPermitPlugins(s.ctx, state, o, node)
	s.must(permit.AsError(), "permit pod", o.Name)
	s.must(f.RunPreBindPlugins(s.ctx, state, o, node).AsError(), "bind pod", o.Name)
	s.SchedulingQueue.Done(o.UID)
	f.RunPostBindPlugins(s.ctx, state, o, node)
	// The watch brings the binding back (updatePod: addAssignedPodToCache,
	// deletePodFromSchedulingQueue).
	p := s.inCycle
	s.update(p, o)
	s.must(s.Cache.AddPod(s.log(), o), "confirm pod", o.Name)
	s.move(framework.EventAssignedPodAdd, nil, o)
	s.SchedulingQueue.Delete(before)
	s.host.Bind(p, s.byName[node], how)
}

// failed is what follows a cycle without a node: preemption, and the pod's way
// back into the queue.
func (s *Scheduler) failed(f framework.Framework, state fwk.CycleState, pi *framework.QueuedPodInfo, err error) {
	p := s.inCycle
	how := decisions.Placement{}
	clearNomination := &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride}
	var fit *framework.FitError
	switch {
	case errors.Is(err, upstream.ErrNoNodesAvailable):
		s.FailureHandler(s.ctx, f, pi, fwk.NewStatus(fwk.Unschedulable).WithError(misfit(pi.Pod)), clearNomination, s.clock.Now())
	case errors.As(err, &fit):
		how.Evaluated = fit.NumAllNodes
		if s.explainer != nil {
			s.explainer.explain(f, state, pi.Pod, &how)
		}
		nominated := clearNomination
		if f.HasPostFilterPlugins() {
			s.refreshBudgets()
			result, status := f.RunPostFilterPlugins(s.ctx, state, pi.Pod, fit.Diagnosis.NodeToStatus)
			if status.Code() == fwk.Error {
				s.must(status.AsError(), "preempt for pod", pi.Pod.Name)
			}
			fit.Diagnosis.PostFilterMsg = status.Message()
			nominated = nil
			if result != nil {
				nominated = result.NominatingInfo
				how.Nominated = result.NominatedNodeName
			}
		}
		s.FailureHandler(s.ctx, f, pi, fwk.NewStatus(fwk.Unschedulable).WithError(err), nominated, s.clock.Now())
	default:
		panic(fmt.Sprintf("kube-scheduler: schedule pod %s: %v", pi.Pod.Name, err))
	}
	s.host.Refuse(p, err.Error(), how)
}

// misfit is why a pod finds no node where none is on. Upstream takes that for an
// error, after which nothing but time lets the pod be tried again. But every
// cluster has some node without GPUs, for its control plane if for nothing
// else: there the pod is refused for want of a GPU, and the next node that
// comes wakes it. So it is here.
func misfit(pod *v1.Pod) *framework.FitError {
	return &framework.FitError{Pod: pod, Diagnosis: framework.Diagnosis{
		NodeToStatus: framework.NewDefaultNodeToStatus(), UnschedulablePlugins: sets.New(names.NodeResourcesFit),
	}}
}

// refreshBudgets brings the status of the PodDisruptionBudgets up to date, as
// their controller would have.
func (s *Scheduler) refreshBudgets() {
	for i, b := range s.budgets {
		if b == nil {
			continue
		}
		fresh := b.DeepCopy()
		fresh.Status.DisruptionsAllowed = int32(max(s.host.Allowed(i), 0))
		s.budgets[i] = fresh
		s.must(s.informers.Policy().V1().PodDisruptionBudgets().Informer().GetIndexer().Update(fresh), "update budget", b.Name)
	}
}
