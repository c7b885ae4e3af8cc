package hpa

import (
	"context"
	"errors"
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
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
	requests   map[string]map[string]int64 // container → resource → thousandths

	o    policies.Observation
	pods []*v1.Pod
	at   []time.Time // the newest scrape, by pod
	wall time.Time
}

const margin = time.Hour

func newView(c *Config, containers []policies.Container) *view {
	v := &view{config: c, requests: map[string]map[string]int64{}}
	for _, x := range containers {
		list := v1.ResourceList{}
		for name, milli := range x.Requests {
			list[v1.ResourceName(name)] = *resource.NewMilliQuantity(milli, resource.DecimalSI)
		}
		v.containers = append(v.containers, v1.Container{Name: x.Name, Resources: v1.ResourceRequirements{Requests: list}})
		v.requests[x.Name] = x.Requests
	}
	return v
}

// see makes the view that of an observation.
func (v *view) see(o policies.Observation) {
	v.o, v.wall = o, time.Now()
	v.pods, v.at = v.pods[:0], v.at[:0]
	objects := make([]v1.Pod, len(o.Pods))
	for i := range o.Pods {
		v.at = append(v.at, v.pod(&o.Pods[i], &objects[i]))
		v.pods = append(v.pods, &objects[i])
	}
}

// pod fills in the Pod object and returns the time of the newest scrape in its
// time.
func (v *view) pod(p *policies.Pod, o *v1.Pod) time.Time {
	o.Name, o.Namespace = p.Name, namespace
	o.Spec.Containers = v.containers
	o.Status.Phase = v1.PodPending
	ready := v1.ConditionFalse
	if p.Running {
		o.Status.Phase = v1.PodRunning
	}
	if p.Ready {
		ready = v1.ConditionTrue
	}
	if p.Started == vtime.Forever {
		o.Status.Conditions = []v1.PodCondition{{Type: v1.PodReady, Status: ready}}
		return v.wall
	}
	border := p.Started.Add(v.config.CPUInitializationPeriod.D())
	start := v.wall.Add(-v.config.CPUInitializationPeriod.D() - margin)
	if border > v.o.Now {
		start = start.Add(2 * margin)
	}
	time := func(t vtime.Time) metav1.Time { return metav1.Time{Time: start.Add(t.Sub(p.Started))} }
	began := time(p.Started)
	o.Status.StartTime = &began
	changed := began
	if p.ReadyAt != vtime.Forever {
		changed = time(p.ReadyAt)
	}
	o.Status.Conditions = []v1.PodCondition{{Type: v1.PodReady, Status: ready, LastTransitionTime: changed}}
	return time(v.o.At).Time
}

// List implements corelisters.PodLister and PodNamespaceLister.
func (v *view) List(labels.Selector) ([]*v1.Pod, error) { return v.pods, nil }

// Pods implements corelisters.PodLister.
func (v *view) Pods(string) corelisters.PodNamespaceLister { return v }

// Get implements corelisters.PodNamespaceLister.
func (v *view) Get(name string) (*v1.Pod, error) {
	return nil, apierrors.NewNotFound(v1.Resource("pods"), name)
}

// errNoMetrics is what upstream's clients say when the metrics APIs have nothing.
var errNoMetrics = errors.New("no metrics returned from custom metrics API")

// GetRawMetric implements metricsclient.MetricsClient.
func (v *view) GetRawMetric(name, _ string, _, _ labels.Selector) (metricsclient.PodMetricsInfo, time.Time, error) {
	return v.perPod(func(p *policies.Pod) (int64, bool) {
		return milli(find(podMetrics, name).pod(p.Metrics)), true
	}, errNoMetrics)
}

// podMetrics and serviceMetrics are the catalogues, made once.
var podMetrics, serviceMetrics = PodMetrics(), ServiceMetrics()

// GetResourceMetric implements metricsclient.MetricsClient: a container's use,
// or the pod's.
func (v *view) GetResourceMetric(_ context.Context, name v1.ResourceName, _ string, _ labels.Selector, container string) (metricsclient.PodMetricsInfo, time.Time, error) {
	return v.perPod(func(p *policies.Pod) (int64, bool) {
		use := p.Metrics.CPUCores
		if name == gpu {
			use = float64(p.Metrics.BusyRatio * float64(v.requested(gpu)) / 1000)
		}
		if container != "" && container != v.user(string(name)) {
			return 0, v.requests[container] != nil // a container besides the server uses nothing
		}
		return milli(use), true
	}, errors.New("no metrics returned from resource metrics API"))
}

// requested is what the pod's containers ask for together, in thousandths.
func (v *view) requested(name string) int64 {
	sum := int64(0)
	for _, c := range v.containers {
		sum += v.requests[c.Name][name]
	}
	return sum
}

// user is the container that uses a resource: the one that asks for the GPU,
// which is the server.
func (v *view) user(string) string {
	for _, c := range v.containers {
		if v.requests[c.Name][gpu] > 0 {
			return c.Name
		}
	}
	return v.containers[0].Name
}

func (v *view) perPod(read func(*policies.Pod) (int64, bool), none error) (metricsclient.PodMetricsInfo, time.Time, error) {
	info := metricsclient.PodMetricsInfo{}
	for i := range v.o.Pods {
		p := &v.o.Pods[i]
		if !p.HasMetrics {
			continue
		}
		if value, ok := read(p); ok {
			info[p.Name] = metricsclient.PodMetric{Timestamp: v.at[i], Window: v.o.Window, Value: value}
		}
	}
	if len(info) == 0 {
		return nil, time.Time{}, none
	}
	return info, v.wall, nil
}

// GetObjectMetric implements metricsclient.MetricsClient.
func (v *view) GetObjectMetric(name, _ string, _ *autoscalingv2.CrossVersionObjectReference, _ labels.Selector) (int64, time.Time, error) {
	value, ok := find(serviceMetrics, name).service(v.o)
	if !ok || !v.o.Valid {
		return 0, time.Time{}, errNoMetrics
	}
	return milli(value), v.wall, nil
}

// GetExternalMetric implements metricsclient.MetricsClient.
func (v *view) GetExternalMetric(name, _ string, _ labels.Selector) ([]int64, time.Time, error) {
	value, ok := find(serviceMetrics, name).service(v.o)
	if !ok || !v.o.Valid {
		return nil, time.Time{}, fmt.Errorf("no metrics returned from external metrics API")
	}
	return []int64{milli(value)}, v.wall, nil
}
