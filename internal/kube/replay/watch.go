package replay

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// record is what is known of a pod of the API server.
type record struct {
	pod     *cluster.Pod
	name    string // at the API server
	created time.Time
	ready   time.Time // when KWOK is to make it ready
	refused bool
	refusal string // the last one's message
}

// watch begins to follow the pods and HPAs of the run. Times are those at which
// the watch tells of a change: the objects' own have whole seconds.
func (r *replay) watch() error {
	factory := informers.NewSharedInformerFactoryWithOptions(r.client, 0, informers.WithNamespace(r.o.Namespace))
	follow := func(informer cache.SharedIndexInformer, changed func(any), gone func(any)) error {
		put := func(what func(any), object any) {
			r.inbox.put(vtime.PriorityCluster, func() { what(object) })
		}
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { put(changed, o) },
			UpdateFunc: func(_, o any) { put(changed, o) },
			DeleteFunc: func(o any) {
				if tomb, ok := o.(cache.DeletedFinalStateUnknown); ok {
					o = tomb.Obj
				}
				put(gone, o)
			},
		})
		return err
	}
	pods := func(o any) { r.podChanged(o.(*v1.Pod)) }
	podGone := func(o any) { r.podGone(o.(*v1.Pod)) }
	if err := follow(factory.Core().V1().Pods().Informer(), pods, podGone); err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	if err := follow(factory.Autoscaling().V2().HorizontalPodAutoscalers().Informer(), r.hpaChanged, func(any) {}); err != nil {
		return fmt.Errorf("watch HorizontalPodAutoscalers: %w", err)
	}
	watching, stop := context.WithCancel(r.ctx)
	factory.Start(watching.Done())
	r.shutdown = append(r.shutdown, func() { stop(); factory.Shutdown() })
	for kind, synced := range factory.WaitForCacheSync(watching.Done()) {
		if !synced {
			return fmt.Errorf("watch %v: stopped before it was in step", kind)
		}
	}
	return nil
}

// podChanged works the state of a pod in, however many steps it has taken since
// it was last seen.
func (r *replay) podChanged(o *v1.Pod) {
	service, ours := r.services[o.Labels[labelService]]
	if !ours {
		return
	}
	c := r.world.Cluster()
	rec := r.byUID[o.UID]
	if rec == nil {
		rec = &record{name: o.Name, created: time.Now()}
		rec.pod = c.PodCreated(service)
		r.byUID[o.UID], r.records[rec.pod] = rec, rec
	}
	p := rec.pod
	if p.Phase == cluster.Pending && o.Spec.NodeName != "" {
		r.bound(rec, o.UID, o.Spec.NodeName)
	}
	if text, refused := refusal(o); refused && p.Phase == cluster.Pending {
		if err := r.refused(rec, o.UID, text); err != nil {
			r.fail(err)
			return
		}
	}
	if p.Phase == cluster.Starting && conditionOf(o, v1.PodReady).Status == v1.ConditionTrue {
		if rec.ready.IsZero() || time.Until(rec.ready) > time.Second {
			r.fail(fmt.Errorf("pod %s is ready before its time: another kwok plays this replay's nodes", rec.name))
			return
		}
		if r.clock.running() && !rec.ready.IsZero() {
			r.lag.stage.add(r.clock.now().Sub(r.clock.at(rec.ready)))
		}
		c.PodRunning(p)
	}
	if o.DeletionTimestamp != nil {
		if d := conditionOf(o, v1.DisruptionTarget); d.Reason == v1.PodReasonPreemptionByScheduler && p.Phase != cluster.Draining && p.Phase != cluster.Gone && p.Node != nil {
			c.PodPreempted(p, d.Message)
		}
		c.PodTerminating(p)
	}
}

// bound works a binding in.
func (r *replay) bound(rec *record, uid types.UID, nodeName string) {
	n := r.nodes[nodeName]
	if n == nil {
		r.fail(fmt.Errorf("pod %s runs on node %s, which is not of this replay", rec.name, nodeName))
		return
	}
	if _, ok := n.Room().Find(r.host.Need(rec.pod, n)); !ok {
		r.fail(fmt.Errorf("kube-scheduler has put pod %s on node %s, whose GPUs have no room for it by kwatt's books", rec.name, nodeName))
		return
	}
	if !rec.refused && r.clock.running() {
		r.lag.bind.add(r.clock.virtually(time.Since(rec.created)))
	}
	var how decisions.Placement
	if r.book != nil {
		var err error
		if how, err = r.book.Bound(uid, nodeName); err != nil {
			r.fail(fmt.Errorf("pod %s: %w", rec.name, err))
			return
		}
	}
	r.onlooker.Placed(rec.pod, n)
	r.host.Bind(rec.pod, n, how)
}

// refused works in that there was no node for the pod, with the scheduler's
// message. The watch tells of it again with every other change of the pod.
func (r *replay) refused(rec *record, uid types.UID, message string) error {
	if rec.refused && rec.refusal == message {
		return nil
	}
	rec.refused, rec.refusal = true, message
	var how decisions.Placement
	if r.book != nil {
		var err error
		if how, err = r.book.Refused(uid, message); err != nil {
			return fmt.Errorf("pod %s: %w", rec.name, err)
		}
	}
	r.host.Refuse(rec.pod, message, how)
	return nil
}

// podGone works a deletion in.
func (r *replay) podGone(o *v1.Pod) {
	rec := r.byUID[o.UID]
	if rec == nil {
		return
	}
	delete(r.byUID, o.UID)
	if r.book != nil {
		r.book.Forget(o.UID)
	}
	if rec.pod.Phase != cluster.Gone {
		r.world.Cluster().PodTerminating(rec.pod)
		r.world.Cluster().Delete(rec.pod)
	}
	delete(r.records, rec.pod)
}

func conditionOf(o *v1.Pod, t v1.PodConditionType) v1.PodCondition {
	for _, c := range o.Status.Conditions {
		if c.Type == t {
			return c
		}
	}
	return v1.PodCondition{}
}

// refusal is kube-scheduler's message when it has found no node for the pod.
func refusal(o *v1.Pod) (string, bool) {
	c := conditionOf(o, v1.PodScheduled)
	return c.Message, c.Status == v1.ConditionFalse && c.Reason == v1.PodReasonUnschedulable
}
