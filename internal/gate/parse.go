package gate

import (
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/metrics"
)

// ParseLimit reads a limit of a metric, such as 50ms or 0.16mg/req, and returns it
// in the metric's unit. least says that it is the least that is allowed.
func ParseLimit(text string, least bool, m metrics.Metric) (float64, error) {
	var l Limit
	if err := l.UnmarshalText([]byte(text)); err != nil {
		return 0, err
	}
	field := "max"
	if least {
		field = "min"
	}
	b, message, hint := l.resolve(field, m)
	switch {
	case message != "" && hint != "":
		return 0, fmt.Errorf("%s (%s)", message, hint)
	case message != "":
		return 0, fmt.Errorf("%s", message)
	}
	return b.value, nil
}
