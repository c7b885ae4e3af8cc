package forecast

import (
	"errors"
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
)

type scaler struct {
	config  Config
	horizon time.Duration
	outlook outlook
	fleet   capacity.Fleet
	bounds  capacity.Bounds
	delay   capacity.Delay
}

func newScaler(c *Config, m policies.Model) (*scaler, error) {
	rates, err := capacity.Rates(m, c.MaxUtilisation)
	if err != nil {
		return nil, fmt.Errorf("forecast: %w", err)
	}
	order := make([]int, len(m.Pools))
	for i := range order {
		order[i] = i
	}
	horizon := horizonOf(c, m)
	ahead, err := newOutlook(c, m, horizon)
	if err != nil {
		return nil, fmt.Errorf("forecast: service %s: %w", m.Service, err)
	}
	fleet := capacity.NewFleet(m, rates, order)
	return &scaler{
		config: *c, horizon: horizon, outlook: ahead, fleet: fleet,
		bounds: capacity.NewBounds(c.MinReplicas, c.MaxReplicas, fleet),
		delay:  capacity.Delay{Length: c.ScaleDownDelay.D()},
	}, nil
}

func newOutlook(c *Config, m policies.Model, horizon time.Duration) (outlook, error) {
	method, err := c.method()
	if err != nil {
		return nil, err
	}
	if method.Oracle {
		if m.Future == nil {
			return nil, errors.New("perfect foresight was not told the future")
		}
		return foresight{m.Future}, nil
	}
	steps := int(horizon/c.Step.D()) + 2 // a horizon may begin late in a step
	return newSeries(c, method, resample(m.History, m.HistoryStep, c.Step.D()), steps), nil
}

// horizonOf is the configured horizon, or the time until a replica asked for
// at the next decision is ready on a node that has to be provisioned.
func horizonOf(c *Config, m policies.Model) time.Duration {
	if c.Horizon != nil {
		return c.Horizon.D()
	}
	longest := time.Duration(0)
	for _, p := range m.Pools {
		longest = max(longest, p.ProvisionDelay)
	}
	return m.ColdStart + longest + c.Interval.D()
}

// Interval between two decisions.
func (s *scaler) Interval() time.Duration { return s.config.Interval.D() }

// Decide implements policies.Scaler.
func (s *scaler) Decide(o policies.Observation) policies.Decision {
	s.outlook.see(o)
	ahead, known := s.outlook.highest(o.Now, s.horizon, s.config.Quantile)
	if !known && !o.Valid {
		return policies.Decision{Replicas: s.bounds.Clamp(o.Desired), Reason: "neither history nor telemetry yet"}
	}
	demand := ahead
	if o.Valid && (s.config.SafetyNet || !known) {
		demand = max(demand, o.ArrivalRate)
	}
	want, enough := s.fleet.Replicas(demand)
	want = s.bounds.Clamp(want)
	n := s.delay.Highest(o.Now, want)
	return policies.Decision{Replicas: n, Reason: s.reason(o, ahead, known, enough, want, n)}
}

func (s *scaler) reason(o policies.Observation, ahead float64, known, enough bool, want, n int) string {
	text := "no forecast yet"
	if known {
		text = fmt.Sprintf("%s is %.1f req/s", s.outlook.what(s.horizon, s.config.Quantile), ahead)
	}
	if o.Valid {
		text += fmt.Sprintf(", now %.1f req/s", o.ArrivalRate)
	}
	text += fmt.Sprintf("; %d replicas serve %.1f req/s", want, s.fleet.Capacity(want))
	if !enough {
		text += ", all there is room for"
	}
	if n > want {
		text += fmt.Sprintf("; %d held, the most within %s", n, s.config.ScaleDownDelay)
	}
	return text
}
