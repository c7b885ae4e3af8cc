package hpa

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// Object returns the HorizontalPodAutoscaler with upstream's defaults, for a
// controller that is upstream's too.
func (c *Config) Object() (*autoscalingv2.HorizontalPodAutoscaler, error) {
	object, problems := c.read()
	if len(problems) > 0 {
		return nil, fmt.Errorf("hpa: %s: %s", problems[0].Path, problems[0].Message)
	}
	return object, nil
}

// PodValue returns what the metrics API serves of a pod for a metric of type
// Pods, in thousandths; ok is false for a name that is not in the catalogue.
func PodValue(name string, m policies.PodMetrics) (milliValue int64, ok bool) {
	metric := find(podMetrics, name)
	if metric == nil {
		return 0, false
	}
	return milli(metric.pod(m)), true
}

// ServiceValue returns what it serves of a service for a metric of type External
// or Object; ok is false for an unknown name and while there is no value.
func ServiceValue(name string, o policies.Observation) (milliValue int64, ok bool) {
	metric := find(serviceMetrics, name)
	if metric == nil || !o.Valid {
		return 0, false
	}
	value, ok := metric.service(o)
	return milli(value), ok
}
