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
	s.flush()
	for s.waiting() {
		pi, err := s.NextPod(s.log())
		s.must(err, "pop a pod from", "the queue")
		s.one(pi)
		s.applyPatches()
	}
}

// waiting reports whether a pod can be popped; Pop would block on an empty queue.
func (s *Scheduler) waiting() bool {
	return len(s.SchedulingQueue.PodsInActiveQ()) > 0 || len(s.SchedulingQueue.PodsInBackoffQ()) > 0
}

// The queue's own loop looks this often for pods that were unschedulable for so long.
const (
	flushInterval    = 30 * time.Second
	maxUnschedulable = 5 * time.Minute
)

// flush moves pods back that have been unschedulable for long, whatever
// happened meanwhile (flushUnschedulablePodsLeftover). It is done when the
// scheduler runs anyway: without an event nothing has changed for such a pod.
func (s *Scheduler) flush() {
	now := s.now()
	if now.Sub(s.flushed) < flushInterval {
		return
	}
	s.flushed = now
	old := map[string]*v1.Pod{}
	for _, p := range s.SchedulingQueue.UnschedulablePods() {
		if pi, ok := s.SchedulingQueue.GetPod(p.Name, p.Namespace); ok && now.Sub(pi.Timestamp) > maxUnschedulable {
			old[p.Namespace+"/"+p.Name] = p
		}
	}
	if len(old) > 0 {
		s.SchedulingQueue.Activate(s.log(), old)
	}
}

// one is scheduleOnePod for the pod, with a binding cycle that ends at once.
func (s *Scheduler) one(pi *framework.QueuedPodInfo) {
	s.inCycle = s.podByName[pi.Pod.Name]
	f := s.Profiles[pi.Pod.Spec.SchedulerName]
	s.must(s.Cache.UpdateSnapshot(s.log(), s.snapshot), "update the snapshot for", pi.Pod.Name)
	state := framework.NewCycleState()
	state.Write(framework.PodsToActivateKey, framework.NewPodsToActivate())
	result, err := s.SchedulePod(s.ctx, f, state, pi)
	if err != nil {
		s.failed(f, state, pi, err)
		return
	}
	how := decisions.Placement{Evaluated: result.EvaluatedNodes, Feasible: result.FeasibleNodes}
	if s.explainer != nil {
		s.explainer.explain(f, state, pi.Pod, &how)
	}
	s.bind(f, state, pi, result.SuggestedHost, how)
}

// bind assumes the pod on the node, reserves and binds it.
func (s *Scheduler) bind(f framework.Framework, state fwk.CycleState, pi *framework.QueuedPodInfo, node string, how decisions.Placement) {
	before := pi.Pod
	o := before.DeepCopy()
	o.Spec.NodeName = node
	o.Status.StartTime = &metav1.Time{Time: s.now()}
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
	o.ResourceVersion = s.nextVersion()
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
