package placements

import (
	"cmp"

	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// Names are what plugins go by, where that is not their own name.
type Names map[string]string

// of are the set's plugins in order.
func (n Names) of(set config.PluginSet) []string {
	var out []string
	for _, p := range set.Enabled {
		out = append(out, cmp.Or(n[p.Name], p.Name))
	}
	return out
}

// statuses are what plugins said that did not fail.
func (n Names) statuses(set config.PluginSet, skipped sets.Set[string]) []decisions.PluginStatus {
	var out []decisions.PluginStatus
	for _, name := range n.of(set) {
		code := fwk.Success
		if skipped.Has(name) {
			code = fwk.Skip
		}
		out = append(out, decisions.PluginStatus{Plugin: name, Code: code.String()})
	}
	return out
}

// Said is which of the profile's plugins were asked in a cycle that found this
// many feasible nodes, and what those said that look at the pod alone.
func (n Names) Said(f framework.Framework, state fwk.CycleState, feasible int) *decisions.Cycle {
	list := f.ListPlugins()
	skipped := state.GetSkipFilterPlugins()
	c := &decisions.Cycle{Profile: f.ProfileName(), PreFilter: n.statuses(list.PreFilter, skipped)}
	for _, name := range n.of(list.Filter) {
		if !skipped.Has(name) {
			c.Filter = append(c.Filter, name)
		}
	}
	if feasible > 1 {
		c.PreScore = n.statuses(list.PreScore, state.GetSkipScorePlugins())
	}
	if feasible == 0 {
		c.PostFilter = n.of(list.PostFilter)
	}
	return c
}

// Placed adds the plugins that are called for a chosen node.
func (n Names) Placed(f framework.Framework, c *decisions.Cycle) {
	list := f.ListPlugins()
	c.Reserve, c.Permit, c.PreBind, c.Bind = n.of(list.Reserve), n.of(list.Permit), n.of(list.PreBind), n.of(list.Bind)
}

// PreFiltered adds what came of the PreFilter plugins: the nodes to which they
// narrow the choice, and the plugin that let none pass. After some failures
// upstream asks no other plugin, and filters no node after any.
func PreFiltered(c *decisions.Cycle, result *fwk.PreFilterResult, status *fwk.Status, narrowing sets.Set[string]) {
	if !result.AllNodes() {
		c.Candidates = map[string][]string{}
		for plugin := range narrowing {
			c.Candidates[plugin] = sets.List(result.NodeNames)
		}
	}
	if status.IsSuccess() {
		return
	}
	c.Filter = nil
	for i := range c.PreFilter {
		p := &c.PreFilter[i]
		if p.Plugin != status.Plugin() {
			continue
		}
		p.Code, p.Reason = status.Code().String(), status.Message()
		if status.Code() == fwk.UnschedulableAndUnresolvable {
			c.PreFilter = c.PreFilter[:i+1]
		}
		return
	}
}
