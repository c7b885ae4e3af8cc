// Package capacity is what model-based policies share: how much one replica
// can serve within the SLO, how replicas fill the pools, and the delay before
// scaling down.
package capacity

import (
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/queueing"
)

// Server returns the queueing model of a replica on pool p.
func Server(m policies.Model, p policies.Pool) queueing.Server {
	return queueing.Server{
		BatchSeconds:  p.BatchSeconds,
		MaxBatch:      m.MaxBatch,
		Instances:     m.Instances,
		MaxQueueDelay: m.MaxQueueDelay.Seconds(),
		CV:            m.ServiceCV,
		Contended:     m.Contended,
	}
}

// Rates returns the highest rate in req/s that a replica on each pool may get:
// the predicted latency stays within the SLO, and the load within
// maxUtilisation of saturation, since close to it a queue grows faster than
// telemetry shows. Without an SLO only the latter holds. A pool whose GPUs
// miss the SLO even without load has rate 0; if all have, that is an error.
func Rates(m policies.Model, maxUtilisation float64) ([]float64, error) {
	rates := make([]float64, len(m.Pools))
	best := 0.0
	for i, p := range m.Pools {
		s := Server(m, p)
		rates[i] = maxUtilisation * s.MaxRate()
		if m.LatencyTarget > 0 {
			rates[i] = min(rates[i], s.MaxRateFor(m.LatencyQuantile, m.LatencyTarget, maxUtilisation))
		}
		best = max(best, rates[i])
	}
	if best == 0 {
		return nil, fmt.Errorf("service %s: no pool meets the latency target of %g s at quantile %g even without load: relax the SLO, lower batching.maxQueueDelay or add a faster pool",
			m.Service, m.LatencyTarget, m.LatencyQuantile)
	}
	return rates, nil
}

// Bounds are the fewest and the most replicas a policy may ask for.
type Bounds struct{ Min, Max int }

// NewBounds returns the configured bounds within what the fleet can hold; most
// nil means all it holds.
func NewBounds(fewest int, most *int, f Fleet) Bounds {
	room := max(f.Room(), 1)
	if most != nil {
		room = min(room, *most)
	}
	return Bounds{min(fewest, room), room}
}

// Clamp returns n within the bounds.
func (b Bounds) Clamp(n int) int { return min(max(n, b.Min), b.Max) }

// Check returns the faults of configured bounds.
func Check(fewest int, most *int) []policies.Problem {
	if most == nil || *most >= fewest {
		return nil
	}
	return []policies.Problem{{
		Path:    "maxReplicas",
		Message: fmt.Sprintf("maxReplicas %d is below minReplicas %d", *most, fewest),
		Hint:    "raise maxReplicas or leave it out",
	}}
}
