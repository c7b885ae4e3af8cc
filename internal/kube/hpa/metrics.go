package hpa

import (
	"fmt"
	"math"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// Metric is one that the simulated metrics pipeline serves.
type Metric struct {
	Name, Unit, Meaning string
	pod                 func(policies.PodMetrics) float64
	// of the service; ok is false while there is no value
	service func(policies.Observation) (v float64, ok bool)
}

// PodMetrics are the names that a metric of type Pods can have. Counters of
// Triton and rates are served as means over the telemetry window, as the
// usual adapter rules turn them: rate(nv_inference_request_success), and
// rate(nv_inference_queue_duration_us) / rate(nv_inference_request_success).
func PodMetrics() []Metric {
	return []Metric{
		{Name: "requests_per_second", Unit: "req/s", Meaning: "requests routed to the pod", pod: func(m policies.PodMetrics) float64 { return m.RequestRate }},
		{Name: "inflight_requests", Unit: "requests", Meaning: "requests waiting or in service", pod: func(m policies.PodMetrics) float64 { return m.InFlight }},
		{Name: "queued_requests", Unit: "requests", Meaning: "requests waiting", pod: func(m policies.PodMetrics) float64 { return m.Queued }},
		// DCGM's gauge counts whole per cents of the time with a kernel running.
		{Name: "DCGM_FI_DEV_GPU_UTIL", Unit: "%", Meaning: "time with a kernel running, 0 to 100", pod: func(m policies.PodMetrics) float64 { return 100 * m.BusyRatio }},
		{Name: "DCGM_FI_DEV_POWER_USAGE", Unit: "W", Meaning: "draw of the pod's GPU, with all the pods that share it", pod: func(m policies.PodMetrics) float64 { return m.GPUWatts }},
		{Name: "nv_inference_request_success", Unit: "req/s", Meaning: "requests taken into a batch", pod: func(m policies.PodMetrics) float64 { return m.ServedRate }},
		{Name: "nv_inference_exec_count", Unit: "batches/s", Meaning: "batches started", pod: func(m policies.PodMetrics) float64 { return m.BatchRate }},
		{Name: "nv_inference_pending_request_count", Unit: "requests", Meaning: "requests waiting", pod: func(m policies.PodMetrics) float64 { return m.Queued }},
		{Name: "nv_inference_queue_duration_us", Unit: "µs", Meaning: "mean time in the queue of a request", pod: func(m policies.PodMetrics) float64 { return 1e6 * m.QueueSeconds }},
		{Name: "nv_inference_request_duration_us", Unit: "µs", Meaning: "mean latency of a request", pod: func(m policies.PodMetrics) float64 { return 1e6 * m.LatencySeconds }},
		{Name: "nv_gpu_utilization", Unit: "ratio", Meaning: "time with a kernel running, 0 to 1", pod: func(m policies.PodMetrics) float64 { return m.BusyRatio }},
		{Name: "nv_gpu_power_usage", Unit: "W", Meaning: "draw of the pod's GPU", pod: func(m policies.PodMetrics) float64 { return m.GPUWatts }},
	}
}

// ServiceMetrics are the names that a metric of type External or Object can
// have: figures of the whole service. A latency is missing, not zero, while
// nothing completes.
func ServiceMetrics() []Metric {
	latency := func(name string, of func(policies.Latency) float64) Metric {
		return Metric{Name: "service_latency_" + name + "_seconds", Unit: "s", Meaning: name + " of the latency", service: func(o policies.Observation) (float64, bool) {
			v := of(o.Latency)
			return v, v > 0
		}}
	}
	sum := func(o policies.Observation, of func(policies.PodMetrics) float64) (float64, bool) {
		total := 0.0
		for _, p := range o.Pods {
			if p.HasMetrics {
				total += of(p.Metrics)
			}
		}
		return total, true
	}
	return []Metric{
		{Name: "service_requests_per_second", Unit: "req/s", Meaning: "arrivals at the service, refused ones included", service: func(o policies.Observation) (float64, bool) { return o.ArrivalRate, true }},
		latency("p50", func(l policies.Latency) float64 { return l.P50 }),
		latency("p90", func(l policies.Latency) float64 { return l.P90 }),
		latency("p95", func(l policies.Latency) float64 { return l.P95 }),
		latency("p99", func(l policies.Latency) float64 { return l.P99 }),
		{Name: "service_inflight_requests", Unit: "requests", Meaning: "requests waiting or in service, all pods", service: func(o policies.Observation) (float64, bool) {
			return sum(o, func(m policies.PodMetrics) float64 { return m.InFlight })
		}},
		{Name: "service_queued_requests", Unit: "requests", Meaning: "requests waiting, all pods", service: func(o policies.Observation) (float64, bool) {
			return sum(o, func(m policies.PodMetrics) float64 { return m.Queued })
		}},
	}
}

// The resources of Resource and ContainerResource metrics.
const (
	cpu = "cpu"
	gpu = "nvidia.com/gpu"
)

// FindPodMetric returns what reads a metric of the pods, nil where the catalogue
// has none of this name.
func FindPodMetric(name string) func(policies.PodMetrics) float64 {
	if m := find(podMetrics, name); m != nil {
		return m.pod
	}
	return nil
}

// FindServiceMetric returns what reads a metric of the service, nil where the
// catalogue has none of this name.
func FindServiceMetric(name string) func(policies.Observation) (v float64, ok bool) {
	if m := find(serviceMetrics, name); m != nil {
		return m.service
	}
	return nil
}

func find(metrics []Metric, name string) *Metric {
	for i := range metrics {
		if metrics[i].Name == name {
			return &metrics[i]
		}
	}
	return nil
}

func names(metrics []Metric) string {
	var all []string
	for _, m := range metrics {
		all = append(all, m.Name)
	}
	return strings.Join(all, ", ")
}

// serviceLabel is the label of all simulated metrics.
const serviceLabel = "service"

// serveable names the metrics that the simulation does not have; served are
// there beside the catalogue.
func serveable(a *autoscalingv2.HorizontalPodAutoscaler, served []Metric) []policies.Problem {
	ofService := slices.Concat(served, serviceMetrics)
	var all []policies.Problem
	known := func(path string, id autoscalingv2.MetricIdentifier, metrics []Metric) {
		if id.Name != "" && find(metrics, id.Name) == nil { // without a name upstream's validation has spoken
			all = append(all, policies.Problem{Path: path + ".metric.name", Message: fmt.Sprintf("unknown metric %q: want one of %s", id.Name, names(metrics))})
		}
		if id.Selector == nil {
			return
		}
		if len(id.Selector.MatchExpressions) > 0 {
			all = append(all, policies.Problem{Path: path + ".metric.selector", Message: "match expressions are not offered", Hint: "use matchLabels: {service: NAME} or no selector"})
		}
		for _, label := range sortedKeys(id.Selector.MatchLabels) {
			if label != serviceLabel {
				all = append(all, policies.Problem{Path: path + ".metric.selector", Message: fmt.Sprintf("simulated metrics carry no label %q", label), Hint: "use matchLabels: {service: NAME} or no selector"})
			}
		}
	}
	resource := func(path, name string) {
		if name != "" && name != cpu && name != gpu {
			all = append(all, policies.Problem{Path: path + ".name", Message: fmt.Sprintf("unknown resource %q: want %s or %s", name, cpu, gpu)})
		}
	}
	for i, m := range a.Spec.Metrics {
		path := fmt.Sprintf("spec.metrics[%d]", i)
		switch {
		case m.Pods != nil:
			known(path+".pods", m.Pods.Metric, podMetrics)
		case m.External != nil:
			known(path+".external", m.External.Metric, ofService)
		case m.Object != nil:
			known(path+".object", m.Object.Metric, ofService)
		case m.Resource != nil:
			resource(path+".resource", string(m.Resource.Name))
		case m.ContainerResource != nil:
			resource(path+".containerResource", string(m.ContainerResource.Name))
		}
	}
	return all
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// milli is v in thousandths as prometheus-adapter serves it: what is below a
// thousandth is cut off, and NaN is 0.
func milli(v float64) int64 {
	if math.IsNaN(v) {
		return 0
	}
	return int64(1000 * v)
}

// milliUsed is the use of a resource in thousandths: metrics-server serves
// nanocores, of which upstream's client makes thousandths, rounding up.
func milliUsed(v float64) int64 { return int64(math.Ceil(math.Round(1e9*v) / 1e6)) }

// suits returns what the metrics want that the service does not have.
func (c *Config) suits(m policies.Model) []policies.Problem {
	a, problems := c.read()
	if len(problems) > 0 {
		return nil // Check has reported them
	}
	_, prefix, _ := c.find()
	for i, spec := range a.Spec.Metrics {
		if p := suits(spec, m); p != nil {
			p.Path = fmt.Sprintf("%sspec.metrics[%d]%s", prefix, i, p.Path)
			problems = append(problems, *p)
		}
	}
	return problems
}

func suits(spec autoscalingv2.MetricSpec, m policies.Model) *policies.Problem {
	resource := func(path, name, container string) *policies.Problem {
		known := container == "" || slices.ContainsFunc(m.Containers, func(c policies.Container) bool { return c.Name == container })
		switch {
		case name == cpu && !m.HasCPU:
			return &policies.Problem{Path: path + ".name", Message: fmt.Sprintf("service %s states no CPU use to scale on", m.Service), Hint: "set the service's cpu field, or choose another metric"}
		case !known:
			return &policies.Problem{Path: path + ".container", Message: fmt.Sprintf("the pods of service %s have no container %q", m.Service, container)}
		}
		return nil
	}
	selector := func(path string, id autoscalingv2.MetricIdentifier) *policies.Problem {
		if id.Selector == nil || id.Selector.MatchLabels[serviceLabel] == "" || id.Selector.MatchLabels[serviceLabel] == m.Service {
			return nil
		}
		return &policies.Problem{Path: path + ".metric.selector", Message: fmt.Sprintf("the selector names service %q, the scaler is for %q", id.Selector.MatchLabels[serviceLabel], m.Service),
			Hint: "use scalers to give each service its own"}
	}
	switch {
	case spec.Pods != nil:
		return selector(".pods", spec.Pods.Metric)
	case spec.External != nil:
		return selector(".external", spec.External.Metric)
	case spec.Object != nil:
		return selector(".object", spec.Object.Metric)
	case spec.Resource != nil:
		return resource(".resource", string(spec.Resource.Name), "")
	case spec.ContainerResource != nil:
		return resource(".containerResource", string(spec.ContainerResource.Name), spec.ContainerResource.Container)
	}
	return nil
}
