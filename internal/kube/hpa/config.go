package hpa

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// Config of the HorizontalPodAutoscaler. Exactly one of manifest and spec is
// set; the rest are flags of kube-controller-manager.
type Config struct {
	// File of a HorizontalPodAutoscaler as it would be applied to a cluster, or as
	// kubectl prints it: autoscaling/v2 or v1, by itself or the only one in a
	// List. Relative to the scenario file.
	File string `yaml:"manifest,omitempty"`
	// Spec of an autoscaling/v2 HorizontalPodAutoscaler, inline; scaleTargetRef
	// may be left out.
	Spec map[string]any `yaml:"spec,omitempty"`
	// SyncPeriod between two decisions (--horizontal-pod-autoscaler-sync-period).
	SyncPeriod units.Duration `yaml:"syncPeriod" kwatt:"default=15s,min=1s,max=1h"`
	// Tolerance between metric and target within which nothing changes
	// (--horizontal-pod-autoscaler-tolerance).
	Tolerance float64 `yaml:"tolerance" kwatt:"default=0.1,min=0,max=1"`
	// DownscaleStabilization is the scale-down window where the behavior names
	// none (--horizontal-pod-autoscaler-downscale-stabilization).
	DownscaleStabilization units.Duration `yaml:"downscaleStabilization" kwatt:"default=5m,min=0,max=1h"`
	// CPUInitializationPeriod after a pod's start, in which its CPU use counts
	// only once it is ready (--horizontal-pod-autoscaler-cpu-initialization-period).
	CPUInitializationPeriod units.Duration `yaml:"cpuInitializationPeriod" kwatt:"default=5m,min=0,max=1h"`
	// InitialReadinessDelay after a pod's start, in which a change of its
	// readiness is taken for its first (--horizontal-pod-autoscaler-initial-readiness-delay).
	InitialReadinessDelay units.Duration `yaml:"initialReadinessDelay" kwatt:"default=30s,min=0,max=1h"`

	object map[string]any // what the manifest holds
	served []Metric       // of the service, beside the catalogue
}

// NewConfig returns the defaults, for who makes an autoscaler of another object.
func NewConfig() *Config { return newConfig().(*Config) }

// Serve adds a metric of the service for External and Object metrics. Its
// figure is read at each decision; ok is false while there is none.
func (c *Config) Serve(name string, read func(o policies.Observation) (v float64, ok bool)) {
	c.served = append(c.served, Metric{Name: name, service: read})
}

// Check returns what is wrong with the configuration.
func (c *Config) Check() []policies.Problem { return c.check() }

// Suits returns what the metrics want that the service does not have.
func (c *Config) Suits(m policies.Model) []policies.Problem { return c.suits(m) }

// Manifest implements policies.ManifestConfig.
func (c *Config) Manifest() string { return c.File }

// SetManifest implements policies.ManifestConfig.
func (c *Config) SetManifest(object map[string]any) { c.object = object }

func newConfig() any {
	return &Config{
		SyncPeriod: units.Duration(15 * time.Second), Tolerance: 0.1,
		DownscaleStabilization:  units.Duration(5 * time.Minute),
		CPUInitializationPeriod: units.Duration(5 * time.Minute),
		InitialReadinessDelay:   units.Duration(30 * time.Second),
	}
}

func init() {
	policies.Register(policies.Kind{
		Name:      "hpa",
		NewConfig: newConfig,
		Check:     func(config any) []policies.Problem { return config.(*Config).check() },
		Suits:     func(config any, m policies.Model) []policies.Problem { return config.(*Config).suits(m) },
		New:       func(config any, m policies.Model) (policies.Scaler, error) { return newWorking(config.(*Config), m) },
	})
}
