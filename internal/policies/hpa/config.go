package hpa

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// Config of the HorizontalPodAutoscaler. Exactly one of manifest and spec is
// set; the rest are flags of kube-controller-manager.
type Config struct {
	// File is the manifest of an autoscaling/v2 HorizontalPodAutoscaler, relative
	// to the scenario file.
	File string `yaml:"manifest,omitempty"`
	// Spec of the HorizontalPodAutoscaler, inline.
	Spec *Spec `yaml:"spec,omitempty"`
	// SyncPeriod between two decisions (--horizontal-pod-autoscaler-sync-period).
	SyncPeriod units.Duration `yaml:"syncPeriod" kwatt:"default=15s,min=1s,max=1h"`
	// Tolerance between metric and target within which nothing changes
	// (--horizontal-pod-autoscaler-tolerance).
	Tolerance float64 `yaml:"tolerance" kwatt:"default=0.1,min=0,max=1"`
	// DownscaleStabilization is the scale-down window where the behavior names
	// none (--horizontal-pod-autoscaler-downscale-stabilization).
	DownscaleStabilization units.Duration `yaml:"downscaleStabilization" kwatt:"default=5m,min=0,max=1h"`

	// Object is what the manifest holds.
	Object HorizontalPodAutoscaler `yaml:"-"`
}

// Manifest implements policies.ManifestConfig.
func (c *Config) Manifest() (path string, into any) { return c.File, &c.Object }

// spec returns the spec in use, nil when there is none to speak of.
func (c *Config) spec() *Spec {
	switch {
	case c.Spec != nil:
		return c.Spec
	case c.Object.Kind != "":
		return &c.Object.Spec
	}
	return nil
}

func newConfig() any {
	return &Config{
		SyncPeriod:             units.Duration(15 * time.Second),
		Tolerance:              0.1,
		DownscaleStabilization: units.Duration(5 * time.Minute),
	}
}

func init() {
	policies.Register(policies.Kind{
		Name:      "hpa",
		NewConfig: newConfig,
		Check:     func(config any) []policies.Problem { return check(config.(*Config)) },
		New: func(config any, m policies.Model) (policies.Scaler, error) {
			return NewScaler(config.(*Config), m, Formula{})
		},
	})
}
