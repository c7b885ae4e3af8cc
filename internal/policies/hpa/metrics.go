package hpa

import (
	"errors"
	"fmt"
	"math"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// podMetrics are the metrics that every pod has.
var podMetrics = []struct {
	name string
	read func(policies.PodMetrics) float64
}{
	{"requests_per_second", func(m policies.PodMetrics) float64 { return m.RequestRate }},
	{"inflight_requests", func(m policies.PodMetrics) float64 { return m.InFlight }},
	{"queued_requests", func(m policies.PodMetrics) float64 { return m.Queued }},
	// DCGM's gauge counts whole per cents of the time with a kernel running.
	{"DCGM_FI_DEV_GPU_UTIL", func(m policies.PodMetrics) float64 { return 100 * m.BusyRatio }},
}

// serviceMetrics are those of the service as a whole; ok is false while there
// is no value.
var serviceMetrics = []struct {
	name string
	read func(policies.Observation) (v float64, ok bool)
}{
	{"service_requests_per_second", func(o policies.Observation) (float64, bool) { return o.ArrivalRate, true }},
	{"service_latency_p95_seconds", func(o policies.Observation) (float64, bool) { return o.LatencyP95, o.LatencyP95 > 0 }},
}

// reader proposes a replica count from one metric.
type reader struct {
	label   string // for reasons: "pods metric requests_per_second"
	propose func(c Calculator, o policies.Observation, t Tolerances) (replicas int32, usage int64, err error)
	target  int64 // thousandths
}

var errNoTelemetry = errors.New("no metrics returned from the metrics API")

// newReader compiles a metric that Check has passed. A Pods metric is compared
// by averageValue, an External one by averageValue if that is set, and an
// Object one by what its target's type names, as upstream does.
func newReader(m MetricSpec) (reader, error) {
	switch m.Type {
	case "Pods":
		return podsReader(m.Pods)
	case "External":
		t := m.External.Target
		return serviceReader("external metric ", m.External.Metric, t, t.AverageValue != nil)
	case "Object":
		t := m.Object.Target
		return serviceReader(m.Object.DescribedObject.Kind+" metric ", m.Object.Metric, t, t.Type == averageValue)
	}
	return reader{}, fmt.Errorf("metrics of type %s are not offered", m.Type)
}

func podsReader(m *PodsMetric) (reader, error) {
	target, err := m.Target.AverageValue.milli()
	if err != nil {
		return reader{}, err
	}
	for _, known := range podMetrics {
		if known.name != m.Metric.Name {
			continue
		}
		return reader{"pods metric " + known.name, func(c Calculator, o policies.Observation, t Tolerances) (int32, int64, error) {
			if !o.Valid {
				return 0, 0, errNoTelemetry
			}
			samples := make([]PodSample, len(o.Pods))
			for i, p := range o.Pods {
				samples[i] = PodSample{Pending: !p.Ready, Found: p.HasMetrics, Value: milli(known.read(p.Metrics))}
			}
			return c.PodsMetric(int32(o.Desired), target, t, samples)
		}, target}, nil
	}
	return reader{}, fmt.Errorf("unknown pods metric %s", m.Metric.Name)
}

func serviceReader(prefix string, m MetricIdentifier, t MetricTarget, perPod bool) (reader, error) {
	quantity := t.Value
	if perPod {
		quantity = t.AverageValue
	}
	target, err := quantity.milli()
	if err != nil {
		return reader{}, err
	}
	for _, known := range serviceMetrics {
		if known.name != m.Name {
			continue
		}
		return reader{prefix + known.name, func(c Calculator, o policies.Observation, t Tolerances) (int32, int64, error) {
			v, ok := known.read(o)
			if !o.Valid || !ok {
				return 0, 0, errNoTelemetry
			}
			usage := milli(v)
			if perPod {
				n := c.PerPod(int32(len(o.Pods)), target, usage, t)
				return n, int64(math.Ceil(float64(usage) / float64(max(len(o.Pods), 1)))), nil
			}
			return c.Value(int32(o.Desired), target, usage, t, o.Ready), usage, nil
		}, target}, nil
	}
	return reader{}, fmt.Errorf("unknown service metric %s", m.Name)
}

// milli is what the metrics API serves: the nearest thousandth.
func milli(v float64) int64 { return int64(math.Round(1000 * v)) }
