package forecast

import (
	"bytes"
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/forecast"
	"github.com/kwatt-sim/kwatt/internal/forecast/lstm"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// Config of the forecast-driven scaler.
type Config struct {
	// Model of the series; HoltWinters chooses its form by the history.
	// PerfectForesight knows the rate that is to come: an oracle, for bounds.
	Model string `yaml:"model" kwatt:"default=HoltWinters,enum=Naive|SeasonalNaive|HoltWinters|HoltWintersAdditive|HoltWintersMultiplicative|HoltWintersDamped|LSTM|PerfectForesight"`
	// Weights of the LSTM: a file that sim forecast train wrote, relative to the
	// scenario file; unset those that come with kwatt.
	Weights string `yaml:"weights,omitempty"`
	// Season is the length of a season; it needs two of history to be used.
	Season units.Duration `yaml:"season" kwatt:"default=24h,exclusiveMin=0,max=8784h"`
	// Step of the series; the season is a whole number of steps.
	Step units.Duration `yaml:"step" kwatt:"default=5m,min=1s,max=24h"`
	// Horizon ahead of now to provide for; unset the time until a replica that
	// the next decision asks for is ready: the interval, the longest provision
	// delay, image pull and model load.
	Horizon *units.Duration `yaml:"horizon,omitempty" kwatt:"min=0,max=24h"`
	// Quantile of the forecast to provide for.
	Quantile float64 `yaml:"quantile" kwatt:"default=0.95,min=0.5,max=0.999"`
	// SafetyNet never asks for fewer replicas than the rate observed now needs.
	SafetyNet bool `yaml:"safetyNet" kwatt:"default=true"`
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

	weights *lstm.Weights // what the file holds
}

func newConfig() any {
	return &Config{
		Model:          "HoltWinters",
		Season:         units.Duration(24 * time.Hour),
		Step:           units.Duration(5 * time.Minute),
		Quantile:       0.95,
		SafetyNet:      true,
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
		Oracle:    func(config any) bool { return config.(*Config).oracle() },
		Caveats:   func(config any, w policies.Window) []string { return config.(*Config).caveats(w) },
		New: func(config any, m policies.Model) (policies.Scaler, error) {
			return newScaler(config.(*Config), m)
		},
	})
}

// NamedFile implements policies.FileConfig.
func (c *Config) NamedFile() (field, path string) { return "weights", c.Weights }

// SetFile implements policies.FileConfig.
func (c *Config) SetFile(data []byte, name string) error {
	var err error
	c.weights, err = lstm.Read(bytes.NewReader(data), name)
	return err
}

// method returns the forecast method in use.
func (c *Config) method() (forecast.Method, error) {
	if c.Model == "LSTM" && c.weights != nil {
		return c.weights.Method(), nil
	}
	return forecast.Find(c.Model)
}

func (c *Config) oracle() bool {
	m, err := forecast.Find(c.Model)
	return err == nil && m.Oracle
}

// caveats warn of an oracle, and of weights that have seen the window.
func (c *Config) caveats(w policies.Window) []string {
	if c.oracle() {
		return []string{"it is an oracle: it is told the arrival rate that is to come, so it is a bound for forecasts and nothing that can be run"}
	}
	if c.Model != "LSTM" {
		return nil
	}
	weights := c.weights
	if weights == nil {
		weights = lstm.Builtin()
	}
	var out []string
	for _, t := range weights.Seen(w.Trace, w.Source, w.From) {
		out = append(out, fmt.Sprintf("its LSTM was trained on %s from %s to %s, which ends after the window begins: it may know the answers",
			t.Trace, t.From.Format(time.DateOnly), t.To.Format(time.DateOnly)))
	}
	return out
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
	if c.Weights != "" && c.Model != "LSTM" {
		problems = append(problems, policies.Problem{
			Path:    "weights",
			Message: "weights are for the model LSTM, not for " + c.Model,
			Hint:    "set model: LSTM or leave weights out",
		})
	}
	return problems
}
