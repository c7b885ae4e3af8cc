package hpatest

import (
	"fmt"
	"regexp"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Trace is what one cluster went through.
type Trace struct {
	Seed  uint64
	Setup Setup
	Steps []Step
}

// Step is one reconcile: what a scaler would have observed, and what the
// upstream controller did.
type Step struct {
	Observation policies.Observation
	Outcome     Outcome
}

// Outcome is what a reconcile leaves behind.
type Outcome struct {
	Replicas   int // spec.replicas of the target
	Wanted     int // what the metrics asked for; NoWish when they were not asked, or failed
	Conditions Conditions
	Values     []Value // of the metrics, in the order of the spec; empty when they were not asked
	Err        string  // what the controller's reconcile returned, "" for none
}

// NoWish stands for the replicas that no metric asked for.
const NoWish = -1

// Conditions of the HorizontalPodAutoscaler's status.
type Conditions struct{ AbleToScale, ScalingActive, ScalingLimited Condition }

// Condition without its times.
type Condition struct {
	Status          string
	Reason, Message string
}

// Value of a metric in the status, in thousandths; of a utilization, of per cents.
type Value struct {
	Milli int64
	OK    bool // the metric had a value
}

// podName in an error is that of the first pod whose containers lack a request.
// Upstream lists pods in the order of a map: another run, another name.
var podName = regexp.MustCompile(`(missing request for \S+ in container \S+) of Pod \S+`)

// anyPod removes the pods' names from the errors.
func (o Outcome) anyPod() Outcome {
	o.Err = podName.ReplaceAllString(o.Err, "$1")
	o.Conditions.ScalingActive.Message = podName.ReplaceAllString(o.Conditions.ScalingActive.Message, "$1")
	return o
}

func conditionsOf(a *autoscalingv2.HorizontalPodAutoscaler) Conditions {
	var c Conditions
	for _, x := range a.Status.Conditions {
		is := Condition{string(x.Status), x.Reason, x.Message}
		switch x.Type {
		case autoscalingv2.AbleToScale:
			c.AbleToScale = is
		case autoscalingv2.ScalingActive:
			c.ScalingActive = is
		case autoscalingv2.ScalingLimited:
			c.ScalingLimited = is
		default:
			panic(fmt.Sprintf("hpatest: unknown condition %s", x.Type))
		}
	}
	return c
}

func valuesOf(a *autoscalingv2.HorizontalPodAutoscaler) []Value {
	var all []Value
	for _, m := range a.Status.CurrentMetrics {
		var current autoscalingv2.MetricValueStatus
		switch {
		case m.Pods != nil:
			current = m.Pods.Current
		case m.Object != nil:
			current = m.Object.Current
		case m.External != nil:
			current = m.External.Current
		case m.Resource != nil:
			current = m.Resource.Current
		case m.ContainerResource != nil:
			current = m.ContainerResource.Current
		default:
			all = append(all, Value{})
			continue
		}
		v := Value{OK: true}
		switch {
		case current.AverageUtilization != nil:
			v.Milli = 1000 * int64(*current.AverageUtilization)
		case current.AverageValue != nil:
			v.Milli = current.AverageValue.MilliValue()
		default:
			v.Milli = current.Value.MilliValue()
		}
		all = append(all, v)
	}
	return all
}

// time of a step since the trace's start.
func (s Step) String() string {
	return fmt.Sprintf("at %v with %d replicas", s.Observation.Now.Sub(vtime.Time(0)), s.Observation.Desired)
}
