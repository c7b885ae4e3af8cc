// Package carbonaware is the Score plugin CarbonAware, for clusters that span
// grids: it prefers the node whose emissions grow least by the pod, marginal
// watts (package power) times the intensity of the grid that feeds the node,
// from the annotation carbon.kwatt.dev/intensity-grams-per-kwh. It runs
// unchanged in a real kube-scheduler.
package carbonaware

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kwatt-sim/kwatt/internal/kube/plugins/power"
)

// Name of the plugin in a KubeSchedulerConfiguration.
const Name = "CarbonAware"

// Args are the plugin's arguments.
type Args struct {
	// PUE of the facility, which multiplies the node's emissions; it matters when
	// EmbodiedGramsPerHour is set.
	PUE *float64 `json:"pue,omitempty"`
	// EmbodiedGramsPerHour is added for waking an empty node: the hour's share
	// of making it.
	EmbodiedGramsPerHour float64 `json:"embodiedGramsPerHour,omitempty"`
}

// Plugin scores nodes by marginal emissions.
type Plugin struct{ pue, embodied float64 }

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
	p := &Plugin{pue: 1, embodied: a.EmbodiedGramsPerHour}
	if a.PUE != nil {
		p.pue = *a.PUE
	}
	switch {
	case !(p.pue >= 1 && p.pue <= 10):
		return nil, fmt.Errorf("args of plugin %s: pue is %v, want 1 to 10", Name, p.pue)
	case !(p.embodied >= 0 && p.embodied <= 1e6):
		return nil, fmt.Errorf("args of plugin %s: embodiedGramsPerHour is %v, want 0 to 1e6", Name, p.embodied)
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

// Score returns the micrograms of CO2e an hour that the pod adds on the node, a
// cost that NormalizeScore inverts; power.Unknown for a node without a model.
func (p *Plugin) Score(_ context.Context, state fwk.CycleState, _ *v1.Pod, ni fwk.NodeInfo) (int64, *fwk.Status) {
	pod, status := power.Prepared(state, Name)
	if !status.IsSuccess() {
		return 0, status
	}
	node, err := power.NodeOf(ni.Node())
	if err != nil {
		return power.Unknown, nil
	}
	intensity, err := power.IntensityOf(ni.Node())
	if err != nil {
		return power.Unknown, nil
	}
	grams := float64(node.Marginal(ni, pod)*p.pue*intensity) / 1000
	if node.Used(ni, nil) == 0 {
		grams += p.embodied
	}
	return power.Cost(grams), nil
}

// NormalizeScore implements fwk.ScoreExtensions.
func (*Plugin) NormalizeScore(_ context.Context, _ fwk.CycleState, _ *v1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	power.Normalize(scores)
	return nil
}
