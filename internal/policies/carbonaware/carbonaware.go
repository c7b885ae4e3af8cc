package carbonaware

import (
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

type scaler struct {
	config  Config
	fleet   capacity.Fleet // with the highest rates within the SLO
	bounds  capacity.Bounds
	delay   capacity.Delay
	weights []float64 // of the pools' grids
	// dirtySince is when the intensity rose to the threshold of ecoModeOff;
	// vtime.Forever while it is below.
	dirtySince vtime.Time
}

func newScaler(c *Config, m policies.Model) (*scaler, error) {
	rates, err := capacity.Rates(m, c.MaxUtilisation)
	if err != nil {
		return nil, fmt.Errorf("carbonAware: %w", err)
	}
	fleet := capacity.NewSearch(m, rates).Fleet
	s := &scaler{
		config: *c, fleet: fleet, bounds: capacity.NewBounds(c.MinReplicas, c.MaxReplicas, fleet),
		delay: capacity.Delay{Length: c.ScaleDownDelay.D()}, dirtySince: vtime.Forever,
	}
	for _, p := range m.Pools {
		s.weights = append(s.weights, float64(p.MaxNodes*p.PodsPerNode))
	}
	return s, nil
}

// Interval between two decisions.
func (s *scaler) Interval() time.Duration { return s.config.Interval.D() }

// Decide implements policies.Scaler.
func (s *scaler) Decide(o policies.Observation) policies.Decision {
	grid := s.intensity(o)
	most, why := s.cap(o.Now, grid)
	if !o.Valid {
		return s.capped(s.bounds.Clamp(o.Desired), most, why, "no telemetry yet")
	}
	load := s.load(grid)
	demand := o.ArrivalRate * (1 + s.config.Headroom)
	want, enough := s.fleet.Replicas(demand / load)
	n := s.delay.Highest(o.Now, s.bounds.Clamp(want))
	reason := fmt.Sprintf("%.1f req/s + %.3g %%, %.0f g/kWh: %d replicas at %.0f %% of the highest rate within the SLO",
		o.ArrivalRate, 100*s.config.Headroom, grid, s.bounds.Clamp(want), 100*load)
	if !enough {
		reason += ", all there is room for"
	}
	if n > s.bounds.Clamp(want) {
		reason += fmt.Sprintf("; %d held, the most within %s", n, s.config.ScaleDownDelay)
	}
	return s.capped(n, most, why, reason)
}

// capped is the decision for n replicas, most of which may run; 0 is no cap.
func (s *scaler) capped(n, most int, why, reason string) policies.Decision {
	d := policies.Decision{Replicas: n, Wanted: n, Reason: reason}
	if most > 0 && n > most {
		d.Replicas = most
		d.Reason += fmt.Sprintf("; %s: at most %d", why, most)
		d.Clamps = []decisions.Clamp{{Reason: "CarbonIntensity", From: n, To: most, Message: why}}
	}
	return d
}

// intensity is the mean g/kWh of the pools' grids, by how many replicas they hold.
func (s *scaler) intensity(o policies.Observation) float64 {
	sum, weight := 0.0, 0.0
	for i, g := range o.Intensity {
		sum += float64(s.weights[i] * g)
		weight += s.weights[i]
	}
	if weight == 0 {
		return 0
	}
	return sum / weight
}

// load is the part of its highest rate that a replica may get.
func (s *scaler) load(grid float64) float64 {
	l := s.config.Load
	x := min(max((grid-l.CleanBelow)/(l.DirtyAbove-l.CleanBelow), 0), 1)
	return l.Clean + float64(x*(l.Dirty-l.Clean))
}

// cap is the most replicas that may run and why, 0 without a cap.
func (s *scaler) cap(now vtime.Time, grid float64) (most int, why string) {
	caps := s.config.MaxReplicasByCarbonIntensity
	if len(caps) == 0 {
		return 0, ""
	}
	if off := s.config.EcoModeOff; off != nil {
		d := off.CarbonIntensityDuration
		minutes := time.Duration(d.OverrideEcoAfterDurationInMins)
		switch {
		case grid < d.CarbonIntensityThreshold:
			s.dirtySince = vtime.Forever
		case s.dirtySince == vtime.Forever:
			s.dirtySince = now
		}
		// Of the minutes before now the first counts too: n of them span n-1.
		if s.dirtySince != vtime.Forever && now.Sub(s.dirtySince) >= (minutes-1)*time.Minute {
			return off.MaxReplicas, fmt.Sprintf("eco mode is off, at or above %g g/kWh for %d minutes", d.CarbonIntensityThreshold, minutes)
		}
	}
	lower := 0.0
	for _, c := range caps {
		if grid > lower && grid <= c.CarbonIntensityThreshold {
			return c.MaxReplicas, fmt.Sprintf("%.0f g/kWh is at most %g", grid, c.CarbonIntensityThreshold)
		}
		lower = c.CarbonIntensityThreshold
	}
	last := caps[len(caps)-1]
	return last.MaxReplicas, fmt.Sprintf("%.0f g/kWh is within no limits, the last cap holds", grid)
}
