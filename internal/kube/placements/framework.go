package placements

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkplugins "k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// recorded is a profile's framework that is listened to. Its own plugins hold
// the framework itself, so that what they try out (preemption does) is not heard.
type recorded struct {
	framework.Framework
	r           *recorder
	normalizers map[string]fwk.ScorePlugin // by name; those that normalise their scores
}

// normalizersOf makes the profile's Score plugins that normalise once more: a
// framework returns the weighted scores alone and keeps its plugins to itself.
func normalizersOf(f framework.Framework, profile *config.KubeSchedulerProfile, outOfTree frameworkruntime.Registry) (map[string]fwk.ScorePlugin, error) {
	registry := frameworkplugins.NewInTreeRegistry()
	if err := registry.Merge(outOfTree); err != nil {
		return nil, err
	}
	args := map[string]runtime.Object{}
	for _, c := range profile.PluginConfig {
		args[c.Name] = c.Args
	}
	out := map[string]fwk.ScorePlugin{}
	for _, e := range f.ListPlugins().Score.Enabled {
		if e.Name == names.VolumeBinding { // it does not, and a second one would keep a second copy of all volumes
			continue
		}
		p, err := registry[e.Name](context.Background(), args[e.Name], f)
		if err != nil {
			return nil, fmt.Errorf("make plugin %s once more: %w", e.Name, err)
		}
		if s, ok := p.(fwk.ScorePlugin); ok && s.ScoreExtensions() != nil {
			out[e.Name] = s
		}
	}
	return out, nil
}

// RunPreFilterPlugins implements framework.Framework.
func (f *recorded) RunPreFilterPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod) (*fwk.PreFilterResult, *fwk.Status, sets.Set[string]) {
	result, status, narrowing := f.Framework.RunPreFilterPlugins(ctx, state, pod)
	if c := f.r.cycleOf(pod); c != nil {
		c.preFiltered = func(to *decisions.Cycle) { PreFiltered(to, result, status, narrowing) }
	}
	return result, status, narrowing
}

// RunFilterPluginsWithNominatedPods implements framework.Framework.
func (f *recorded) RunFilterPluginsWithNominatedPods(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node fwk.NodeInfo) *fwk.Status {
	status := f.Framework.RunFilterPluginsWithNominatedPods(ctx, state, pod, node)
	if c := f.r.cycleOf(pod); c != nil {
		c.filtered(node.Node().Name, status)
	}
	return status
}

// RunScorePlugins implements framework.Framework.
func (f *recorded) RunScorePlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) ([]fwk.NodePluginScores, *fwk.Status) {
	scores, status := f.Framework.RunScorePlugins(ctx, state, pod, nodes)
	c := f.r.cycleOf(pod)
	if c == nil || !status.IsSuccess() {
		return scores, status
	}
	weights := map[string]int64{}
	for _, p := range f.ListPlugins().Score.Enabled {
		weights[p.Name] = int64(p.Weight)
	}
	c.scores = make(map[string]decisions.NodeResult, len(nodes))
	for i, n := range scores { // in the order of nodes
		x := decisions.NodeResult{Node: n.Name, Total: n.TotalScore}
		for _, p := range n.Scores {
			raw := p.Score / weights[p.Name] // exact: it is a product with the weight
			if s := f.normalizers[p.Name]; s != nil {
				var again *fwk.Status
				if raw, again = s.Score(ctx, state, pod, nodes[i]); !again.IsSuccess() {
					utilruntime.HandleError(fmt.Errorf("record the placement of pod %s: %s on node %s: %w", pod.Name, p.Name, n.Name, again.AsError()))
					f.r.end(pod) // half an entry is none
					return scores, status
				}
			}
			x.Scores = append(x.Scores, decisions.PluginScore{Plugin: p.Name, Raw: raw, Final: p.Score})
		}
		c.scores[n.Name] = x
	}
	return scores, status
}

// RunPostFilterPlugins implements framework.Framework.
func (f *recorded) RunPostFilterPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	result, status := f.Framework.RunPostFilterPlugins(ctx, state, pod, nodes)
	if c := f.r.cycleOf(pod); c != nil && result != nil && result.NominatingInfo != nil {
		c.how.Nominated = result.NominatedNodeName
	}
	return result, status
}

// RunReservePluginsReserve implements framework.Framework.
func (f *recorded) RunReservePluginsReserve(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	status := f.Framework.RunReservePluginsReserve(ctx, state, pod, node)
	if c := f.r.cycleOf(pod); c != nil && status.IsSuccess() {
		c.how.Cycle.Reserve = f.r.names.of(f.ListPlugins().Reserve)
	}
	return status
}

// RunPermitPlugins implements framework.Framework.
func (f *recorded) RunPermitPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) (map[string]time.Duration, *fwk.Status) {
	waits, status := f.Framework.RunPermitPlugins(ctx, state, pod, node)
	if c := f.r.cycleOf(pod); c != nil && (status.IsSuccess() || status.IsWait()) {
		c.how.Cycle.Permit = f.r.names.of(f.ListPlugins().Permit)
	}
	return waits, status
}

// RunPreBindPlugins implements framework.Framework. A plugin that has said in
// advance that it has nothing to do is not called.
func (f *recorded) RunPreBindPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	status := f.Framework.RunPreBindPlugins(ctx, state, pod, node)
	if c := f.r.cycleOf(pod); c != nil && status.IsSuccess() {
		for _, name := range f.r.names.of(f.ListPlugins().PreBind) {
			if !state.GetSkipPreBindPlugins().Has(name) {
				c.how.Cycle.PreBind = append(c.how.Cycle.PreBind, name)
			}
		}
	}
	return status
}

// RunBindPlugins implements framework.Framework. The entry is written before:
// once the API server has the binding, anybody may ask for it. A binding that
// fails is never asked for.
func (f *recorded) RunBindPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	if c := f.r.end(pod); c != nil {
		c.how.Cycle.Bind = f.r.names.of(f.ListPlugins().Bind)
		f.r.write(pod, Entry{Node: node, How: c.how})
	}
	return f.Framework.RunBindPlugins(ctx, state, pod, node)
}
