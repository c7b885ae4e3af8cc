package scheduler

import (
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/kube/plugins/power"
)

// Each method here makes the calls of the upstream event handler for the same
// change of an object.

func (s *Scheduler) log() klog.Logger { return klog.FromContext(s.ctx) }

// move wakes the pods that the event may help.
func (s *Scheduler) move(e fwk.ClusterEvent, before, after any) {
	s.clock.set(s.now())
	s.SchedulingQueue.MoveAllToActiveOrBackoffQueue(s.log(), e, before, after, nil)
}

// NodeAdded implements cluster.Scheduler (addNodeToCache).
func (s *Scheduler) NodeAdded(n *cluster.Node) {
	o := s.cfg.Pools[n.Pool].node(n.Name, s.host.Intensity(n))
	s.nodes[n], s.byName[n.Name] = o, n
	s.Cache.AddNode(s.log(), o)
	s.move(fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}, nil, o)
}

// NodeUpdated implements cluster.Scheduler (updateNodeInCache).
func (s *Scheduler) NodeUpdated(n *cluster.Node) {
	before := s.nodes[n]
	after := before.DeepCopy()
	after.ResourceVersion = s.nextVersion()
	after.Annotations[power.Intensity] = watts(s.host.Intensity(n))
	if n.Cordoned != before.Spec.Unschedulable {
		s.cfg.Pools[n.Pool].cordon(after, n.Cordoned)
	}
	s.nodes[n] = after
	s.Cache.UpdateNode(s.log(), before, after)
	for _, e := range framework.NodeSchedulingPropertiesChange(after, before) {
		s.move(e, before, after)
	}
	s.wakeIfMoved()
}

// NodeRemoved implements cluster.Scheduler (deleteNodeFromCache).
func (s *Scheduler) NodeRemoved(n *cluster.Node) {
	o := s.nodes[n]
	s.move(fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Delete}, o, nil)
	s.must(s.Cache.RemoveNode(s.log(), o), "remove node", n.Name)
	delete(s.nodes, n)
	delete(s.byName, n.Name)
	s.wakeIfMoved()
}

// wakeIfMoved asks for a call of Schedule if the event has woken a pod; after
// other events the host calls by itself.
func (s *Scheduler) wakeIfMoved() {
	if now := s.host.Now(); s.woken != now && s.waiting() {
		s.woken = now
		s.host.Wake(now)
	}
}

// PodAdded implements cluster.Scheduler (addPodToSchedulingQueue).
func (s *Scheduler) PodAdded(p *cluster.Pod) {
	s.clock.set(s.now())
	o := s.podObject(p)
	s.pods[p], s.podByName[o.Name] = o, p
	s.must(s.podIndexer().Add(o), "index pod", o.Name)
	s.SchedulingQueue.Add(s.ctx, o)
}

// PodTerminating implements cluster.Scheduler.
func (s *Scheduler) PodTerminating(p *cluster.Pod) {
	before := s.pods[p]
	after := s.newVersion(before)
	after.DeletionTimestamp = &metav1.Time{Time: s.now()}
	s.updateAssigned(p, before, after)
}

// updateAssigned brings a new version of a pod that has a node
// (updateAssignedPodInCache).
func (s *Scheduler) updateAssigned(p *cluster.Pod, before, after *v1.Pod) {
	s.update(p, after)
	s.must(s.Cache.UpdatePod(s.log(), before, after), "update pod", after.Name)
	for _, e := range framework.PodSchedulingPropertiesChange(after, before) {
		s.move(e, before, after)
	}
}

// PodRemoved implements cluster.Scheduler (deleteAssignedPodFromCache,
// deletePodFromSchedulingQueue).
func (s *Scheduler) PodRemoved(p *cluster.Pod) {
	o := s.pods[p]
	s.must(s.podIndexer().Delete(o), "forget pod", o.Name)
	s.nominees -= nominee(o)
	delete(s.pods, p)
	delete(s.podByName, o.Name)
	if o.Spec.NodeName != "" {
		s.must(s.Cache.RemovePod(s.log(), o), "remove pod", o.Name)
		s.move(framework.EventAssignedPodDelete, o, nil)
		return
	}
	s.clock.set(s.now())
	s.SchedulingQueue.Delete(o)
	s.forgetHeld(o.Name)
	s.ready = 0 // the pod may have been one of them
	if o.Status.NominatedNodeName != "" {
		s.moveNotAbove(o)
	}
}

// moveNotAbove wakes the pods of no higher priority: a pod with a nominated
// node was as good as placed for them, and is not any more.
func (s *Scheduler) moveNotAbove(o *v1.Pod) {
	priority := corev1helpers.PodPriority(o)
	s.SchedulingQueue.MoveAllToActiveOrBackoffQueue(s.log(), framework.EventAssignedPodDelete, o, nil, func(q *v1.Pod) bool {
		return corev1helpers.PodPriority(q) <= priority
	})
}

// update puts a new version of a pod's object in place.
func (s *Scheduler) update(p *cluster.Pod, o *v1.Pod) {
	s.nominees += nominee(o) - nominee(s.pods[p])
	s.pods[p] = o
	s.must(s.podIndexer().Update(o), "update pod", o.Name)
}

// nominee is 1 for a pod that waits and has a nominated node.
func nominee(o *v1.Pod) int {
	if o.Spec.NodeName == "" && o.Status.NominatedNodeName != "" {
		return 1
	}
	return 0
}

func (s *Scheduler) podIndexer() cache.Indexer {
	return s.informers.Core().V1().Pods().Informer().GetIndexer()
}

// must stops the run when upstream refuses what can only be refused after a
// mistake of ours.
func (s *Scheduler) must(err error, doing, name string) {
	if err != nil {
		panic("kube-scheduler: " + doing + " " + name + ": " + err.Error())
	}
}
