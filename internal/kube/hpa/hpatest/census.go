package hpatest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Census counts what traces have been through, so that a comparison can show
// that it was about something.
type Census map[string]int

// Add counts a trace.
func (c Census) Add(t Trace) {
	a := t.Setup.Object
	cpu := slices.ContainsFunc(a.Spec.Metrics, func(m autoscalingv2.MetricSpec) bool {
		return m.Resource != nil && m.Resource.Name == "cpu" || m.ContainerResource != nil && m.ContainerResource.Name == "cpu"
	})
	for _, s := range t.Steps {
		c["decisions"]++
		c.outcome(a, s)
		c["pods: draining"] += s.Observation.Draining
		for _, p := range s.Observation.Pods {
			c["pods: "+class(p, s.Observation, t.Setup.flags, cpu)]++
		}
	}
}

// outcome counts what the controller did.
func (c Census) outcome(a *autoscalingv2.HorizontalPodAutoscaler, s Step) {
	from, o := s.Observation.Desired, s.Outcome
	asked, failed := o.Wanted != NoWish, strings.HasPrefix(o.Err, "failed to compute")
	switch {
	case o.Replicas > from:
		c["replicas: raised"]++
	case o.Replicas < from:
		c["replicas: lowered"]++
	default:
		c["replicas: kept"]++
	}
	c["ScalingActive: "+o.Conditions.ScalingActive.Reason]++
	if asked {
		c["AbleToScale: "+o.Conditions.AbleToScale.Reason]++
		c["ScalingLimited: "+o.Conditions.ScalingLimited.Reason]++
	}
	switch {
	case !asked && !failed && from > o.Replicas:
		c["bounds: above maxReplicas"]++
	case !asked && !failed && from < o.Replicas:
		c["bounds: below minReplicas"]++
	case asked && o.Err != "" && o.Replicas > from:
		c["some metrics failed: the others scaled up"]++
	case failed && slices.ContainsFunc(o.Values, func(v Value) bool { return v.OK }):
		c["some metrics failed: the others may not scale down"]++
	}
	for i, v := range o.Values {
		c[fmt.Sprintf("metric: %s, %s", describe(a.Spec.Metrics[i]), map[bool]string{true: "value", false: "none"}[v.OK])]++
	}
}

// describe names the path that a metric takes through the controller.
func describe(m autoscalingv2.MetricSpec) string {
	target := map[bool]string{true: "AverageValue", false: "Value"}
	use := map[bool]string{true: "AverageValue", false: "Utilization"}
	switch {
	case m.Pods != nil:
		return "Pods AverageValue"
	case m.Object != nil:
		return "Object " + target[m.Object.Target.AverageValue != nil]
	case m.External != nil:
		return "External " + target[m.External.Target.AverageValue != nil]
	case m.Resource != nil:
		return fmt.Sprintf("Resource %s %s", m.Resource.Name, use[m.Resource.Target.AverageValue != nil])
	}
	return fmt.Sprintf("ContainerResource %s %s", m.ContainerResource.Name, use[m.ContainerResource.Target.AverageValue != nil])
}

// class is how upstream's calculator looks at a pod.
func class(p policies.Pod, o policies.Observation, f flags, cpu bool) string {
	initial := p.Started.Add(f.CPUInitializationPeriod) > o.Now
	switch {
	case p.Started == vtime.Forever:
		return "without a node"
	case !p.Running:
		return "pending"
	case !p.HasMetrics:
		return "without metrics"
	case !cpu:
		return "counted"
	case initial && !p.Ready:
		return "for CPU: starting, not ready"
	case initial && o.At < p.ReadyAt.Add(o.Window):
		return "for CPU: starting, measured too early"
	case initial:
		return "for CPU: starting, counted"
	case !p.Ready && f.InitialReadinessDelay > 0:
		return "for CPU: never ready"
	}
	return "for CPU: counted"
}

// String lists the counts by name.
func (c Census) String() string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "%9d  %s\n", c[key], key)
	}
	return b.String()
}
