package forecast

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// Config of the forecast-driven scaler.
type Config struct {
	// Model of the series: HoltWinters.
	Model string `yaml:"model" kwatt:"default=HoltWinters,enum=HoltWinters"`
	// Season is the length of a season; it needs two of history to be used.
	Season units.Duration `yaml:"season" kwatt:"default=24h,exclusiveMin=0,max=8784h"`
	// Step of the series; the season is a whole number of steps.
	Step units.Duration `yaml:"step" kwatt:"default=5m,min=1s,max=24h"`
	// Horizon ahead to provide for; unset the cold start, the longest
	// provision delay and an interval.
	Horizon *units.Duration `yaml:"horizon,omitempty" kwatt:"min=0,max=24h"`
	// Quantile of the forecast to provide for.
	Quantile float64 `yaml:"quantile" kwatt:"default=0.95,min=0.5,max=0.999"`
	// Interval between two decisions.
	Interval units.Duration `yaml:"interval" kwatt:"default=15s,min=1s,max=1h"`
	// Refit is the time between two fits of the parameters.
	Refit units.Duration `yaml:"refit" kwatt:"default=6h,min=1m,max=8784h"`
	// MinReplicas that always run.
	MinReplicas int `yaml:"minReplicas" kwatt:"default=1,min=1,max=100000"`
	// MaxReplicas to ask for; unset as many as the pools can hold.
	MaxReplicas *int `yaml:"maxReplicas,omitempty" kwatt:"min=1,max=100000"`
	// MaxUtilisation of a replica's saturation throughput, whatever more the
	// SLO would allow. Without a latency SLO it alone bounds the load.
	MaxUtilisation float64 `yaml:"maxUtilisation" kwatt:"default=0.85,exclusiveMin=0,max=0.99"`
	// ScaleDownDelay is how long fewer replicas must suffice before some go.
	ScaleDownDelay units.Duration `yaml:"scaleDownDelay" kwatt:"default=5m,min=0,max=24h"`
}

func newConfig() any {
	return &Config{
		Model:          "HoltWinters",
		Season:         units.Duration(24 * time.Hour),
		Step:           units.Duration(5 * time.Minute),
		Quantile:       0.95,
		Interval:       units.Duration(15 * time.Second),
		Refit:          units.Duration(6 * time.Hour),
		MinReplicas:    1,
		MaxUtilisation: 0.85,
		ScaleDownDelay: units.Duration(5 * time.Minute),
	}
}

func init() {
	policies.Register(policies.Kind{
		Name:      "forecast",
		NewConfig: newConfig,
		Check:     func(config any) []policies.Problem { return check(config.(*Config)) },
		New: func(config any, m policies.Model) (policies.Scaler, error) {
			return newScaler(config.(*Config), m)
		},
	})
}

// maxSeasonSteps keeps a fit below a second.
const maxSeasonSteps = 20_000

func check(c *Config) []policies.Problem {
	problems := capacity.Check(c.MinReplicas, c.MaxReplicas)
	switch {
	case c.Step <= 0 || c.Season <= 0:
	case c.Season%c.Step != 0:
		problems = append(problems, policies.Problem{
			Path:    "season",
			Message: "season " + c.Season.String() + " is not a whole number of steps of " + c.Step.String(),
			Hint:    "choose a step that divides the season, for example 5m",
		})
	case c.Season/c.Step > maxSeasonSteps:
		problems = append(problems, policies.Problem{
			Path:    "step",
			Message: "season " + c.Season.String() + " has more than 20000 steps of " + c.Step.String(),
			Hint:    "choose a longer step",
		})
	}
	if c.Interval > c.Step {
		problems = append(problems, policies.Problem{
			Path:    "interval",
			Message: "interval " + c.Interval.String() + " is longer than step " + c.Step.String() + ": steps would stay empty",
			Hint:    "use an interval of at most the step",
		})
	}
	return problems
}
