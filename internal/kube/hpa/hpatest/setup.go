package hpatest

import (
	"encoding/json"
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install" // the scheme decodes HorizontalPodAutoscalers

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// Setup is an autoscaler, the flags of its controller, and the service it scales.
type Setup struct {
	// Config is the configuration of the policy hpa, as it would stand in a scenario.
	Config string
	// Model is what the policy may know of the service.
	Model policies.Model
	// Object is what the API server would have made of the spec.
	Object *autoscalingv2.HorizontalPodAutoscaler

	flags     flags
	telemetry telemetry
	life      life
}

// flags of kube-controller-manager.
type flags struct {
	SyncPeriod, DownscaleStabilization, CPUInitializationPeriod, InitialReadinessDelay time.Duration
	Tolerance                                                                          float64
}

// telemetry is how the cluster is measured.
type telemetry struct{ scrape, lag, window time.Duration }

// life is how the service's pods live.
type life struct {
	grid     time.Duration // of the instants at which things happen to pods
	slowness float64       // factor on the time that pods take to start
	noise    float64       // how much the pods' loads differ
	outages  float64       // chance of one, at a reconcile
	victim   int           // which pods go first: 0 the newest, 1 the oldest, 2 any
}

const (
	service   = "ranker"
	namespace = "default"
)

// perReplica is how much of each metric the load of one replica makes; targets
// are near it.
var perReplica = map[string]float64{
	"requests_per_second": 400, "inflight_requests": 8, "DCGM_FI_DEV_GPU_UTIL": 60,
	"service_requests_per_second": 400, "service_inflight_requests": 8, "service_latency_p95_seconds": 0.1,
	"cpu": 0.6, "nvidia.com/gpu": 0.6,
}

func newSetup(r random) Setup {
	s := Setup{Model: policies.Model{Service: service, HasCPU: true, Containers: r.containers()}}
	s.flags = flags{
		SyncPeriod:              pick(r, 15*time.Second, 15*time.Second, 15*time.Second, 5*time.Second, 10*time.Second, time.Minute),
		Tolerance:               pick(r, 0.1, 0.1, 0, 0.05, 0.3),
		CPUInitializationPeriod: pick(r, 5*time.Minute, 5*time.Minute, 0, time.Minute, 90*time.Second),
		InitialReadinessDelay:   pick(r, 30*time.Second, 30*time.Second, 0, 2*time.Minute),
	}
	sync := s.flags.SyncPeriod
	s.flags.DownscaleStabilization = pick(r, 5*time.Minute, 5*time.Minute, 0, sync, 7*sync, 99500*time.Millisecond)
	s.telemetry = telemetry{scrape: pick(r, 15*time.Second, 5*time.Second, 30*time.Second), lag: pick(r, 0, 5*time.Second, time.Minute), window: pick(r, 30*time.Second, time.Minute)}
	s.life = life{
		grid: pick(r, time.Millisecond, time.Second, sync), slowness: pick(r, 0.2, 1, 4),
		noise: pick(r, 0, 0.1, 0.5), outages: pick(r, 0, 0.01, 0.1), victim: r.IntN(3),
	}
	spec := r.spec(sync, s.Model.Containers)
	s.Config = marshal(map[string]any{
		"spec": spec, "syncPeriod": sync.String(), "tolerance": s.flags.Tolerance,
		"downscaleStabilization": s.flags.DownscaleStabilization.String(), "cpuInitializationPeriod": s.flags.CPUInitializationPeriod.String(),
		"initialReadinessDelay": s.flags.InitialReadinessDelay.String(),
	})
	spec["scaleTargetRef"] = map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": service}
	s.Object = serve(spec)
	return s
}

func marshal(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// serve does what the API server does to a new object: decode it and fill in the defaults.
func serve(spec map[string]any) *autoscalingv2.HorizontalPodAutoscaler {
	object := map[string]any{"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": map[string]any{"name": service, "namespace": namespace}, "spec": spec}
	out, err := runtime.Decode(legacyscheme.Codecs.UniversalDecoder(autoscalingv2.SchemeGroupVersion), []byte(marshal(object)))
	if err != nil {
		panic(fmt.Sprintf("hpatest: the API server cannot read %v: %v", object, err))
	}
	return out.(*autoscalingv2.HorizontalPodAutoscaler)
}

// containers draws those of a pod: the server, and often something beside it.
func (r random) containers() []policies.Container {
	server := policies.Container{Name: "server", Requests: map[string]int64{"nvidia.com/gpu": pick[int64](r, 1000, 1000, 2000)}}
	if r.chance(0.9) {
		server.Requests["cpu"] = pick[int64](r, 500, 1000, 2000)
	}
	sidecar := policies.Container{Name: "proxy", Requests: map[string]int64{}}
	if r.chance(0.8) {
		sidecar.Requests["cpu"] = 100
	}
	return pick(r, []policies.Container{server}, []policies.Container{server}, []policies.Container{server, sidecar}, []policies.Container{sidecar, server})
}

// spec draws that of an autoscaler, without its target.
func (r random) spec(sync time.Duration, containers []policies.Container) map[string]any {
	least := r.between(1, 4)
	spec := map[string]any{"minReplicas": least, "maxReplicas": least + r.between(0, pick(r, 4, 15, 40))}
	if r.chance(0.1) {
		delete(spec, "minReplicas")
	}
	var metrics []any
	for range pick(r, 1, 1, 1, 2, 2, 3) {
		metrics = append(metrics, r.metric(containers))
	}
	if r.chance(0.97) {
		spec["metrics"] = metrics
	}
	if r.chance(0.7) {
		behavior := map[string]any{}
		for _, way := range []string{"scaleUp", "scaleDown"} {
			if r.chance(0.8) {
				behavior[way] = r.rules(sync)
			}
		}
		spec["behavior"] = behavior
	}
	return spec
}

// metric draws one of any type, with a target that suits the load.
func (r random) metric(containers []policies.Container) map[string]any {
	id := func(name string) map[string]any {
		m := map[string]any{"name": name}
		if r.chance(0.2) {
			m["selector"] = map[string]any{"matchLabels": map[string]any{"service": service}}
		}
		return m
	}
	amount := func(kind, field, name string) map[string]any {
		milli := int64(1000 * perReplica[name] * pick(r, 0.5, 0.8, 1, 1, 1.3, 2))
		if r.chance(0.03) { // the API server takes any; of Object the controller wants the right one
			kind = pick(r, "Value", "AverageValue", "Utilization")
		}
		return map[string]any{"type": kind, field: resource.NewMilliQuantity(milli, resource.DecimalSI).String()}
	}
	whole := func(name string) map[string]any {
		return pick(r, amount("Value", "value", name), amount("AverageValue", "averageValue", name))
	}
	use := func(name string) map[string]any {
		if r.chance(0.6) {
			return map[string]any{"type": "Utilization", "averageUtilization": r.between(20, 130)}
		}
		return amount("AverageValue", "averageValue", name)
	}
	ofPod := pick(r, "requests_per_second", "inflight_requests", "DCGM_FI_DEV_GPU_UTIL")
	ofService := pick(r, "service_requests_per_second", "service_inflight_requests", "service_latency_p95_seconds")
	ofNode := pick(r, "cpu", "cpu", "nvidia.com/gpu")
	switch r.IntN(5) {
	case 0:
		return map[string]any{"type": "Pods", "pods": map[string]any{"metric": id(ofPod), "target": amount("AverageValue", "averageValue", ofPod)}}
	case 1:
		object := pick(r, map[string]any{"apiVersion": "v1", "kind": "Service", "name": service}, map[string]any{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "shop"})
		return map[string]any{"type": "Object", "object": map[string]any{"describedObject": object, "metric": id(ofService), "target": whole(ofService)}}
	case 2:
		return map[string]any{"type": "External", "external": map[string]any{"metric": id(ofService), "target": whole(ofService)}}
	case 3:
		return map[string]any{"type": "Resource", "resource": map[string]any{"name": ofNode, "target": use(ofNode)}}
	}
	return map[string]any{"type": "ContainerResource", "containerResource": map[string]any{"name": ofNode, "container": pick(r, containers...).Name, "target": use(ofNode)}}
}

// rules draws the behavior of one direction. Windows and periods are often a
// whole number of sync periods, so that their edges fall on reconciles.
func (r random) rules(sync time.Duration) map[string]any {
	seconds := func(most int) int {
		n := r.between(1, most)
		if r.chance(0.7) {
			n = r.between(1, 20) * int(sync.Seconds())
		}
		return min(n, most)
	}
	rules := map[string]any{}
	if r.chance(0.7) {
		rules["stabilizationWindowSeconds"] = pick(r, 0, seconds(600), seconds(600), seconds(3600))
	}
	if r.chance(0.6) {
		rules["selectPolicy"] = pick(r, "Max", "Max", "Min", "Min", "Disabled")
	}
	if r.chance(0.25) {
		rules["tolerance"] = pick(r, "0", "50m", "200m", "0.4")
	}
	if r.chance(0.8) {
		var list []any
		for range r.between(1, 3) {
			p := map[string]any{"type": "Pods", "value": r.between(1, 6), "periodSeconds": seconds(1800)}
			if r.chance(0.5) {
				p["type"], p["value"] = "Percent", r.between(5, 150)
			}
			list = append(list, p)
		}
		rules["policies"] = list
	}
	return rules
}
