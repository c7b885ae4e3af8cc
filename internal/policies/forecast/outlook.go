package forecast

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// outlook says what rate to provide for.
type outlook interface {
	// see takes in what telemetry shows at a tick.
	see(o policies.Observation)
	// highest returns the highest rate in req/s, at a quantile, from now to now +
	// horizon; false while nothing is known.
	highest(now vtime.Time, horizon time.Duration, quantile float64) (float64, bool)
	// what names it in reasons.
	what(horizon time.Duration, quantile float64) string
}

// foresight is the oracle's outlook.
type foresight struct{ future policies.Future }

func (f foresight) see(policies.Observation) {}

func (f foresight) highest(now vtime.Time, horizon time.Duration, _ float64) (float64, bool) {
	return f.future.Highest(now, now.Add(horizon)), true
}

func (f foresight) what(horizon time.Duration, _ float64) string {
	return "perfect foresight (an oracle): the most in the next " + horizon.String()
}
