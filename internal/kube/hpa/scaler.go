package hpa

import (
	"errors"
	"fmt"
	"strconv"
	"time"
	"unsafe"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/policies"
)

// Scaler is one HorizontalPodAutoscaler and the controller that reconciles it.
type Scaler struct {
	config     Config
	object     *autoscalingv2.HorizontalPodAutoscaler
	view       *view
	calculator *podautoscaler.ReplicaCalculator
	tolerances podautoscaler.Tolerances
	min, max   int32

	started        bool
	recommended    recommendations
	added, removed changes
}

// NewScaler returns a scaler whose configuration has passed its check.
func NewScaler(c *Config, m policies.Model) (*Scaler, error) {
	object, problems := c.read()
	if len(problems) > 0 {
		return nil, fmt.Errorf("hpa: %s: %s", problems[0].Path, problems[0].Message)
	}
	if problems := c.suits(m); len(problems) > 0 {
		return nil, fmt.Errorf("hpa: %s: %s", problems[0].Path, problems[0].Message)
	}
	s := &Scaler{config: *c, object: object, min: 1, max: object.Spec.MaxReplicas, tolerances: tolerancesOf(c, object)}
	if object.Spec.MinReplicas != nil {
		s.min = *object.Spec.MinReplicas
	}
	if b := object.Spec.Behavior; b != nil && b.ScaleDown.StabilizationWindowSeconds == nil {
		window := int32(c.DownscaleStabilization.Seconds())
		b.ScaleDown.StabilizationWindowSeconds = &window
	}
	s.view = newView(&s.config, m.Containers)
	s.calculator = podautoscaler.NewReplicaCalculator(s.view, s.view, c.CPUInitializationPeriod.D(), c.InitialReadinessDelay.D())
	return s, nil
}

// tolerancesOf are the controller's, or the behavior's where it has its own.
func tolerancesOf(c *Config, a *autoscalingv2.HorizontalPodAutoscaler) podautoscaler.Tolerances {
	down, up := c.Tolerance, c.Tolerance
	if b := a.Spec.Behavior; b != nil {
		if b.ScaleDown != nil && b.ScaleDown.Tolerance != nil {
			down = b.ScaleDown.Tolerance.AsApproximateFloat64()
		}
		if b.ScaleUp != nil && b.ScaleUp.Tolerance != nil {
			up = b.ScaleUp.Tolerance.AsApproximateFloat64()
		}
	}
	return tolerances(down, up)
}

// tolerances makes upstream's struct, whose two float64 fields are not
// exported. Its String method, checked at the start, guards their order.
func tolerances(down, up float64) podautoscaler.Tolerances {
	v := [2]float64{down, up}
	return *(*podautoscaler.Tolerances)(unsafe.Pointer(&v))
}

func init() {
	if s := tolerances(0.1, 0.2).String(); s != "[down:10.0%, up:20.0%]" || unsafe.Sizeof(podautoscaler.Tolerances{}) != 16 {
		panic("hpa: podautoscaler.Tolerances has another layout: " + s)
	}
}

// Interval is the controller's sync period.
func (s *Scaler) Interval() time.Duration { return s.config.SyncPeriod.D() }

// syncing is a Scaler whose syncs take time, a nanosecond each. The controller
// waits for a period when it is done, so in a cluster a stabilization window of
// twenty periods never holds twenty-one syncs. On a virtual clock, where
// deciding takes no time, it would, and each scale-down came a period later.
type syncing struct {
	*Scaler
	late time.Duration
}

// Decide implements policies.Scaler.
func (s *syncing) Decide(o policies.Observation) policies.Decision {
	o.Now = o.Now.Add(s.late)
	s.late++
	return s.Scaler.Decide(o)
}

// Decide is one reconciliation (reconcileAutoscaler).
func (s *Scaler) Decide(o policies.Observation) policies.Decision {
	current := int32(o.Desired)
	if !s.started {
		s.started = true
		s.recommended.record(o.Now, current, -1)
	}
	d := s.reconcile(o, current)
	if n := int32(d.Replicas); n != current && s.object.Spec.Behavior != nil {
		if n > current {
			s.added.record(o.Now, n-current, s.object.Spec.Behavior.ScaleUp)
		} else {
			s.removed.record(o.Now, current-n, s.object.Spec.Behavior.ScaleDown)
		}
	}
	return d
}

func (s *Scaler) reconcile(o policies.Observation, current int32) policies.Decision {
	switch {
	case current == 0:
		return clamped(0, 0, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
	case current > s.max:
		return clamped(current, s.max, "TooManyReplicas", "Current number of replicas above Spec.MaxReplicas")
	case current < s.min:
		return clamped(current, s.min, "TooFewReplicas", "Current number of replicas below Spec.MinReplicas")
	}
	want, readings, best, failed := s.propose(o, current)
	if want < 0 {
		return policies.Decision{Replicas: int(current), Wanted: int(current), Readings: readings, Reason: failed.err.Error(),
			Clamps: []decisions.Clamp{{Reason: failed.reason, From: int(current), To: int(current), Message: failed.message}}}
	}
	d := s.normalize(o.Now, current, want)
	d.Wanted, d.Readings = int(want), readings
	d.Reason = fmt.Sprintf("%s %s of %s asks for %d", best.Name, decimal(best.Value), decimal(best.Target), want)
	for _, c := range d.Clamps {
		d.Reason += fmt.Sprintf(", %s: %d", c.Reason, c.To)
	}
	return d
}

// clamped is a decision without a look at the metrics.
func clamped(from, to int32, reason, message string) policies.Decision {
	return policies.Decision{Replicas: int(to), Wanted: int(from), Reason: message,
		Clamps: []decisions.Clamp{{Reason: reason, From: int(from), To: int(to), Message: message}}}
}

// failure is why a reconciliation leaves the replicas as they are: its error, and
// the condition ScalingActive, which is about the first metric without a value.
type failure struct {
	err             error
	reason, message string
}

// propose asks all metrics; the largest answer wins (computeReplicasForMetrics).
// When one has no value the others may scale up, not down: then want is -1.
func (s *Scaler) propose(o policies.Observation, current int32) (want int32, readings []decisions.Reading, best decisions.Reading, failed failure) {
	s.view.see(o)
	var first error
	failures := 0
	for _, spec := range s.object.Spec.Metrics {
		r, n, err := s.metric(spec, current, int32(len(o.Pods)))
		if err != nil {
			if failures++; first == nil {
				first = err
				failed.reason = "FailedGet" + string(spec.Type) + "Metric"
				failed.message = "the HPA was unable to compute the replica count: " + errors.Unwrap(err).Error()
			}
			r.Problem = err.Error()
		} else {
			r.Replicas = int(n)
			if want == 0 || n > want {
				want, best = n, r
			}
		}
		readings = append(readings, r)
	}
	if failures >= len(s.object.Spec.Metrics) || failures > 0 && want < current {
		failed.err = fmt.Errorf("invalid metrics (%d invalid out of %d), first error is: %w", failures, len(s.object.Spec.Metrics), first)
		return -1, readings, best, failed
	}
	return want, readings, best, failure{}
}

// decimal writes a figure as short as it can be.
func decimal(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
