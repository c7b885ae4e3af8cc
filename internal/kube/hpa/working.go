package hpa

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// working is a Scaler whose syncs take time, if as little as there is. The
// controller waits for a period when it is done, so the windows of a real one,
// which are whole periods, never hold the sync at their far edge. On a virtual
// clock, where deciding takes no time, that of an HPA without behavior would:
// its downscale stabilization of twenty periods would hold twenty-one syncs.
type working struct {
	*Scaler
	syncs int64
}

func newWorking(c *Config, m policies.Model) (*working, error) {
	s, err := NewScaler(c, m)
	if err != nil {
		return nil, err
	}
	return &working{Scaler: s}, nil
}

// Decide is one reconciliation, a nanosecond later for each that was before it.
func (w *working) Decide(o policies.Observation) policies.Decision {
	o.Now = o.Now.Add(time.Duration(w.syncs))
	w.syncs++
	return w.Scaler.Decide(o)
}

// Exact is the scaler whose syncs take no time, to compare it with the upstream
// controller at instants that both are given.
func (w *working) Exact() policies.Scaler { return w.Scaler }
