package carbonaware

import (
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// Config of the carbon-aware scaler.
type Config struct {
	// Load of a replica by the grid's intensity.
	Load Load `yaml:"load"`
	// MaxReplicasByCarbonIntensity caps replicas, in the terms of the carbon-aware
	// KEDA operator: each threshold is an upper limit, the one before it the lower.
	MaxReplicasByCarbonIntensity []Cap `yaml:"maxReplicasByCarbonIntensity,omitempty"`
	// EcoModeOff lifts the caps after long dirty hours, in the operator's terms.
	EcoModeOff *EcoModeOff `yaml:"ecoModeOff,omitempty"`
	// Headroom over the observed arrival rate: 0.1 provides for 10 % more.
	Headroom float64 `yaml:"headroom" kwatt:"default=0.1,min=0,max=10"`
	// Interval between two decisions.
	Interval units.Duration `yaml:"interval" kwatt:"default=15s,min=1s,max=1h"`
	// MinReplicas that always run.
	MinReplicas int `yaml:"minReplicas" kwatt:"default=1,min=1,max=100000"`
	// MaxReplicas to ask for; unset as many as the pools can hold.
	MaxReplicas *int `yaml:"maxReplicas,omitempty" kwatt:"min=1,max=100000"`
	// MaxUtilisation of a replica's saturation throughput, whatever more the SLO
	// would allow. Without a latency SLO it alone bounds the load.
	MaxUtilisation float64 `yaml:"maxUtilisation" kwatt:"default=0.85,exclusiveMin=0,max=0.99"`
	// ScaleDownDelay is how long fewer replicas must suffice before some go.
	ScaleDownDelay units.Duration `yaml:"scaleDownDelay" kwatt:"default=5m,min=0,max=24h"`
}

// Load of a replica, as a part of the highest rate within the SLO.
type Load struct {
	// CleanBelow is the intensity in g/kWh up to which the grid is clean.
	CleanBelow float64 `yaml:"cleanBelow" kwatt:"default=200,min=0,max=10000"`
	// DirtyAbove is the intensity in g/kWh from which the grid is dirty.
	DirtyAbove float64 `yaml:"dirtyAbove" kwatt:"default=400,min=0,max=10000"`
	// Clean is the load while the grid is clean.
	Clean float64 `yaml:"clean" kwatt:"default=0.7,exclusiveMin=0,max=1"`
	// Dirty is the load while the grid is dirty.
	Dirty float64 `yaml:"dirty" kwatt:"default=1,exclusiveMin=0,max=1"`
}

// Cap on replicas by carbon intensity.
type Cap struct {
	// CarbonIntensityThreshold in g/kWh up to which the cap holds.
	CarbonIntensityThreshold float64 `yaml:"carbonIntensityThreshold" kwatt:"required,min=0,max=10000"`
	// MaxReplicas while the intensity is within the limits.
	MaxReplicas int `yaml:"maxReplicas" kwatt:"required,min=1,max=100000"`
}

// EcoModeOff is when carbon intensity stops counting.
type EcoModeOff struct {
	// MaxReplicas while eco mode is off.
	MaxReplicas int `yaml:"maxReplicas" kwatt:"required,min=1,max=100000"`
	// CarbonIntensityDuration switches eco mode off.
	CarbonIntensityDuration IntensityDuration `yaml:"carbonIntensityDuration" kwatt:"required"`
}

// IntensityDuration is a time of high intensity.
type IntensityDuration struct {
	// CarbonIntensityThreshold in g/kWh that each minute must reach.
	CarbonIntensityThreshold float64 `yaml:"carbonIntensityThreshold" kwatt:"required,min=0,max=10000"`
	// OverrideEcoAfterDurationInMins is how long, in minutes.
	OverrideEcoAfterDurationInMins int `yaml:"overrideEcoAfterDurationInMins" kwatt:"required,min=1,max=10080"`
}

func newConfig() any {
	return &Config{
		Load:     Load{CleanBelow: 200, DirtyAbove: 400, Clean: 0.7, Dirty: 1},
		Headroom: 0.1, Interval: units.Duration(15 * time.Second), MinReplicas: 1,
		MaxUtilisation: 0.85, ScaleDownDelay: units.Duration(5 * time.Minute),
	}
}

func init() {
	policies.Register(policies.Kind{
		Name:      "carbonAware",
		NewConfig: newConfig,
		Check:     func(config any) []policies.Problem { return check(config.(*Config)) },
		ReadsGrid: func(any) bool { return true },
		New: func(config any, m policies.Model) (policies.Scaler, error) {
			return newScaler(config.(*Config), m)
		},
	})
}

func check(c *Config) []policies.Problem {
	problems := capacity.Check(c.MinReplicas, c.MaxReplicas)
	if c.Load.CleanBelow >= c.Load.DirtyAbove {
		problems = append(problems, policies.Problem{
			Path:    "load.dirtyAbove",
			Message: fmt.Sprintf("dirtyAbove %g is not above cleanBelow %g", c.Load.DirtyAbove, c.Load.CleanBelow),
			Hint:    "choose two figures that the days of the zone lie between; see docs/carbon.md",
		})
	}
	for i, x := range c.MaxReplicasByCarbonIntensity {
		path := fmt.Sprintf("maxReplicasByCarbonIntensity[%d]", i)
		if i > 0 && x.CarbonIntensityThreshold <= c.MaxReplicasByCarbonIntensity[i-1].CarbonIntensityThreshold {
			problems = append(problems, policies.Problem{Path: path + ".carbonIntensityThreshold", Message: "thresholds do not rise", Hint: "list them in ascending order, each once"})
		}
		if x.MaxReplicas < c.MinReplicas {
			problems = append(problems, policies.Problem{Path: path + ".maxReplicas",
				Message: fmt.Sprintf("maxReplicas %d is below minReplicas %d", x.MaxReplicas, c.MinReplicas), Hint: "raise it, or lower minReplicas"})
		}
	}
	if c.EcoModeOff != nil && len(c.MaxReplicasByCarbonIntensity) == 0 {
		problems = append(problems, policies.Problem{Path: "ecoModeOff", Message: "there is no cap to lift", Hint: "add maxReplicasByCarbonIntensity, or leave ecoModeOff out"})
	}
	return problems
}
