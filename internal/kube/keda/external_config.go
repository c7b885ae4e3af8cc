package keda

import (
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// External is a ScaledObject with one external trigger, in short.
type External struct {
	// Address of a server that speaks KEDA's protocol for external scalers,
	// host:port or unix:///path. Start it before the run.
	Address string `yaml:"address" kwatt:"required"`
	// Metadata of the trigger, handed to the server with each call.
	Metadata map[string]string `yaml:"metadata,omitempty"`
	// MetricType is AverageValue (the target is for each replica) or Value.
	MetricType string `yaml:"metricType" kwatt:"default=AverageValue,enum=AverageValue|Value"`
	// MinReplicas (minReplicaCount of the ScaledObject); with 0 the service sleeps
	// while the server says that it is not active.
	MinReplicas int `yaml:"minReplicas" kwatt:"default=1,min=0,max=100000"`
	// MaxReplicas (maxReplicaCount).
	MaxReplicas int `yaml:"maxReplicas" kwatt:"default=100,min=1,max=100000"`
	// PollingInterval between two questions whether the server is active.
	PollingInterval units.Duration `yaml:"pollingInterval" kwatt:"default=30s,min=1s,max=1h"`
	// CooldownPeriod after the last activity, before the service sleeps.
	CooldownPeriod units.Duration `yaml:"cooldownPeriod" kwatt:"default=5m,min=0,max=24h"`
	// SyncPeriod of the HorizontalPodAutoscaler, which reads the metrics.
	SyncPeriod units.Duration `yaml:"syncPeriod" kwatt:"default=15s,min=1s,max=1h"`
	// Behavior of the HorizontalPodAutoscaler, as in autoscaling/v2.
	Behavior map[string]any `yaml:"behavior,omitempty"`
	// Timeout of each call, in real time. A call that takes longer ends the run.
	Timeout units.Duration `yaml:"timeout" kwatt:"default=5s,min=1ms,max=1h"`
}

func newExternalConfig() any {
	return &External{
		MetricType: "AverageValue", MinReplicas: 1, MaxReplicas: defaultMax,
		PollingInterval: units.Duration(defaultPolling * time.Second), CooldownPeriod: units.Duration(defaultCooldown * time.Second),
		SyncPeriod: units.Duration(15 * time.Second), Timeout: units.Duration(5 * time.Second),
	}
}

// check finds what a ScaledObject cannot say.
func (x *External) check() (out []policies.Problem) {
	if _, twice := x.Metadata["scalerAddress"]; twice {
		out = append(out, policies.Problem{Path: "metadata.scalerAddress", Message: "is what address says already", Hint: "leave it out"})
	}
	for _, d := range []struct {
		path string
		is   units.Duration
	}{{"pollingInterval", x.PollingInterval}, {"cooldownPeriod", x.CooldownPeriod}} {
		if d.is.D()%time.Second != 0 {
			out = append(out, policies.Problem{Path: d.path, Message: "want whole seconds, as KEDA counts them"})
		}
	}
	return out
}

// config is the ScaledObject of a service.
func (x *External) config(service string) *Config {
	metadata := map[string]any{}
	for k, v := range x.Metadata {
		metadata[k] = v
	}
	metadata["scalerAddress"] = x.Address
	spec := map[string]any{
		"scaleTargetRef":  map[string]any{"name": service},
		"minReplicaCount": x.MinReplicas, "maxReplicaCount": x.MaxReplicas,
		"pollingInterval": int(x.PollingInterval.D().Seconds()), "cooldownPeriod": int(x.CooldownPeriod.D().Seconds()),
		"triggers": []any{map[string]any{"type": "external", "metricType": x.MetricType, "metadata": metadata}},
	}
	if x.Behavior != nil {
		spec["advanced"] = map[string]any{"horizontalPodAutoscalerConfig": map[string]any{"behavior": x.Behavior}}
	}
	return &Config{
		SyncPeriod: x.SyncPeriod, ScalerTimeout: &x.Timeout,
		object: map[string]any{
			"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
			"metadata": map[string]any{"name": service, "namespace": "default"}, "spec": spec,
		},
	}
}

// faults are all of the policy, at its own fields.
func (x *External) faults() []policies.Problem {
	own := x.check()
	if x.Address == "" {
		return own // that it is required is the decoder's to say
	}
	_, problems := x.config("").read()
	return ofExternal(append(own, problems...))
}

// ofExternal moves faults of the ScaledObject to the fields they come from.
func ofExternal(problems []policies.Problem) []policies.Problem {
	for i := range problems {
		for _, x := range [][2]string{
			{"spec.triggers[0].metadata.scalerAddress", "address"}, {"spec.triggers[0].", ""}, {"spec.advanced.horizontalPodAutoscalerConfig.", ""},
			{"spec.minReplicaCount", "minReplicas"}, {"spec.maxReplicaCount", "maxReplicas"},
		} {
			if rest, ok := strings.CutPrefix(problems[i].Path, x[0]); ok {
				problems[i].Path = x[1] + rest
			}
		}
	}
	return problems
}
