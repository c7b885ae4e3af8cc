package oracle

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// What a plan can have the least of.
const (
	Energy = "Energy"
	Carbon = "Carbon"
	Cost   = "Cost"
)

// Config of the oracle: a bound, nothing that can be run.
type Config struct {
	// Minimise is what the plan has the least of: Energy, Carbon or Cost.
	Minimise string `yaml:"minimise" kwatt:"default=Energy,enum=Energy|Carbon|Cost"`
	// Step of the plan; every count is held for one at least.
	Step units.Duration `yaml:"step" kwatt:"default=1m,min=15s,max=1h"`
	// Utilisation of a replica's saturation throughput up to which it is loaded;
	// unset what keeps the predicted latency within the SLO, 0.85 at most.
	Utilisation *float64 `yaml:"utilisation,omitempty" kwatt:"exclusiveMin=0,max=1"`
	// MinReplicas that always run.
	MinReplicas int `yaml:"minReplicas" kwatt:"default=1,min=1,max=100000"`
	// MaxReplicas to ask for; unset as many as the pools can hold.
	MaxReplicas *int `yaml:"maxReplicas,omitempty" kwatt:"min=1,max=100000"`
}

// NewConfig returns the defaults.
func NewConfig() *Config {
	return &Config{Minimise: Energy, Step: units.Duration(time.Minute), MinReplicas: 1}
}

func init() {
	policies.Register(policies.Kind{
		Name:      "oracle",
		NewConfig: func() any { return NewConfig() },
		Check: func(config any) []policies.Problem {
			c := config.(*Config)
			return capacity.Check(c.MinReplicas, c.MaxReplicas)
		},
		Oracle:    func(any) bool { return true },
		ReadsGrid: func(config any) bool { return config.(*Config).Minimise != Energy },
		Caveats: func(any, policies.Window) []string {
			return []string{"it is an oracle: it is told the arrival rate and the grid that are to come, so it is a bound for policies and nothing that can be run"}
		},
		New: func(config any, m policies.Model) (policies.Scaler, error) {
			return newScaler(config.(*Config), m)
		},
	})
}
