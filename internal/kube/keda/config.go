package keda

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// Config of a ScaledObject.
type Config struct {
	// File of a ScaledObject as it would be applied to a cluster, relative to the
	// scenario file.
	File string `yaml:"manifest" kwatt:"required"`
	// Queries says what a prometheus trigger's query reads, where the query does not
	// say so itself: the text of the query, and a metric of the catalogue such as
	// service_requests_per_second or sum(inflight_requests).
	Queries map[string]string `yaml:"queries,omitempty"`
	// SyncPeriod of the HorizontalPodAutoscaler that KEDA makes
	// (--horizontal-pod-autoscaler-sync-period).
	SyncPeriod units.Duration `yaml:"syncPeriod" kwatt:"default=15s,min=1s,max=1h"`
	// ScalerAddresses says where the server of an external trigger listens for kwatt:
	// the trigger's scalerAddress in the cluster, and host:port or unix:///path here.
	ScalerAddresses map[string]string `yaml:"scalerAddresses,omitempty"`
	// ScalerTimeout of each call of an external trigger's server, in real time;
	// unset 5s. A call that takes longer ends the run.
	ScalerTimeout *units.Duration `yaml:"scalerTimeout,omitempty" kwatt:"min=1ms,max=1h"`

	object map[string]any // what the manifest holds
}

// Manifest implements policies.ManifestConfig.
func (c *Config) Manifest() string { return c.File }

// SetManifest implements policies.ManifestConfig.
func (c *Config) SetManifest(object map[string]any) { c.object = object }

func newConfig() any { return &Config{SyncPeriod: units.Duration(15 * time.Second)} }

func init() {
	policies.Register(policies.Kind{
		Name:      "keda",
		NewConfig: newConfig,
		Check: func(config any) []policies.Problem {
			_, problems := config.(*Config).read()
			return problems
		},
		Suits:   func(config any, m policies.Model) []policies.Problem { return config.(*Config).suits(m) },
		Caveats: func(config any, _ policies.Window) []string { return config.(*Config).caveats() },
		New:     func(config any, m policies.Model) (policies.Scaler, error) { return newScaler(config.(*Config), m) },
	})
	policies.Register(policies.Kind{
		Name:      "external",
		NewConfig: newExternalConfig,
		Check:     func(config any) []policies.Problem { return config.(*External).faults() },
		Suits: func(config any, m policies.Model) []policies.Problem {
			return ofExternal(config.(*External).config(m.Service).suits(m))
		},
		Caveats: func(config any, _ policies.Window) []string { return config.(*External).config("").caveats() },
		New: func(config any, m policies.Model) (policies.Scaler, error) {
			return newScaler(config.(*External).config(m.Service), m)
		},
	})
}
