package energyaware

import (
	"fmt"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
)

// limits are the kinds that the search goes over.
func (c *Config) limits() (kinds []policies.LimitKind) {
	if c.PowerCap {
		kinds = append(kinds, policies.PowerCap)
	}
	if c.SMClock {
		kinds = append(kinds, policies.SMClock)
	}
	return kinds
}

// suits wants a clock sweep of every pool.
func (c *Config) suits(m policies.Model) (problems []policies.Problem) {
	for _, p := range m.Pools {
		if c.SMClock && !p.ClockSweep {
			problems = append(problems, policies.Problem{
				Path:    "smClock",
				Message: fmt.Sprintf("service %s can run on node pool %s, and no sweep of the SM clock is known for its %s", m.Service, p.Name, p.GPU),
				Hint:    "measure one with sim calibrate and give its fit as the pool's powerModel, or leave smClock out",
			})
		}
	}
	return problems
}

// limited decides replicas and limits. The pair of the smallest power says how many
// replicas; the limits are then chosen for those that serve now, which are fewer while
// others start, and more while a scale-down waits. Limits under which the pools serve
// less, like fewer replicas, must have sufficed for scaleDownDelay; others come at once.
func (s *scaler) limited(o policies.Observation, demand float64) policies.Decision {
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
		Limits: s.levels[level].Limits,
	}
	d.LimitReason = fmt.Sprintf("%.1f req/s + %.3g %% on %d replicas: ", o.ArrivalRate, 100*s.config.Headroom, serving)
	switch {
	case plan.Overload:
		d.LimitReason += "more than they serve within the bounds"
	case level < wanted:
		d.LimitReason += fmt.Sprintf("%s would draw least; held, the most within %s", s.limits(wanted), s.config.ScaleDownDelay)
	default:
		d.LimitReason += fmt.Sprintf("%s draws least, %.0f W predicted at %.0f %% busy", s.limits(level), plan.Watts, 100*plan.Busy)
		if s.model.LatencyTarget > 0 {
			d.LimitReason += fmt.Sprintf(", p%.3g %.3g s of %.3g s", 100*s.model.LatencyQuantile, plan.Latency, s.model.LatencyTarget)
		}
	}
	return d
}

// limits writes a level, for example "v100 175 W".
func (s *scaler) limits(level int) string {
	var parts []string
	for i, l := range s.levels[level].Limits {
		p := s.model.Pools[i]
		text := l.String()
		switch {
		case l.Kind != policies.NoLimit:
		case s.config.PowerCap:
			text = fmt.Sprintf("%g W", p.CapWatts)
		case p.ClockMHz > 0:
			text = fmt.Sprintf("%g MHz", p.ClockMHz)
		default:
			text = "own clock"
		}
		parts = append(parts, p.Name+" "+text)
	}
	return strings.Join(parts, ", ")
}
