// Package energyaware is the Score plugin EnergyAware: it prefers the node
// whose draw grows least by the pod, so that pods fill nodes that are on before
// they wake another, and efficient GPUs before thirsty ones. It reads node
// annotations (see package power) and runs unchanged in a real kube-scheduler.
package energyaware

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kwatt-sim/kwatt/internal/kube/plugins/power"
)

// Name of the plugin in a KubeSchedulerConfiguration.
const Name = "EnergyAware"

// Args are the plugin's arguments.
type Args struct {
	// WakeCost weighs what an empty node costs besides its pod's own work: its
	// base watts and idle GPUs. 1 counts them in full, 0 not at all.
	WakeCost *float64 `json:"wakeCost,omitempty"`
	// ScoringStrategy says what a node is scored by; unset: MarginalWatts.
	ScoringStrategy *Strategy `json:"scoringStrategy,omitempty"`
}

// Plugin scores nodes by marginal watts, or as its strategy says.
type Plugin struct {
	wakeCost float64
	strategy StrategyType
}

var (
	_ fwk.PreScorePlugin  = &Plugin{}
	_ fwk.ScorePlugin     = &Plugin{}
	_ fwk.ScoreExtensions = &Plugin{}
)

// New makes the plugin from its arguments.
func New(_ context.Context, args runtime.Object, _ fwk.Handle) (fwk.Plugin, error) {
	var a Args
	if err := power.DecodeArgs(Name, args, &a); err != nil {
		return nil, err
	}
	p := &Plugin{wakeCost: 1, strategy: MarginalWatts}
	if a.WakeCost != nil {
		if p.wakeCost = *a.WakeCost; !(p.wakeCost >= 0 && p.wakeCost <= 1000) {
			return nil, fmt.Errorf("args of plugin %s: wakeCost is %v, want 0 to 1000", Name, p.wakeCost)
		}
	}
	if a.ScoringStrategy != nil {
		p.strategy = a.ScoringStrategy.Type
		switch {
		case !slices.Contains(Strategies(), p.strategy):
			return nil, fmt.Errorf("args of plugin %s: scoringStrategy.type is %q, want one of %v", Name, p.strategy, Strategies())
		case p.strategy != MarginalWatts && a.WakeCost != nil:
			return nil, fmt.Errorf("args of plugin %s: wakeCost belongs to scoringStrategy.type %s, not to %s", Name, MarginalWatts, p.strategy)
		}
	}
	return p, nil
}

// Name implements fwk.Plugin.
func (*Plugin) Name() string { return Name }

// ScoreExtensions implements fwk.ScorePlugin.
func (p *Plugin) ScoreExtensions() fwk.ScoreExtensions { return p }

// PreScore implements fwk.PreScorePlugin.
func (*Plugin) PreScore(_ context.Context, state fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	return power.PreScore(state, Name, pod)
}

// Score returns the raw score of the node under the strategy: by default the
// pod's marginal microwatts, a cost that NormalizeScore inverts; power.Unknown
// for a node without a model.
func (p *Plugin) Score(_ context.Context, state fwk.CycleState, _ *v1.Pod, ni fwk.NodeInfo) (int64, *fwk.Status) {
	pod, status := power.Prepared(state, Name)
	if !status.IsSuccess() {
		return 0, status
	}
	node, err := power.NodeOf(ni.Node())
	if err != nil {
		return power.Unknown, nil
	}
	if p.strategy != MarginalWatts {
		return p.strategy.raw(draw(node, ni)), nil
	}
	watts := node.Marginal(ni, pod)
	if node.Used(ni, nil) == 0 {
		idle := node.Base + float64(node.Devices*node.Bare) - node.Empty
		watts += float64((p.wakeCost - 1) * idle)
	}
	return power.Cost(watts), nil
}

// NormalizeScore implements fwk.ScoreExtensions.
func (p *Plugin) NormalizeScore(_ context.Context, _ fwk.CycleState, _ *v1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	p.strategy.normalize(scores)
	return nil
}
