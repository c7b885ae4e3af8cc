package static

import (
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// Config of the static scaler.
type Config struct {
	// Replicas at all times.
	Replicas int `yaml:"replicas" kwatt:"required,min=1,max=100000"`
}

func init() {
	policies.Register(policies.Kind{
		Name:      "static",
		NewConfig: func() any { return &Config{} },
		New: func(config any, _ policies.Model) (policies.Scaler, error) {
			return scaler{config.(*Config).Replicas}, nil
		},
	})
}

type scaler struct{ replicas int }

// Interval is a minute: the first decision is also the last change.
func (scaler) Interval() time.Duration { return time.Minute }

// Decide always asks for the configured number.
func (s scaler) Decide(policies.Observation) policies.Decision {
	return policies.Decision{Replicas: s.replicas, Reason: fmt.Sprintf("fixed at %d", s.replicas)}
}
