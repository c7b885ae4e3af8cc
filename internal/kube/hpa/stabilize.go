package hpa

import (
	"math"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Here stands what upstream does with time.Now() and does not export: the
// stabilization windows and the scaling policies, function by function after
// pkg/controller/podautoscaler/horizontal.go of Kubernetes v1.36.

// The messages of the conditions.
const (
	lowerRecently  = "recent recommendations were lower than current one, applying the lowest recent recommendation"
	higherRecently = "recent recommendations were higher than current one, applying the highest recent recommendation"
	tooFast        = "the desired replica count is increasing faster than the maximum scale rate"
	tooSlow        = "the desired replica count is decreasing faster than the maximum scale rate"
	tooMany        = "the desired replica count is more than the maximum replica count"
	tooFew         = "the desired replica count is less than the minimum replica count"
)

// normalize turns what the metrics want into what is asked for.
func (s *Scaler) normalize(now vtime.Time, current, want int32) policies.Decision {
	var d policies.Decision
	clamp := func(from, to int32, reason, message string) int32 {
		if from != to {
			d.Clamps = append(d.Clamps, decisions.Clamp{Reason: reason, From: int(from), To: int(to), Message: message})
		}
		return to
	}
	var n int32
	if b := s.object.Spec.Behavior; b != nil {
		stable, reason, message := s.recommended.stabilize(now, current, want, b)
		n = clamp(want, stable, reason, message)
		limited, reason, message := s.limitWithBehavior(now, current, n, b)
		n = clamp(n, limited, reason, message)
	} else {
		n = clamp(want, s.recommended.highest(now, want, s.config.DownscaleStabilization.D()), "ScaleDownStabilized", higherRecently)
		limited, reason, message := s.limit(current, n)
		n = clamp(n, limited, reason, message)
	}
	d.Replicas = int(n)
	return d
}

// limit is the rule without behavior (convertDesiredReplicasWithRules): at most
// twice the current replicas or 4.
func (s *Scaler) limit(current, want int32) (n int32, reason, message string) {
	most, reason, message := s.max, "TooManyReplicas", tooMany
	if fast := int32(math.Max(2*float64(current), 4)); s.max > fast {
		most, reason, message = fast, "ScaleUpLimit", tooFast
	}
	switch {
	case want < s.min:
		return s.min, "TooFewReplicas", tooFew
	case want > most:
		return most, reason, message
	}
	return want, "", ""
}

// limitWithBehavior applies the scaling policies of the direction
// (convertDesiredReplicasWithBehaviorRate).
func (s *Scaler) limitWithBehavior(now vtime.Time, current, want int32, b *autoscalingv2.HorizontalPodAutoscalerBehavior) (n int32, reason, message string) {
	switch {
	case want > current:
		most, reason, message := s.max, "TooManyReplicas", tooMany
		if fast := max(s.rate(now, b.ScaleUp, current, up), current); most > fast {
			most, reason, message = fast, "ScaleUpLimit", tooFast
		}
		if want > most {
			return most, reason, message
		}
	case want < current:
		least, reason, message := s.min, "TooFewReplicas", tooFew
		if slow := min(s.rate(now, b.ScaleDown, current, down), current); least < slow {
			least, reason, message = slow, "ScaleDownLimit", tooSlow
		}
		if want < least {
			return least, reason, message
		}
	}
	return want, "", ""
}

// direction of a change of replicas.
type direction int32

const (
	up   direction = 1
	down direction = -1
)

// rate is how many replicas the rules allow now at most, or at least on the way
// down. Each policy counts from the replicas at the start of its period
// (calculateScaleUpLimitWithScalingRules, calculateScaleDownLimitWithBehaviors).
func (s *Scaler) rate(now vtime.Time, r *autoscalingv2.HPAScalingRules, current int32, way direction) int32 {
	if *r.SelectPolicy == autoscalingv2.DisabledPolicySelect {
		return current
	}
	// The largest change is the highest count on the way up, the lowest on the
	// way down; with selectPolicy Min it is the other way round.
	highest := (way == up) != (*r.SelectPolicy == autoscalingv2.MinChangePolicySelect)
	result := int32(math.MaxInt32)
	if highest {
		result = math.MinInt32
	}
	for _, p := range r.Policies {
		start := current - s.added.within(now, p.PeriodSeconds) + s.removed.within(now, p.PeriodSeconds)
		n := start + int32(way)*p.Value
		if p.Type == autoscalingv2.PercentScalingPolicy {
			x := float64(start) * (1 + float64(float64(way)*float64(p.Value))/100)
			if n = int32(x); way == up {
				n = int32(math.Ceil(x))
			}
		}
		if highest {
			result = max(result, n)
		} else {
			result = min(result, n)
		}
	}
	return result
}

// recommendation is what the metrics asked for at an instant.
type recommendation struct {
	at       vtime.Time
	replicas int32
}

// recommendations are the recent ones. An outdated one is overwritten, the last
// that is found, so the list stays as short as the window.
type recommendations []recommendation

// record stores n, in place of old if that is an index.
func (r *recommendations) record(now vtime.Time, n int32, old int) {
	if old >= 0 {
		(*r)[old] = recommendation{now, n}
		return
	}
	*r = append(*r, recommendation{now, n})
}

// highest returns the highest of want and what was recommended within the
// window, its far edge included, and records want (stabilizeRecommendation).
func (r *recommendations) highest(now vtime.Time, want int32, window time.Duration) int32 {
	cutoff, top, old := now.Add(-window), want, -1
	for i, x := range *r {
		if x.at < cutoff {
			old = i
		} else {
			top = max(top, x.replicas)
		}
	}
	r.record(now, want, old)
	return top
}

// stabilize moves current as little as recent recommendations allow: up to the
// lowest within the one window, down to the highest within the other, far
// edges excluded (stabilizeRecommendationWithBehaviors).
func (r *recommendations) stabilize(now vtime.Time, current, want int32, b *autoscalingv2.HorizontalPodAutoscalerBehavior) (n int32, reason, message string) {
	upCutoff, downCutoff := now.Add(-seconds(*b.ScaleUp.StabilizationWindowSeconds)), now.Add(-seconds(*b.ScaleDown.StabilizationWindowSeconds))
	lowest, highest, old := want, want, -1
	for i, x := range *r {
		if x.at > upCutoff {
			lowest = min(lowest, x.replicas)
		}
		if x.at > downCutoff {
			highest = max(highest, x.replicas)
		}
		if x.at < upCutoff && x.at < downCutoff {
			old = i
		}
	}
	r.record(now, want, old)
	n = min(max(current, lowest), highest)
	if want >= current {
		return n, "ScaleUpStabilized", lowerRecently
	}
	return n, "ScaleDownStabilized", higherRecently
}

// change is a rescale: replicas added or removed.
type change struct {
	at       vtime.Time
	replicas int32
	outdated bool
}

// changes are the latest rescales of one direction.
type changes []change

// within sums the changes of the last period, its far edge excluded
// (getReplicasChangePerPeriod).
func (c changes) within(now vtime.Time, periodSeconds int32) int32 {
	cutoff, sum := now.Add(-seconds(periodSeconds)), int32(0)
	for _, x := range c {
		if x.at > cutoff {
			sum += x.replicas
		}
	}
	return sum
}

// record stores a change, in place of the last that no policy of its own
// direction reaches any more (storeScaleEvent).
func (c *changes) record(now vtime.Time, n int32, r *autoscalingv2.HPAScalingRules) {
	longest := int32(0)
	for _, p := range r.Policies {
		longest = max(longest, p.PeriodSeconds)
	}
	cutoff, old := now.Add(-seconds(longest)), -1
	for i := range *c {
		(*c)[i].outdated = (*c)[i].outdated || (*c)[i].at < cutoff
		if (*c)[i].outdated {
			old = i
		}
	}
	if old >= 0 {
		(*c)[old] = change{at: now, replicas: n}
		return
	}
	*c = append(*c, change{at: now, replicas: n})
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }
