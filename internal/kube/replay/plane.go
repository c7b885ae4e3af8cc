package replay

import (
	_ "embed"
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
	config, err := yaml.Marshal(o.Objects.Configuration.AsWritten())
	if err != nil {
		return controlplane.Config{}, err
	}
	c := controlplane.Config{
		GOGC:      400,
		Scheduler: controlplane.SchedulerConfig{Config: config},
		Kwok:      controlplane.KwokConfig{Stages: podStages, PodParallelism: 32, NodeParallelism: 32},
		// A new node is not tainted until the controller manager has seen it ready.
		APIServer: controlplane.APIServerConfig{DisableAdmission: []string{"TaintNodesByCondition"}},
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
