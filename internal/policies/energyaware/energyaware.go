package energyaware

import (
	"fmt"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// Config of the energy-aware scaler.
type Config struct {
	// Headroom over the observed arrival rate: 0.1 provides for 10 % more.
	Headroom float64 `yaml:"headroom" kwatt:"default=0.1,min=0,max=10"`
	// Interval between two decisions.
	Interval units.Duration `yaml:"interval" kwatt:"default=15s,min=1s,max=1h"`
	// MinReplicas that always run.
	MinReplicas int `yaml:"minReplicas" kwatt:"default=1,min=1,max=100000"`
	// MaxReplicas to ask for; unset as many as the pools can hold.
	MaxReplicas *int `yaml:"maxReplicas,omitempty" kwatt:"min=1,max=100000"`
	// MaxUtilisation of a replica's saturation throughput, whatever more the
	// SLO would allow. Without a latency SLO it alone bounds the load.
	MaxUtilisation float64 `yaml:"maxUtilisation" kwatt:"default=0.85,exclusiveMin=0,max=0.99"`
	// ScaleDownDelay is how long fewer replicas must suffice before some go.
	ScaleDownDelay units.Duration `yaml:"scaleDownDelay" kwatt:"default=5m,min=0,max=24h"`
	// PowerCap also sets the boards' power caps: of all replica counts and caps the
	// pair of the smallest predicted power. Unset they are left alone.
	PowerCap bool `yaml:"powerCap,omitempty"`
	// SMClock also locks the boards' SM clock, by the same rule: beside the caps, the
	// clocks of the boards' own sweep. It takes a powerModel with one in every pool.
	SMClock bool `yaml:"smClock,omitempty"`
}

func newConfig() any {
	return &Config{
		Headroom:       0.1,
		Interval:       units.Duration(15 * time.Second),
		MinReplicas:    1,
		MaxUtilisation: 0.85,
		ScaleDownDelay: units.Duration(5 * time.Minute),
	}
}

func init() {
	policies.Register(policies.Kind{
		Name:      "energyAware",
		NewConfig: newConfig,
		Check: func(config any) []policies.Problem {
			c := config.(*Config)
			return capacity.Check(c.MinReplicas, c.MaxReplicas)
		},
		Suits:      func(config any, m policies.Model) []policies.Problem { return config.(*Config).suits(m) },
		SetsLimits: func(config any) []policies.LimitKind { return config.(*Config).limits() },
		New: func(config any, m policies.Model) (policies.Scaler, error) {
			return newScaler(config.(*Config), m)
		},
	})
}

type scaler struct {
	config Config
	model  policies.Model
	bounds capacity.Bounds
	levels []capacity.Level // only the first, without powerCap and smClock
	delay  capacity.Delay
	hold   capacity.Delay // of levels, counted from the last
}

func newScaler(c *Config, m policies.Model) (*scaler, error) {
	levels, err := capacity.Levels(m, c.MaxUtilisation, c.limits()...)
	if err != nil {
		return nil, fmt.Errorf("energyAware: %w", err)
	}
	return &scaler{
		config: *c,
		model:  m,
		bounds: capacity.NewBounds(c.MinReplicas, c.MaxReplicas, levels[0].Fleet),
		levels: levels,
		delay:  capacity.Delay{Length: c.ScaleDownDelay.D()},
		hold:   capacity.Delay{Length: c.ScaleDownDelay.D()},
	}, nil
}

// Interval between two decisions.
func (s *scaler) Interval() time.Duration { return s.config.Interval.D() }

// Decide implements policies.Scaler.
func (s *scaler) Decide(o policies.Observation) policies.Decision {
	if !o.Valid {
		return policies.Decision{Replicas: s.bounds.Clamp(o.Desired), Reason: "no telemetry yet"}
	}
	demand := o.ArrivalRate * (1 + s.config.Headroom)
	if len(s.config.limits()) > 0 {
		return s.limited(o, demand)
	}
	best := s.levels[0].Cheapest(demand, s.bounds)
	n := s.delay.Highest(o.Now, best.Replicas)
	return policies.Decision{Replicas: n, Reason: s.reason(o.ArrivalRate, n, best)}
}

func (s *scaler) reason(rate float64, n int, best capacity.Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%.1f req/s + %.3g %%: ", rate, 100*s.config.Headroom)
	if best.Overload {
		fmt.Fprintf(&b, "more than %d replicas serve within the bounds", best.Replicas)
		return b.String()
	}
	fmt.Fprintf(&b, "%d replicas (%s) draw least, %.0f W predicted at %.0f %% busy", best.Replicas, s.placement(best), best.Watts, 100*best.Busy)
	if s.model.LatencyTarget > 0 {
		fmt.Fprintf(&b, ", p%.3g %.3g s of %.3g s", 100*s.model.LatencyQuantile, best.Latency, s.model.LatencyTarget)
	}
	if n > best.Replicas {
		fmt.Fprintf(&b, "; %d held, the most within %s", n, s.config.ScaleDownDelay)
	}
	return b.String()
}

// placement writes how the replicas lie, for example "t4 12, l4 3".
func (s *scaler) placement(p capacity.Plan) string {
	var parts []string
	for i, n := range p.Counts {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", s.model.Pools[i].Name, n))
		}
	}
	return strings.Join(parts, ", ")
}
