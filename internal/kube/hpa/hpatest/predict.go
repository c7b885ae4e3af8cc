package hpatest

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/policies"
)

// predict says what the upstream controller would have left behind, had it
// come to the decision d from this many replicas; before is what its last
// reconcile left. All that the decision tells is used: the replicas, what the
// metrics asked for, each metric's value or error, and the clamps, which are
// the conditions with upstream's reasons and messages.
func predict(a *autoscalingv2.HorizontalPodAutoscaler, before Outcome, from int, d policies.Decision) Outcome {
	out := Outcome{Replicas: d.Replicas, Wanted: NoWish, Conditions: before.Conditions, Values: values(d.Readings), Err: errorOf(d.Readings)}
	c := &out.Conditions
	c.AbleToScale = Condition{"True", "SucceededGetScale", "the HPA controller was able to get the target's current scale"}
	switch asked := len(d.Readings) > 0; {
	case asked && failed(d):
		c.ScalingActive = Condition{"False", d.Clamps[0].Reason, d.Clamps[0].Message}
		out.Err = "failed to compute desired number of replicas based on listed metrics for Deployment/" + namespace + "/" + service + ": " + out.Err
	case asked:
		out.Wanted = d.Wanted
		if !leads(d) {
			out.Replicas = NoWish
		}
		c.ScalingActive = Condition{"True", "ValidMetricFound", "the HPA was able to successfully calculate a replica count from " + winner(a, d)}
		c.AbleToScale = Condition{"True", "ReadyForNewScale", "recommended size matches current size"}
		c.ScalingLimited = Condition{"False", "DesiredWithinRange", "the desired count is within the acceptable range"}
		for _, x := range d.Clamps {
			is := Condition{"True", x.Reason, x.Message}
			if strings.HasSuffix(x.Reason, "Stabilized") {
				c.AbleToScale = is
			} else {
				c.ScalingLimited = is
			}
		}
	case from == 0:
		c.ScalingActive = Condition{"False", d.Clamps[0].Reason, d.Clamps[0].Message}
	}
	if d.Replicas != from {
		c.AbleToScale = Condition{"True", "SucceededRescale", fmt.Sprintf("the HPA controller was able to update the target scale to %d", d.Replicas)}
	}
	return out.anyPod()
}

// leads tells whether the clamps lead from what was wanted to the replicas.
func leads(d policies.Decision) bool {
	n := d.Wanted
	for _, x := range d.Clamps {
		if x.From != n {
			return false
		}
		n = x.To
	}
	return n == d.Replicas
}

func failed(d policies.Decision) bool {
	return len(d.Clamps) == 1 && strings.HasPrefix(d.Clamps[0].Reason, "FailedGet")
}

func values(readings []decisions.Reading) []Value {
	var all []Value
	for _, r := range readings {
		v := Value{}
		if r.Problem == "" {
			v = Value{Milli: int64(math.Round(1000 * r.Value)), OK: true}
		}
		all = append(all, v)
	}
	return all
}

// errorOf is the error of a reconcile in which some metrics failed, "" for none.
func errorOf(readings []decisions.Reading) string {
	var problems []string
	for _, r := range readings {
		if r.Problem != "" {
			problems = append(problems, r.Problem)
		}
	}
	if len(problems) == 0 {
		return ""
	}
	return fmt.Sprintf("invalid metrics (%d invalid out of %d), first error is: %s", len(problems), len(readings), problems[0])
}

// winner is upstream's name of the metric that the decision's reason names.
func winner(a *autoscalingv2.HorizontalPodAutoscaler, d policies.Decision) string {
	decimal := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	for i, r := range d.Readings {
		if r.Replicas == d.Wanted && strings.HasPrefix(d.Reason, fmt.Sprintf("%s %s of %s asks for %d", r.Name, decimal(r.Value), decimal(r.Target), d.Wanted)) {
			return upstreamName(a.Spec.Metrics[i])
		}
	}
	return "none of the readings, but: " + d.Reason
}

// upstreamName is how the controller calls a metric in its messages.
func upstreamName(m autoscalingv2.MetricSpec) string {
	external := func(id autoscalingv2.MetricIdentifier) string {
		return fmt.Sprintf("external metric %s(%+v)", id.Name, id.Selector)
	}
	switch {
	case m.Pods != nil:
		return "pods metric " + m.Pods.Metric.Name
	case m.Object != nil && m.Object.Target.Type == autoscalingv2.ValueMetricType:
		return m.Object.DescribedObject.Kind + " metric " + m.Object.Metric.Name
	case m.Object != nil:
		return external(m.Object.Metric)
	case m.External != nil:
		return external(m.External.Metric)
	case m.Resource != nil && m.Resource.Target.AverageValue != nil:
		return string(m.Resource.Name) + " resource"
	case m.Resource != nil:
		return string(m.Resource.Name) + " resource utilization (percentage of request)"
	case m.ContainerResource.Target.AverageValue != nil:
		return string(m.ContainerResource.Name) + " resource"
	}
	return string(m.ContainerResource.Name) + " container resource utilization (percentage of request)"
}
