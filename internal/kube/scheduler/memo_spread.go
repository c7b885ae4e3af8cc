package scheduler

import (
	"math"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/helper"
)

// spread is the scoring of PodTopologySpread (scoring.go there) over remembered
// counts. By default that plugin takes part in every cycle of a pod with a
// ReplicaSet, and counts the pods of all nodes anew: at 1,000 nodes it takes
// longer than all the others. Here a node's pods are counted when the node has
// changed; sums, weights and normalising are upstream's, in the same order.
type spread struct {
	constraints []softConstraint
	all         bool // of the topology keys must be on a node, or it is ignored
	required    nodeaffinity.RequiredNodeAffinity

	ignored []bool // of the cycle: by place among the feasible nodes
}

// softConstraint is one with ScheduleAnyway.
type softConstraint struct {
	key      string
	hostname bool
	maxSkew  int32
	selector labels.Selector
	ids      map[string]int // of the topology's values

	// Of the cycle, by id:
	sums []int64
	seen []bool // on a feasible node
	// weight of the constraint in the cycle
	weight float64
}

// maxConstraints that a row has room for; pods with more are left to upstream.
const maxConstraints = 4

// spreadRow is what is remembered of a node for one service's pods.
type spreadRow struct {
	counted  int64 // the generation of the rest
	included bool  // the node affinity of the pods lets them run there
	missing  bool  // a topology key
	count    [maxConstraints]int32
	value    [maxConstraints]int32 // id; that of "" where the key is missing
	has      [maxConstraints]bool  // the key
}

// systemConstraints are podtopologyspread.systemDefaultConstraints.
var systemConstraints = []v1.TopologySpreadConstraint{
	{TopologyKey: v1.LabelHostname, WhenUnsatisfiable: v1.ScheduleAnyway, MaxSkew: 3},
	{TopologyKey: v1.LabelTopologyZone, WhenUnsatisfiable: v1.ScheduleAnyway, MaxSkew: 5},
}

// newSpread returns the scoring of a service's pods; nil when it is left to
// upstream: policies and keys beyond the common ones.
func (m *memo) newSpread(pod *v1.Pod) *spread {
	if m.spread == nil {
		return nil
	}
	own := pod.Spec.TopologySpreadConstraints
	out := &spread{required: nodeaffinity.GetRequiredNodeAffinity(pod), all: len(own) > 0 || m.spread.DefaultingType != config.SystemDefaulting}
	constraints := own
	if len(own) == 0 {
		if constraints = m.spread.DefaultConstraints; m.spread.DefaultingType == config.SystemDefaulting {
			constraints = systemConstraints
		}
	}
	for _, c := range constraints {
		if c.WhenUnsatisfiable != v1.ScheduleAnyway {
			continue
		}
		if len(c.MatchLabelKeys) > 0 || c.NodeAffinityPolicy != nil || c.NodeTaintsPolicy != nil || len(out.constraints) == maxConstraints {
			return nil
		}
		selector, err := metav1.LabelSelectorAsSelector(c.LabelSelector)
		if err != nil {
			return nil
		}
		if len(own) == 0 {
			selector = m.s.defaultSelector(pod)
		}
		out.constraints = append(out.constraints, softConstraint{
			key: c.TopologyKey, hostname: c.TopologyKey == v1.LabelHostname, maxSkew: c.MaxSkew, selector: selector, ids: map[string]int{},
		})
	}
	if len(own) == 0 && len(out.constraints) > 0 && out.constraints[0].selector.Empty() {
		out.constraints = nil
	}
	return out
}

func (s *Scheduler) defaultSelector(pod *v1.Pod) labels.Selector {
	core, apps := s.informers.Core().V1(), s.informers.Apps().V1()
	return helper.DefaultSelector(pod, core.Services().Lister(), core.ReplicationControllers().Lister(), apps.ReplicaSets().Lister(), apps.StatefulSets().Lister())
}

func (sp *spread) known() bool { return sp != nil }
func (sp *spread) empty() bool { return len(sp.constraints) == 0 }

// score fills in the normalised scores of the feasible nodes.
func (sp *spread) score(m *memo, rows []*row, scores fwk.NodeScoreList) {
	sp.look(rows)
	sp.sum(m.class.rows)
	for i, r := range rows {
		if sp.ignored[i] {
			continue
		}
		var score float64
		for k := range sp.constraints {
			c := &sp.constraints[k]
			if !r.has[k] {
				continue
			}
			count := int64(r.count[k])
			if !c.hostname {
				count = c.sums[r.value[k]]
			}
			score += scoreForCount(count, c.maxSkew, c.weight)
		}
		scores[i].Score = int64(math.Round(score))
	}
	sp.normalise(scores)
}

// scoreForCount is upstream's, in its very form: what the compiler fuses there
// it fuses here.
func scoreForCount(cnt int64, maxSkew int32, tpWeight float64) float64 {
	return float64(cnt)*tpWeight + float64(maxSkew-1)
}

// count brings what is remembered of a node up to date.
func (sp *spread) count(r *row) {
	if r.counted == r.info.GetGeneration() {
		return
	}
	node := r.info.Node()
	r.counted, r.missing = r.info.GetGeneration(), false
	r.included, _ = sp.required.Match(node) // an affinity that cannot be parsed matches nothing, as upstream has it
	for k := range sp.constraints {
		c := &sp.constraints[k]
		value, has := node.Labels[c.key]
		r.has[k] = has
		r.missing = r.missing || !has
		r.count[k] = countMatching(r.info.GetPods(), c.selector)
		if !c.hostname {
			r.value[k] = c.id(value)
		}
	}
}

func (c *softConstraint) id(value string) int32 {
	id, ok := c.ids[value]
	if !ok {
		id = len(c.ids)
		c.ids[value] = id
		c.sums, c.seen = append(c.sums, 0), append(c.seen, false)
	}
	return int32(id)
}

// countMatching is countPodsMatchSelector.
func countMatching(pods []fwk.PodInfo, selector labels.Selector) (n int32) {
	if selector.Empty() {
		return 0
	}
	for _, p := range pods {
		if o := p.GetPod(); o.DeletionTimestamp == nil && o.Namespace == namespace && selector.Matches(labels.Set(o.Labels)) {
			n++
		}
	}
	return n
}

// look goes through the feasible nodes (initPreScoreState).
func (sp *spread) look(rows []*row) {
	for k := range sp.constraints {
		c := &sp.constraints[k]
		clear(c.seen)
		clear(c.sums)
	}
	sp.ignored = append(sp.ignored[:0], make([]bool, len(rows))...)
	var sizes [maxConstraints]int
	used := len(rows)
	for i, r := range rows {
		sp.count(r)
		if sp.all && r.missing {
			sp.ignored[i] = true
			used--
			continue
		}
		for k := range sp.constraints {
			if c := &sp.constraints[k]; !c.hostname && !c.seen[r.value[k]] {
				c.seen[r.value[k]] = true
				sizes[k]++
			}
		}
	}
	for k := range sp.constraints {
		c := &sp.constraints[k]
		if c.hostname {
			sizes[k] = used
		}
		c.weight = math.Log(float64(sizes[k] + 2))
	}
}

// sum adds the pods of all nodes up by the values that feasible nodes have
// (processAllNode).
func (sp *spread) sum(rows []row) {
	for i := range rows {
		r := &rows[i]
		sp.count(r)
		if !r.included || sp.all && r.missing {
			continue
		}
		for k := range sp.constraints {
			if c := &sp.constraints[k]; !c.hostname && c.seen[r.value[k]] {
				c.sums[r.value[k]] += int64(r.count[k])
			}
		}
	}
}

// normalise is NormalizeScore.
func (sp *spread) normalise(scores fwk.NodeScoreList) {
	var lo, hi int64 = math.MaxInt64, 0
	for i, s := range scores {
		if !sp.ignored[i] {
			lo, hi = min(lo, s.Score), max(hi, s.Score)
		}
	}
	for i := range scores {
		switch {
		case sp.ignored[i]:
			scores[i].Score = 0
		case hi == 0:
			scores[i].Score = fwk.MaxScore
		default:
			scores[i].Score = fwk.MaxScore * (hi + lo - scores[i].Score) / hi
		}
	}
}
