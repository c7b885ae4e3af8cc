package scheduler

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultpreemption"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	"k8s.io/kubernetes/pkg/scheduler/framework/preemption"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/util"
)

// preemptionName is DefaultPreemption with the three things fixed that upstream
// leaves to chance: at which node its search begins, in which order it goes on
// (that of a map; it ends when enough nodes are found, by default 100 or a
// tenth), and which of several nodes that are equal by all its criteria is taken.
const preemptionName = "OrderedDefaultPreemption"

// orderedPreemption returns the profile with that plugin in DefaultPreemption's place.
func orderedPreemption(p config.KubeSchedulerProfile) config.KubeSchedulerProfile {
	p = *p.DeepCopy()
	sets := []*config.PluginSet{&p.Plugins.MultiPoint, &p.Plugins.PostFilter, &p.Plugins.PreEnqueue}
	for _, set := range sets {
		for _, list := range [][]config.Plugin{set.Enabled, set.Disabled} {
			for i := range list {
				if list[i].Name == defaultpreemption.Name {
					list[i].Name = preemptionName
				}
			}
		}
	}
	for i := range p.PluginConfig {
		if p.PluginConfig[i].Name == defaultpreemption.Name {
			p.PluginConfig[i].Name = preemptionName
		}
	}
	return p
}

type orderedDefaultPreemption struct {
	*defaultpreemption.DefaultPreemption
	nodes fwk.SharedLister
	// lowest priority of any pod that there can be, or less.
	lowest int32
}

// newPreemption makes the plugin for clusters of which nothing is known.
func newPreemption(ctx context.Context, args runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
	return newPreemptionAbove(math.MinInt32)(ctx, args, h)
}

func newPreemptionAbove(lowest int32) frameworkruntime.PluginFactory {
	return func(ctx context.Context, args runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
		return makePreemption(ctx, args, h, lowest)
	}
}

func makePreemption(ctx context.Context, args runtime.Object, h fwk.Handle, lowest int32) (fwk.Plugin, error) {
	p, err := defaultpreemption.New(ctx, args, h, feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate))
	if err != nil {
		return nil, err
	}
	p.Evaluator = preemption.NewEvaluator(defaultpreemption.Name, h, ordered{p}, p.Executor)
	return &orderedDefaultPreemption{p, h.SnapshotSharedLister(), lowest}, nil
}

// Name is the name in the profile.
func (*orderedDefaultPreemption) Name() string { return preemptionName }

// PostFilter implements fwk.PostFilterPlugin.
func (p *orderedDefaultPreemption) PostFilter(ctx context.Context, state fwk.CycleState, pod *v1.Pod, m fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	if corev1helpers.PodPriority(pod) <= p.lowest && pod.Status.NominatedNodeName == "" && pod.Spec.PreemptionPolicy == nil && pod.Spec.SchedulingGroup == nil {
		return p.nobodyToPreempt(m)
	}
	return p.DefaultPreemption.PostFilter(ctx, state, pod, inListOrder{m})
}

// nobodyToPreempt is what the search comes to where no pod has a lower
// priority: that there is no victim on any node that the pod might fit on,
// which need not be looked for on each.
func (p *orderedDefaultPreemption) nobodyToPreempt(m fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	might, err := inListOrder{m}.NodesForStatusCode(p.nodes.NodeInfos(), fwk.Unschedulable)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	all, err := p.nodes.NodeInfos().List()
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	var reasons []string
	if n := len(might); n > 0 {
		reasons = append(reasons, fmt.Sprintf("%d No preemption victims found for incoming pod", n))
	}
	if n := len(all) - len(might); n > 0 {
		reasons = append(reasons, fmt.Sprintf("%d Preemption is not helpful for scheduling", n))
	}
	slices.Sort(reasons)
	message := fmt.Sprintf("preemption: "+framework.NoNodeAvailableMsg+": %v.", len(all), strings.Join(reasons, ", "))
	return framework.NewPostFilterResultWithNominatedNode(""), fwk.NewStatus(fwk.Unschedulable, message)
}

// inListOrder returns nodes in the order of the scheduler's list.
type inListOrder struct{ fwk.NodeToStatusReader }

// NodesForStatusCode implements fwk.NodeToStatusReader.
func (o inListOrder) NodesForStatusCode(nodes fwk.NodeInfoLister, code fwk.Code) ([]fwk.NodeInfo, error) {
	all, err := nodes.List()
	if err != nil {
		return nil, err
	}
	var out []fwk.NodeInfo
	for _, n := range all {
		if o.Get(n.Node().Name).Code() == code {
			out = append(out, n)
		}
	}
	return out, nil
}

// ordered is DefaultPreemption's own interface but for the choices by chance.
type ordered struct {
	*defaultpreemption.DefaultPreemption
}

// GetOffsetAndNumCandidates begins at the first node.
func (o ordered) GetOffsetAndNumCandidates(nodes int32) (offset, candidates int32) {
	_, candidates = o.DefaultPreemption.GetOffsetAndNumCandidates(nodes)
	return 0, candidates
}

// OrderedScoreFuncs are upstream's criteria (pickOneNodeForPreemption), then
// the order of the nodes' names.
func (o ordered) OrderedScoreFuncs(_ context.Context, victims map[string]*extenderv1.Victims) []func(string) int64 {
	names := make([]string, 0, len(victims))
	for name := range victims {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	rank := make(map[string]int64, len(names))
	for i, name := range names {
		rank[name] = -int64(i)
	}
	pods := func(node string) []*v1.Pod { return victims[node].Pods }
	return []func(string) int64{
		func(n string) int64 { return -victims[n].NumPDBViolations },
		func(n string) int64 { return -int64(corev1helpers.PodPriority(pods(n)[0])) }, // the highest priority comes first
		func(n string) int64 { // priorities moved above 0, so that more victims always weigh more
			sum := int64(0)
			for _, p := range pods(n) {
				sum += int64(corev1helpers.PodPriority(p)) + int64(math.MaxInt32+1)
			}
			return -sum
		},
		func(n string) int64 { return -int64(len(pods(n))) },
		func(n string) int64 { // the latest start among the most important victims
			start := util.GetEarliestPodStartTime(victims[n])
			if start == nil {
				return int64(math.MinInt64)
			}
			return start.UnixNano()
		},
		func(n string) int64 { return rank[n] },
	}
}
