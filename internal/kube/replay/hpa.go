package replay

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/kube/hpa"
)

// createHPAs gives each service that one scales its HorizontalPodAutoscaler and
// starts the clock: its controller looks at a new one at once, which is the
// scaler's decision at the opening of the window.
func (r *replay) createHPAs(ctx context.Context) error {
	r.clock.begin(time.Now())
	if r.o.Begun != nil {
		r.o.Begun()
	}
	for _, i := range slices.Sorted(maps.Keys(r.o.HPAs)) {
		object, inexact, err := scaled(r.o.HPAs[i], r.o.Config.Services[i].Name, r.o.Speed)
		if err != nil {
			return err
		}
		r.inexact = append(r.inexact, inexact...)
		if _, err := r.client.AutoscalingV2().HorizontalPodAutoscalers(r.o.Namespace).Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create the HorizontalPodAutoscaler of %s: %w", object.Name, err)
		}
	}
	return nil
}

// scaled is the HPA of a service with its time divided by the speed. Metrics of
// the whole service name the service, so that the metrics API knows who asks.
func scaled(c *hpa.Config, service string, speed int) (object *autoscalingv2.HorizontalPodAutoscaler, inexact []string, err error) {
	if object, err = c.Object(); err != nil {
		return nil, nil, err
	}
	object = &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: service}, Spec: *object.Spec.DeepCopy()}
	object.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: service}
	for i := range object.Spec.Metrics {
		m := &object.Spec.Metrics[i]
		if m.Object != nil {
			m.Object.DescribedObject = autoscalingv2.CrossVersionObjectReference{APIVersion: "v1", Kind: "Service", Name: service}
		}
		if m.External != nil {
			m.External.Metric.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{serviceLabel: service}}
		}
	}
	for _, x := range compress(&object.Spec, speed) {
		inexact = append(inexact, "HPA of "+service+": "+x)
	}
	return object, inexact, nil
}

// serviceLabel is the label of simulated metrics.
const serviceLabel = "service"

// hpaChanged writes a sync of the HPA's controller down, by what it says of
// itself.
func (r *replay) hpaChanged(o any) {
	h := o.(*autoscalingv2.HorizontalPodAutoscaler)
	i, ours := r.services[h.Name]
	if !ours || len(h.Status.Conditions) == 0 {
		return // it has not been looked at yet
	}
	seen := r.world.Observe(i)
	replicas := int(h.Status.DesiredReplicas)
	if c := hpaCondition(h, autoscalingv2.ScalingActive); c.Status == v1.ConditionFalse && c.Reason != "ScalingDisabled" {
		replicas = seen.Desired // it could not compute any and left them
	}
	if replicas > seen.Desired {
		r.grown[i] = r.looked[i]
	}
	s := decisions.Scaling{Ready: seen.Ready, Rate: seen.ArrivalRate, P95: seen.Latency.P95, Wanted: replicas, Readings: readings(h)}
	reason := ""
	for _, c := range h.Status.Conditions {
		limits := c.Type == autoscalingv2.ScalingLimited && c.Status == "True" ||
			c.Type == autoscalingv2.AbleToScale && (c.Reason == "ScaleDownStabilized" || c.Reason == "ScaleUpStabilized") ||
			c.Type == autoscalingv2.ScalingActive && c.Status == "False"
		if limits {
			s.Clamps = append(s.Clamps, decisions.Clamp{Reason: c.Reason, From: replicas, To: replicas, Message: c.Message})
		}
		if reason == "" || limits {
			reason = c.Message
		}
	}
	r.world.Scaled(i, replicas, decisions.Entry{Reason: reason, Scaling: &s})
}

func hpaCondition(h *autoscalingv2.HorizontalPodAutoscaler, t autoscalingv2.HorizontalPodAutoscalerConditionType) autoscalingv2.HorizontalPodAutoscalerCondition {
	for _, c := range h.Status.Conditions {
		if c.Type == t {
			return c
		}
	}
	return autoscalingv2.HorizontalPodAutoscalerCondition{}
}

// readings are the metrics as the HPA's status shows them. It does not tell
// what each of them asked for.
func readings(h *autoscalingv2.HorizontalPodAutoscaler) []decisions.Reading {
	var out []decisions.Reading
	for i, m := range h.Status.CurrentMetrics {
		var target autoscalingv2.MetricTarget
		var current autoscalingv2.MetricValueStatus
		name := ""
		spec := autoscalingv2.MetricSpec{}
		if i < len(h.Spec.Metrics) {
			spec = h.Spec.Metrics[i]
		}
		switch {
		case m.Pods != nil && spec.Pods != nil:
			name, current, target = "pods metric "+m.Pods.Metric.Name, m.Pods.Current, spec.Pods.Target
		case m.Object != nil && spec.Object != nil:
			name, current, target = m.Object.DescribedObject.Kind+" metric "+m.Object.Metric.Name, m.Object.Current, spec.Object.Target
		case m.External != nil && spec.External != nil:
			name, current, target = "external metric "+m.External.Metric.Name, m.External.Current, spec.External.Target
		case m.Resource != nil && spec.Resource != nil:
			name, current, target = string(m.Resource.Name)+" resource", m.Resource.Current, spec.Resource.Target
		case m.ContainerResource != nil && spec.ContainerResource != nil:
			name, current, target = string(m.ContainerResource.Name)+" resource of container "+m.ContainerResource.Container, m.ContainerResource.Current, spec.ContainerResource.Target
		default:
			continue // a metric that had no value
		}
		out = append(out, reading(name, current, target))
	}
	return out
}

func reading(name string, current autoscalingv2.MetricValueStatus, target autoscalingv2.MetricTarget) decisions.Reading {
	r := decisions.Reading{Name: name}
	switch {
	case target.AverageUtilization != nil:
		r.Name, r.Target = name+" utilization (percentage of request)", float64(*target.AverageUtilization)
		if current.AverageUtilization != nil {
			r.Value = float64(*current.AverageUtilization)
		}
	case target.AverageValue != nil:
		r.Target = target.AverageValue.AsApproximateFloat64()
		if current.AverageValue != nil {
			r.Value = current.AverageValue.AsApproximateFloat64()
		}
	case target.Value != nil:
		r.Target = target.Value.AsApproximateFloat64()
		if current.Value != nil {
			r.Value = current.Value.AsApproximateFloat64()
		}
	}
	return r
}
