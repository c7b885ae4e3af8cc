package replay

import (
	_ "embed"
	"fmt"
	"maps"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
)

//go:embed stages.yaml
var podStages []byte

// Plane is the control plane that a replay needs: its policy's kube-scheduler,
// KWOK with the replay's stages, and the HPA controller's periods divided by
// the speed.
func Plane(o Options) (controlplane.Config, error) {
	config, err := schedulerConfig(o)
	if err != nil {
		return controlplane.Config{}, err
	}
	c := controlplane.Config{
		GOGC:      400,
		Scheduler: controlplane.SchedulerConfig{Config: config, Placements: o.recorded()},
		Kwok:      controlplane.KwokConfig{Stages: podStages, PodParallelism: 32, NodeParallelism: 32},
		// A new node is not tainted until the controller manager has seen it ready.
		APIServer: controlplane.APIServerConfig{DisableAdmission: []string{"TaintNodesByCondition"}},
	}
	if o.Guest {
		c.Kwok.NodeSelector = LabelRun + "=" + o.Namespace
	}
	for _, h := range o.HPAs {
		divided := func(d time.Duration) *time.Duration {
			d /= time.Duration(o.Speed)
			return &d
		}
		c.ControllerManager.HPA = controlplane.HPAConfig{
			SyncPeriod: divided(h.SyncPeriod.D()), DownscaleStabilization: divided(h.DownscaleStabilization.D()),
			CPUInitialization: divided(h.CPUInitializationPeriod.D()), InitialReadinessDelay: divided(h.InitialReadinessDelay.D()),
			Tolerance: &h.Tolerance,
		}
	}
	return c, nil
}

// schedulerConfig is the policy's KubeSchedulerConfiguration. In a cluster that
// has a scheduler its profiles get names of their own.
func schedulerConfig(o Options) ([]byte, error) {
	object := o.Objects.Configuration.AsWritten()
	if !o.Guest {
		return yaml.Marshal(object)
	}
	object = maps.Clone(object)
	profiles, _ := object["profiles"].([]any)
	if len(profiles) == 0 {
		profiles = []any{map[string]any{}}
	}
	renamed := make([]any, len(profiles))
	for i, p := range profiles {
		profile, ok := p.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("profile %d of the scheduler's configuration is no object", i)
		}
		profile = maps.Clone(profile)
		name, _ := profile["schedulerName"].(string)
		profile["schedulerName"] = guestScheduler(name)
		renamed[i] = profile
	}
	object["profiles"] = renamed
	return yaml.Marshal(object)
}
