package hpa

import (
	"context"
	"errors"
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corelisters "k8s.io/client-go/listers/core/v1"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// namespace of the pods.
const namespace = "default"

// view is an observation as upstream's ReplicaCalculator looks at it: a lister
// of pods and a client of the metrics APIs.
//
// The calculator compares the start of a pod with the wall clock, in one place:
// whether it is still in its CPU initialization period. So each pod's times are
// moved, all by the same amount, to an hour before or after that border, on the
// side where they are in virtual time.
type view struct {
	config     *Config
	containers []v1.Container
	server     string           // the container that uses the CPU and the GPU
	gpus       map[string]int64 // thousandths that each container asks for

	o       policies.Observation
	pods    []*v1.Pod   // those of the observation, then the draining ones
	at      []time.Time // the newest scrape, in the time of each pod
	wall    time.Time
	objects []*object // room for pods, kept
}

// object is a Pod with what it points to.
type object struct {
	pod     v1.Pod
	started metav1.Time
	ready   [1]v1.PodCondition
}

const margin = time.Hour

func newView(c *Config, containers []policies.Container) *view {
	v := &view{config: c, gpus: map[string]int64{}}
	for _, x := range containers {
		list := v1.ResourceList{}
		for name, milli := range x.Requests {
			list[v1.ResourceName(name)] = *resource.NewMilliQuantity(milli, resource.DecimalSI)
		}
		v.containers = append(v.containers, v1.Container{Name: x.Name, Resources: v1.ResourceRequirements{Requests: list}})
		v.gpus[x.Name] = x.Requests[gpu]
		if v.server == "" || v.gpus[v.server] == 0 && v.gpus[x.Name] > 0 {
			v.server = x.Name
		}
	}
	return v
}

// see makes the view that of an observation.
func (v *view) see(o policies.Observation) {
	v.o, v.wall = o, time.Now()
	v.pods, v.at = v.pods[:0], v.at[:0]
	for i := range o.Pods {
		v.at = append(v.at, v.pod(&o.Pods[i]))
	}
	for i := range o.Draining {
		v.draining(i)
	}
}

// add returns the object of one more pod.
func (v *view) add(name string, ready v1.ConditionStatus) *object {
	if len(v.pods) == len(v.objects) {
		v.objects = append(v.objects, new(object))
	}
	x := v.objects[len(v.pods)]
	*x = object{ready: [1]v1.PodCondition{{Type: v1.PodReady, Status: ready}}}
	x.pod.Name, x.pod.Namespace = name, namespace
	x.pod.Spec.Containers = v.containers
	x.pod.Status.Conditions = x.ready[:]
	v.pods = append(v.pods, &x.pod)
	return x
}

// draining adds the i-th draining replica. The calculator leaves it out, except
// where it counts the ready pods for a Value target.
func (v *view) draining(i int) {
	x := v.add(drainingName(i), v1.ConditionTrue)
	x.pod.DeletionTimestamp = &metav1.Time{Time: v.wall}
	x.pod.Status.Phase = v1.PodRunning
}

// drainingName is a name that no pod can have.
func drainingName(i int) string { return fmt.Sprintf("draining/%d", i) }

// pod adds a pod and returns when the newest scrape was, in the pod's time.
func (v *view) pod(p *policies.Pod) time.Time {
	ready := v1.ConditionFalse
	if p.Ready {
		ready = v1.ConditionTrue
	}
	x := v.add(p.Name, ready)
	x.pod.Status.Phase = v1.PodPending
	if p.Running {
		x.pod.Status.Phase = v1.PodRunning
	}
	if p.Started == vtime.Forever {
		return v.wall
	}
	border := p.Started.Add(v.config.CPUInitializationPeriod.D())
	start := v.wall.Add(-v.config.CPUInitializationPeriod.D() - margin)
	if border > v.o.Now {
		start = start.Add(2 * margin)
	}
	time := func(t vtime.Time) time.Time { return start.Add(t.Sub(p.Started)) }
	x.started.Time, x.ready[0].LastTransitionTime.Time = start, start
	x.pod.Status.StartTime = &x.started
	if p.ReadyAt != vtime.Forever {
		x.ready[0].LastTransitionTime.Time = time(p.ReadyAt)
	}
	return time(v.o.At)
}

// List implements corelisters.PodLister and PodNamespaceLister.
func (v *view) List(labels.Selector) ([]*v1.Pod, error) { return v.pods, nil }

// Pods implements corelisters.PodLister.
func (v *view) Pods(string) corelisters.PodNamespaceLister { return v }

// Get implements corelisters.PodNamespaceLister.
func (v *view) Get(name string) (*v1.Pod, error) {
	return nil, apierrors.NewNotFound(v1.Resource("pods"), name)
}

// podMetrics and serviceMetrics are the catalogues, made once.
var podMetrics, serviceMetrics = PodMetrics(), ServiceMetrics()

// GetRawMetric implements metricsclient.MetricsClient.
func (v *view) GetRawMetric(name, _ string, _, _ labels.Selector) (metricsclient.PodMetricsInfo, time.Time, error) {
	of := find(podMetrics, name).pod
	return v.perPod("custom", func(p *policies.Pod) int64 { return milli(of(p.Metrics)) })
}

// GetResourceMetric implements metricsclient.MetricsClient: what the pod uses,
// or one container. The server uses it all; the others are idle.
func (v *view) GetResourceMetric(_ context.Context, name v1.ResourceName, _ string, _ labels.Selector, container string) (metricsclient.PodMetricsInfo, time.Time, error) {
	return v.perPod("resource", func(p *policies.Pod) int64 {
		switch {
		case container != "" && container != v.server:
			return 0
		case name == gpu:
			return milliUsed(p.Metrics.BusyRatio * float64(v.gpus[v.server]) / 1000)
		}
		return milliUsed(p.Metrics.CPUCores)
	})
}

// perPod reads a metric of every pod that has metrics.
func (v *view) perPod(api string, read func(*policies.Pod) int64) (metricsclient.PodMetricsInfo, time.Time, error) {
	info := metricsclient.PodMetricsInfo{}
	for i := range v.o.Pods {
		if p := &v.o.Pods[i]; p.HasMetrics {
			info[p.Name] = metricsclient.PodMetric{Timestamp: v.at[i], Window: v.o.Window, Value: read(p)}
		}
	}
	if v.o.Valid {
		for i := range v.o.Draining { // the calculator ignores the value
			info[drainingName(i)] = metricsclient.PodMetric{Timestamp: v.wall, Window: v.o.Window}
		}
	}
	if len(info) == 0 {
		return nil, time.Time{}, fmt.Errorf("no metrics returned from %s metrics API", api)
	}
	return info, v.wall, nil
}

// GetObjectMetric implements metricsclient.MetricsClient. Its error is that of
// an adapter which does not find the metric.
func (v *view) GetObjectMetric(name, _ string, object *autoscalingv2.CrossVersionObjectReference, _ labels.Selector) (int64, time.Time, error) {
	value, ok := v.service(name)
	if !ok {
		plural, _ := meta.UnsafeGuessKindToResource(schema.FromAPIVersionAndKind(object.APIVersion, object.Kind))
		return 0, time.Time{}, fmt.Errorf("unable to fetch metrics from custom metrics API: the server could not find the metric %s for %s %s", name, plural.GroupResource(), object.Name)
	}
	return value, v.wall, nil
}

// GetExternalMetric implements metricsclient.MetricsClient.
func (v *view) GetExternalMetric(name, _ string, _ labels.Selector) ([]int64, time.Time, error) {
	value, ok := v.service(name)
	if !ok {
		return nil, time.Time{}, errors.New("no metrics returned from external metrics API")
	}
	return []int64{value}, v.wall, nil
}

// service reads a metric of the whole service, in thousandths.
func (v *view) service(name string) (value int64, ok bool) {
	if !v.o.Valid {
		return 0, false
	}
	m := find(v.config.served, name)
	if m == nil {
		m = find(serviceMetrics, name)
	}
	x, ok := m.service(v.o)
	return milli(x), ok
}
