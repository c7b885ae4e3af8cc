package scheduler

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// explainer runs the filters and scores of a cycle once more, with plugins of
// its own, on the snapshot that the cycle saw, and writes down what each said
// of each node. It changes nothing: not even the plugins are the same.
type explainer struct {
	s *Scheduler
	*twin
}

// explain writes down what the plugins said in the cycle of f and state that
// has chosen a node for the pod or found none. All nodes are filtered, also
// those that sampling left out of the cycle (percentageOfNodesToScore).
func (e *explainer) explain(f framework.Framework, state fwk.CycleState, pod *v1.Pod, how *decisions.Placement) {
	all, err := e.s.snapshot.NodeInfos().List()
	e.s.must(err, "list", "the nodes")
	c := &cycle{explainer: e, Framework: e.profiles[pod.Spec.SchedulerName], pod: pod, all: all, state: framework.NewCycleState()}
	how.Nodes = make([]decisions.NodeResult, len(all))
	how.Cycle = said(f, state, how.Feasible)
	var narrowing sets.Set[string]
	c.candidates, c.status, narrowing = c.RunPreFilterPlugins(e.s.ctx, c.state, pod)
	if c.candidates != nil && !c.candidates.AllNodes() {
		how.Cycle.Candidates = map[string][]string{}
		for plugin := range narrowing {
			how.Cycle.Candidates[plugin] = sets.List(c.candidates.NodeNames)
		}
	}
	if !c.status.IsSuccess() {
		failedPreFilter(how.Cycle, c.status)
	}
	feasible := c.filter(how.Nodes)
	if how.Feasible > 1 { // the only node that is left is taken without a score
		c.score(feasible, how.Nodes)
	}
}

// cycle is a scheduling cycle that is run again.
type cycle struct {
	*explainer
	framework.Framework
	pod        *v1.Pod
	all        []fwk.NodeInfo
	state      fwk.CycleState
	candidates *fwk.PreFilterResult
	status     *fwk.Status // of the PreFilter plugins
}

// filter fills in which nodes are rejected, and returns the places of the others.
func (c *cycle) filter(out []decisions.NodeResult) (feasible []int) {
	for i, n := range c.all {
		out[i].Node = n.Node().Name
		verdict := c.status
		switch {
		case !c.status.IsSuccess():
		case !c.candidates.AllNodes() && !c.candidates.NodeNames.Has(out[i].Node):
			verdict = fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node(s) didn't satisfy the PreFilter plugins")
		default:
			verdict = c.RunFilterPluginsWithNominatedPods(c.s.ctx, c.state, c.pod, n)
		}
		if verdict.IsSuccess() {
			feasible = append(feasible, i)
			continue
		}
		out[i].Rejected, out[i].Reason = verdict.Plugin(), verdict.Message()
	}
	return feasible
}

// score fills in the scores of the nodes at these places.
func (c *cycle) score(feasible []int, out []decisions.NodeResult) {
	nodes := make([]fwk.NodeInfo, len(feasible))
	for k, i := range feasible {
		nodes[k] = c.all[i]
	}
	ctx := c.s.ctx
	c.s.must(c.RunPreScorePlugins(ctx, c.state, c.pod, nodes).AsError(), "explain pod", c.pod.Name)
	scores, status := c.RunScorePlugins(ctx, c.state, c.pod, nodes)
	c.s.must(status.AsError(), "explain pod", c.pod.Name)
	for k, n := range scores { // in the order of nodes
		r := &out[feasible[k]]
		r.Total = n.TotalScore
		for _, p := range n.Scores {
			x := decisions.PluginScore{Plugin: p.Name, Final: p.Score}
			score := c.plugin(c.pod.Spec.SchedulerName, p.Name).(fwk.ScorePlugin)
			x.Raw, status = score.Score(ctx, c.state, c.pod, nodes[k])
			c.s.must(status.AsError(), "explain pod", c.pod.Name)
			r.Scores = append(r.Scores, x)
		}
	}
}

// said is which of the profile's plugins were asked, and what those said that
// look at the pod alone.
func said(f framework.Framework, state fwk.CycleState, feasible int) *decisions.Cycle {
	list := f.ListPlugins()
	skipped := state.GetSkipFilterPlugins()
	c := &decisions.Cycle{Profile: f.ProfileName(), PreFilter: statuses(list.PreFilter, skipped)}
	for _, name := range pluginNames(list.Filter) {
		if !skipped.Has(name) {
			c.Filter = append(c.Filter, name)
		}
	}
	if feasible > 1 {
		c.PreScore = statuses(list.PreScore, state.GetSkipScorePlugins())
	}
	if feasible == 0 {
		c.PostFilter = pluginNames(list.PostFilter)
		return c
	}
	c.Reserve, c.Permit, c.PreBind, c.Bind = pluginNames(list.Reserve), pluginNames(list.Permit), pluginNames(list.PreBind), pluginNames(list.Bind)
	return c
}

// pluginNames are the set's plugins in order. The one that stands for
// DefaultPreemption goes by that name.
func pluginNames(set config.PluginSet) []string {
	var out []string
	for _, p := range set.Enabled {
		if p.Name == preemptionName {
			p.Name = names.DefaultPreemption
		}
		out = append(out, p.Name)
	}
	return out
}

func statuses(set config.PluginSet, skipped sets.Set[string]) []decisions.PluginStatus {
	var out []decisions.PluginStatus
	for _, name := range pluginNames(set) {
		code := fwk.Success
		if skipped.Has(name) {
			code = fwk.Skip
		}
		out = append(out, decisions.PluginStatus{Plugin: name, Code: code.String()})
	}
	return out
}

// failedPreFilter marks the plugin that let no node pass. After some failures
// upstream asks no other plugin, and filters no node after any.
func failedPreFilter(c *decisions.Cycle, status *fwk.Status) {
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
