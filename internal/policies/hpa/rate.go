package hpa

import (
	"math"
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// rules are a direction's ScalingRules with the defaults filled in.
type rules struct {
	window    time.Duration
	selection string // Max, Min or Disabled
	policies  []ScalingPolicy
}

// scaleUpRules fills in upstream's defaults: no window; 4 pods or 100 % in 15 s.
func scaleUpRules(r *ScalingRules) rules {
	return r.over(rules{selection: "Max", policies: []ScalingPolicy{
		{Type: "Pods", Value: 4, PeriodSeconds: 15},
		{Type: "Percent", Value: 100, PeriodSeconds: 15},
	}})
}

// scaleDownRules fills in upstream's defaults: the controller's window; 100 % in 15 s.
func scaleDownRules(r *ScalingRules, window time.Duration) rules {
	return r.over(rules{window: window, selection: "Max", policies: []ScalingPolicy{
		{Type: "Percent", Value: 100, PeriodSeconds: 15},
	}})
}

// over returns defaults with what r sets.
func (r *ScalingRules) over(defaults rules) rules {
	if r == nil {
		return defaults
	}
	if r.StabilizationWindowSeconds != nil {
		defaults.window = time.Duration(*r.StabilizationWindowSeconds) * time.Second
	}
	if r.SelectPolicy != nil {
		defaults.selection = *r.SelectPolicy
	}
	if r.Policies != nil {
		defaults.policies = r.Policies
	}
	return defaults
}

// change is a rescale: replicas added or removed.
type change struct {
	at       vtime.Time
	replicas int32
}

// changes are the latest rescales of one direction.
type changes []change

// within sums the changes of the last period, its far edge excluded.
func (c changes) within(now vtime.Time, periodSeconds int32) int32 {
	cutoff := now.Add(-time.Duration(periodSeconds) * time.Second)
	sum := int32(0)
	for _, x := range c {
		if x.at > cutoff {
			sum += x.replicas
		}
	}
	return sum
}

// record stores a change. One that no policy of its own direction reaches any
// more is overwritten, the last such; the others may still count in the other
// direction's longer periods, as they do upstream.
func (c *changes) record(now vtime.Time, n int32, r rules) {
	longest := int32(0)
	for _, p := range r.policies {
		longest = max(longest, p.PeriodSeconds)
	}
	cutoff := now.Add(-time.Duration(longest) * time.Second)
	for i := len(*c) - 1; i >= 0; i-- {
		if (*c)[i].at < cutoff {
			(*c)[i] = change{now, n}
			return
		}
	}
	*c = append(*c, change{now, n})
}

// upLimit is the most replicas the rules allow now; upstream's
// calculateScaleUpLimitWithScalingRules. Each policy counts from the replicas
// at the start of its period.
func (r rules) upLimit(now vtime.Time, current int32, added, removed changes) int32 {
	return r.limit(now, current, added, removed, func(start int32, p ScalingPolicy) int32 {
		if p.Type == "Pods" {
			return start + p.Value
		}
		return ceil(float64(start) * (1 + float64(p.Value)/100))
	}, r.selection == "Min")
}

// downLimit is the fewest replicas the rules allow now; upstream's
// calculateScaleDownLimitWithBehaviors.
func (r rules) downLimit(now vtime.Time, current int32, added, removed changes) int32 {
	return r.limit(now, current, added, removed, func(start int32, p ScalingPolicy) int32 {
		if p.Type == "Pods" {
			return start - p.Value
		}
		return int32(float64(start) * (1 - float64(p.Value)/100))
	}, r.selection != "Min")
}

// limit combines the policies' limits: the smallest count, or the largest.
func (r rules) limit(now vtime.Time, current int32, added, removed changes, of func(int32, ScalingPolicy) int32, smallest bool) int32 {
	if r.selection == "Disabled" {
		return current
	}
	result := int32(math.MinInt32)
	if smallest {
		result = math.MaxInt32
	}
	for _, p := range r.policies {
		start := current - added.within(now, p.PeriodSeconds) + removed.within(now, p.PeriodSeconds)
		n := of(start, p)
		if smallest {
			result = min(result, n)
		} else {
			result = max(result, n)
		}
	}
	return result
}
