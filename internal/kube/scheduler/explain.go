package scheduler

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/kube/placements"
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
	placements.PreFiltered(how.Cycle, c.candidates, c.status, narrowing)
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

// standIns are the plugins of ours that stand for upstream's.
var standIns = placements.Names{preemptionName: names.DefaultPreemption}

// said is which of the profile's plugins were asked, and what those said that
// look at the pod alone.
func said(f framework.Framework, state fwk.CycleState, feasible int) *decisions.Cycle {
	c := standIns.Said(f, state, feasible)
	if feasible > 0 {
		standIns.Placed(f, c)
	}
	return c
}
