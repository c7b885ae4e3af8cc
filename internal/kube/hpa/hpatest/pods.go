package hpatest

import (
	"fmt"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// pod is one replica: the instants of its life, most of them drawn when it is
// created, and what it does now.
type pod struct {
	name                                      string
	created, started, pulled, ready, measured vtime.Time
	terminating                               bool
	gone                                      vtime.Time // when it ends, once it is terminating

	shown state // what the API server has of it
	seen  bool  // the metrics pipeline has values of it
	does  policies.PodMetrics
}

// state is what the API server shows of a pod.
type state struct{ exists, started, running, ready, terminating bool }

func (p *pod) state(now vtime.Time) state {
	return state{exists: true, started: p.started <= now, running: p.pulled <= now, ready: p.ready <= now, terminating: p.terminating}
}

// newPod draws a pod's life. Some never find a node, never become ready or are
// never measured; some are measured before they are ready.
func (w *world) newPod(created vtime.Time) *pod {
	r, l := w.random, w.setup.life
	w.created++
	p := &pod{name: fmt.Sprintf("%s-%d", service, w.created), created: created}
	after := func(t vtime.Time, usual, slow time.Duration) vtime.Time {
		switch {
		case t == vtime.Forever || r.chance(0.02):
			return vtime.Forever
		case r.chance(0.1):
			usual = slow
		}
		return t.Add(r.span(0, time.Duration(l.slowness*float64(usual)), l.grid))
	}
	p.started = after(created, 5*time.Second, 10*time.Minute)
	p.pulled = after(p.started, 40*time.Second, 5*time.Minute)
	p.ready = after(p.pulled, 90*time.Second, 15*time.Minute)
	p.measured = after(pick(r, p.pulled, p.ready, p.ready), time.Minute, 10*time.Minute)
	return p
}

// resize makes as many pods as are asked for, as a ReplicaSet would after the
// last decision, or somewhat later.
func (w *world) resize(last, now vtime.Time) {
	w.pods = slices.DeleteFunc(w.pods, func(p *pod) bool {
		if p.terminating && p.gone <= now {
			w.remove(p)
			return true
		}
		return false
	})
	live := w.live()
	for len(live) > w.asked {
		i := len(live) - 1
		switch w.setup.life.victim {
		case 1:
			i = 0
		case 2:
			i = w.random.IntN(len(live))
		}
		w.stop(live[i], now)
		live = slices.Delete(live, i, i+1)
	}
	if w.random.chance(0.05) {
		return // the ReplicaSet controller is late
	}
	for range w.asked - len(live) {
		w.pods = append(w.pods, w.newPod(last))
	}
}

// stop asks a pod to end: a ready one may take its time.
func (w *world) stop(p *pod, now vtime.Time) {
	p.terminating, p.gone = true, now
	if p.ready <= now && w.random.chance(0.5) {
		p.gone = now.Add(w.random.span(0, 3*w.setup.flags.SyncPeriod, time.Millisecond))
	}
	if p.gone == now {
		w.remove(p)
		w.pods = slices.DeleteFunc(w.pods, func(q *pod) bool { return q == p })
	}
}

// live are the pods that a ReplicaSet counts, by age.
func (w *world) live() []*pod {
	return slices.DeleteFunc(slices.Clone(w.pods), func(p *pod) bool { return p.terminating })
}

func (w *world) remove(p *pod) {
	if p.shown.exists {
		w.must(w.client.CoreV1().Pods(namespace).Delete(w.ctx, p.name, metav1.DeleteOptions{}))
	}
}

// show brings the API server up to date.
func (w *world) show(now vtime.Time) {
	api := w.client.CoreV1().Pods(namespace)
	for _, p := range w.pods {
		is, was := p.state(now), p.shown
		if is == was {
			continue
		}
		var err error
		if p.shown = is; !was.exists {
			_, err = api.Create(w.ctx, w.object(p, is), metav1.CreateOptions{})
		} else {
			_, err = api.Update(w.ctx, w.object(p, is), metav1.UpdateOptions{})
		}
		w.must(err)
	}
}

// object is the pod as the kubelet reports it.
func (w *world) object(p *pod, is state) *v1.Pod {
	at := func(t vtime.Time) metav1.Time { return metav1.Time{Time: w.time(t)} }
	o := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: p.name, Namespace: namespace, Labels: map[string]string{"app": service}, CreationTimestamp: at(p.created)},
		Spec:       v1.PodSpec{Containers: w.containers},
		Status:     v1.PodStatus{Phase: v1.PodPending, Conditions: []v1.PodCondition{{Type: v1.PodScheduled, Status: v1.ConditionFalse}}},
	}
	if is.terminating {
		deleted := at(p.gone)
		o.DeletionTimestamp = &deleted
	}
	if !is.started {
		return o
	}
	started := at(p.started)
	o.Status.StartTime = &started
	ready := v1.PodCondition{Type: v1.PodReady, Status: v1.ConditionFalse, LastTransitionTime: started}
	if is.running {
		o.Status.Phase = v1.PodRunning
	}
	if is.ready {
		ready.Status, ready.LastTransitionTime = v1.ConditionTrue, at(p.ready)
	}
	o.Status.Conditions = []v1.PodCondition{{Type: v1.PodScheduled, Status: v1.ConditionTrue, LastTransitionTime: started}, ready}
	return o
}

// containers as the API server has them.
func containers(of []policies.Container) []v1.Container {
	var all []v1.Container
	for _, c := range of {
		requests := v1.ResourceList{}
		for name, milli := range c.Requests {
			requests[v1.ResourceName(name)] = *resource.NewMilliQuantity(milli, resource.DecimalSI)
		}
		all = append(all, v1.Container{Name: c.Name, Resources: v1.ResourceRequirements{Requests: requests}})
	}
	return all
}
