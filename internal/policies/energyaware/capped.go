package energyaware

import (
	"fmt"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
)

// capped decides replicas and power caps. The pair of the smallest power says how
// many replicas; the caps are then chosen for those that serve now, which are fewer
// while others start, and more while a scale-down waits. Lower caps, like fewer
// replicas, must have sufficed for scaleDownDelay; higher ones come at once.
func (s *scaler) capped(o policies.Observation, demand float64) policies.Decision {
	_, best := capacity.CheapestOf(s.levels, demand, s.bounds)
	n := s.delay.Highest(o.Now, best.Replicas)
	serving := n
	if o.Ready > 0 {
		serving = min(n, o.Ready)
	}
	level, plan := capacity.CheapestOf(s.levels, demand, capacity.Bounds{Min: serving, Max: serving})
	wanted := level
	level = len(s.levels) - s.hold.Highest(o.Now, len(s.levels)-level)
	d := policies.Decision{
		Replicas: n, Reason: s.reason(o.ArrivalRate, n, best),
		PowerCaps: s.levels[level].Caps,
	}
	d.CapReason = fmt.Sprintf("%.1f req/s + %.3g %% on %d replicas: ", o.ArrivalRate, 100*s.config.Headroom, serving)
	switch {
	case plan.Overload:
		d.CapReason += "more than they serve within the bounds"
	case level < wanted:
		d.CapReason += fmt.Sprintf("%s would draw least; held, the most within %s", s.caps(wanted), s.config.ScaleDownDelay)
	default:
		d.CapReason += fmt.Sprintf("%s draws least, %.0f W predicted at %.0f %% busy", s.caps(level), plan.Watts, 100*plan.Busy)
		if s.model.LatencyTarget > 0 {
			d.CapReason += fmt.Sprintf(", p%.3g %.3g s of %.3g s", 100*s.model.LatencyQuantile, plan.Latency, s.model.LatencyTarget)
		}
	}
	return d
}

// caps writes a level, for example "v100 175 W".
func (s *scaler) caps(level int) string {
	var parts []string
	for i, w := range s.levels[level].Caps {
		if w == 0 {
			w = s.model.Pools[i].CapWatts
		}
		parts = append(parts, fmt.Sprintf("%s %g W", s.model.Pools[i].Name, w))
	}
	return strings.Join(parts, ", ")
}
