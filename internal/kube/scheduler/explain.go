package scheduler

import (
	"context"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// explainer runs the filters and scores of a cycle once more, with plugins of
// its own, on the snapshot that the cycle saw, and writes down what each said
// of each node. It changes nothing: not even the plugins are the same.
type explainer struct {
	s *Scheduler
	*twin
}

// nodes returns what the pod's profile says of each node, in the order of the
// snapshot. All nodes are filtered, also those that sampling left out of the
// cycle (percentageOfNodesToScore).
func (e *explainer) nodes(ctx context.Context, pod *v1.Pod) []decisions.NodeResult {
	f := e.profiles[pod.Spec.SchedulerName]
	all, err := e.s.snapshot.NodeInfos().List()
	e.s.must(err, "list", "the nodes")
	out := make([]decisions.NodeResult, len(all))
	state := framework.NewCycleState()
	prefilter, status, _ := f.RunPreFilterPlugins(ctx, state, pod)
	var feasible []fwk.NodeInfo
	var places []int // of the feasible ones in out
	for i, n := range all {
		out[i].Node = n.Node().Name
		verdict := status
		switch {
		case !status.IsSuccess():
		case !prefilter.AllNodes() && !prefilter.NodeNames.Has(out[i].Node):
			verdict = fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node(s) didn't satisfy the PreFilter plugins")
		default:
			verdict = f.RunFilterPluginsWithNominatedPods(ctx, state, pod, n)
		}
		if verdict.IsSuccess() {
			feasible, places = append(feasible, n), append(places, i)
			continue
		}
		out[i].Rejected, out[i].Reason = verdict.Plugin(), verdict.Message()
	}
	if len(feasible) == 0 {
		return out
	}
	e.s.must(f.RunPreScorePlugins(ctx, state, pod, feasible).AsError(), "explain pod", pod.Name)
	scores, status := f.RunScorePlugins(ctx, state, pod, feasible)
	e.s.must(status.AsError(), "explain pod", pod.Name)
	for k, n := range scores { // in the order of feasible
		r := &out[places[k]]
		r.Total = n.TotalScore
		for _, p := range n.Scores {
			x := decisions.PluginScore{Plugin: p.Name, Final: p.Score}
			score := e.plugin(pod.Spec.SchedulerName, p.Name).(fwk.ScorePlugin)
			if x.Raw, status = score.Score(ctx, state, pod, feasible[k]); !status.IsSuccess() {
				x.Raw = 0 // the plugin had skipped this pod
			}
			r.Scores = append(r.Scores, x)
		}
	}
	return out
}
