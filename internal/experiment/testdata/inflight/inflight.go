// Package inflight scales on concurrency: one replica for so many requests
// that wait or are being served.
package inflight

import (
	"fmt"
	"math"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// Config of the scaler: what a scenario writes below scaler.inFlight.
type Config struct {
	// Target of requests in flight for each replica.
	Target float64 `yaml:"target" kwatt:"required,exclusiveMin=0,max=100000"`
	// MinReplicas that always run.
	MinReplicas int `yaml:"minReplicas" kwatt:"default=1,min=1,max=100000"`
	// MaxReplicas to ask for.
	MaxReplicas int `yaml:"maxReplicas" kwatt:"required,min=1,max=100000"`
	// Interval between two decisions.
	Interval units.Duration `yaml:"interval" kwatt:"default=15s,min=1s,max=1h"`
}

func init() {
	policies.Register(policies.Kind{
		Name:      "inFlight",
		NewConfig: func() any { return &Config{MinReplicas: 1, Interval: units.Duration(15 * time.Second)} },
		Check:     check,
		New: func(config any, _ policies.Model) (policies.Scaler, error) {
			return scaler{*config.(*Config)}, nil
		},
	})
}

// check finds what the tags of single fields cannot tell.
func check(config any) []policies.Problem {
	c := config.(*Config)
	if c.MinReplicas <= c.MaxReplicas {
		return nil
	}
	return []policies.Problem{{
		Path:    "minReplicas",
		Message: fmt.Sprintf("%d is more than maxReplicas, %d", c.MinReplicas, c.MaxReplicas),
		Hint:    "lower it, or raise maxReplicas",
	}}
}

type scaler struct{ config Config }

// Interval between two decisions.
func (s scaler) Interval() time.Duration { return s.config.Interval.D() }

// Decide provides for the requests in flight that telemetry shows.
func (s scaler) Decide(o policies.Observation) policies.Decision {
	if !o.Valid {
		return policies.Decision{Replicas: o.Desired, Wanted: o.Desired, Reason: "no telemetry yet"}
	}
	inFlight := 0.0
	for _, pod := range o.Pods { // in their order: the sum is the same each time
		if pod.HasMetrics {
			inFlight += pod.Metrics.InFlight
		}
	}
	wanted := int(math.Ceil(inFlight / s.config.Target))
	return policies.Decision{
		Replicas: min(max(wanted, s.config.MinReplicas), s.config.MaxReplicas),
		Wanted:   wanted,
		Reason:   fmt.Sprintf("%.1f requests in flight, %g a replica", inFlight, s.config.Target),
	}
}
