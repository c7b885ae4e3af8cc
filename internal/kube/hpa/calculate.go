package hpa

import (
	"context"
	"errors"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// Here upstream's ReplicaCalculator is asked, in the way and in the words of
// the controller (computeReplicasForMetric and the computeStatusFor… functions
// of pkg/controller/podautoscaler/horizontal.go, Kubernetes v1.36).

var everything = labels.Everything()

// metric returns the replicas that one metric asks for. Its error is the
// controller's, and unwraps to what the condition ScalingActive says.
func (s *Scaler) metric(spec autoscalingv2.MetricSpec, current, pods int32) (r decisions.Reading, n int32, err error) {
	var doing string
	switch spec.Type {
	case autoscalingv2.PodsMetricSourceType:
		doing, r, n, err = s.ofPods(spec.Pods, current)
	case autoscalingv2.ObjectMetricSourceType:
		doing, r, n, err = s.ofObject(spec.Object, current, pods)
	case autoscalingv2.ExternalMetricSourceType:
		doing, r, n, err = s.external(spec.External, current, pods)
	case autoscalingv2.ResourceMetricSourceType:
		m := spec.Resource
		doing = fmt.Sprintf("%s resource metric value", m.Name)
		r, n, err = s.resource(m.Target, m.Name, "", current)
	case autoscalingv2.ContainerResourceMetricSourceType:
		m := spec.ContainerResource
		doing = fmt.Sprintf("%s container metric value", m.Container)
		r, n, err = s.resource(m.Target, m.Name, m.Container, current)
	}
	if err != nil {
		err = fmt.Errorf("failed to get %s: %w", doing, err)
	}
	return r, n, err
}

func (s *Scaler) ofPods(m *autoscalingv2.PodsMetricSource, current int32) (doing string, r decisions.Reading, n int32, err error) {
	target := m.Target.AverageValue.MilliValue()
	n, usage, _, err := s.calculator.GetMetricReplicas(current, target, m.Metric.Name, s.tolerances, s.object.Namespace, everything, everything)
	return "pods metric value", reading("pods metric "+m.Metric.Name, usage, target), n, err
}

func (s *Scaler) ofObject(m *autoscalingv2.ObjectMetricSource, current, pods int32) (doing string, r decisions.Reading, n int32, err error) {
	const value = "object metric value"
	name := m.DescribedObject.Kind + " metric " + m.Metric.Name
	switch {
	case m.Target.Type == autoscalingv2.ValueMetricType && m.Target.Value != nil:
		target := m.Target.Value.MilliValue()
		n, usage, _, err := s.calculator.GetObjectMetricReplicas(current, target, m.Metric.Name, s.tolerances, s.object.Namespace, &m.DescribedObject, everything, everything)
		return value, reading(name, usage, target), n, err
	case m.Target.Type == autoscalingv2.AverageValueMetricType && m.Target.AverageValue != nil:
		target := m.Target.AverageValue.MilliValue()
		n, usage, _, err := s.calculator.GetObjectPerPodMetricReplicas(pods, target, m.Metric.Name, s.tolerances, s.object.Namespace, &m.DescribedObject, everything)
		return value + ": failed to get " + m.Metric.Name + " object metric", reading(name, usage, target), n, err
	}
	return value, reading(name, 0, 0), 0, errors.New("invalid object metric source: neither a value target nor an average value target was set")
}

func (s *Scaler) external(m *autoscalingv2.ExternalMetricSource, current, pods int32) (doing string, r decisions.Reading, n int32, err error) {
	value, name := m.Metric.Name+" external metric value", "external metric "+m.Metric.Name
	if m.Target.AverageValue != nil {
		target := m.Target.AverageValue.MilliValue()
		n, usage, _, err := s.calculator.GetExternalPerPodMetricReplicas(pods, target, m.Metric.Name, s.tolerances, s.object.Namespace, m.Metric.Selector)
		return value + ": failed to get " + m.Metric.Name + " external metric", reading(name, usage, target), n, err
	}
	target := m.Target.Value.MilliValue()
	n, usage, _, err := s.calculator.GetExternalMetricReplicas(current, target, m.Metric.Name, s.tolerances, s.object.Namespace, m.Metric.Selector, everything)
	return value + ": failed to get external metric " + m.Metric.Name, reading(name, usage, target), n, err
}

// resource is computeStatusForResourceMetricGeneric. A utilization is read in
// per cent of what the pods ask for.
func (s *Scaler) resource(target autoscalingv2.MetricTarget, name v1.ResourceName, container string, current int32) (r decisions.Reading, n int32, err error) {
	ctx, label := context.Background(), string(name)+" resource"
	if container != "" {
		label += " of container " + container
	}
	if target.AverageValue != nil {
		want := target.AverageValue.MilliValue()
		n, usage, _, err := s.calculator.GetRawResourceReplicas(ctx, current, want, name, s.tolerances, s.object.Namespace, everything, container)
		if err != nil {
			err = fmt.Errorf("failed to get %s usage: %w", name, err)
		}
		return reading(label, usage, want), n, err
	}
	want := *target.AverageUtilization
	n, percent, _, _, err := s.calculator.GetResourceReplicas(ctx, current, want, name, s.tolerances, s.object.Namespace, everything, container)
	if err != nil {
		err = fmt.Errorf("failed to get %s utilization: %w", name, err)
	}
	return reading(label+" utilization (percentage of request)", int64(percent)*1000, int64(want)*1000), n, err
}

// reading of a metric, from thousandths.
func reading(name string, value, target int64) decisions.Reading {
	return decisions.Reading{Name: name, Value: float64(value) / 1000, Target: float64(target) / 1000}
}
