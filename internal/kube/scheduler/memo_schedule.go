package scheduler

import (
	"container/heap"
	"context"
	"reflect"
	"unsafe"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	upstream "k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// schedule is upstream's schedulePod over what is remembered. It is for the
// common cycle: filters that look at the node alone, and no pod that has a
// nominated node. It reports false for others, which upstream then takes.
//
// The order of nodes, the sample of them that is looked at, which one of equal
// totals is taken, and the diagnosis are upstream's. What it leaves out is the
// machinery around each node, and the table of why nodes were filtered out
// where the pod finds one.
func (m *memo) schedule(ctx context.Context, state fwk.CycleState, pod *v1.Pod) (upstream.ScheduleResult, error, bool) {
	var none upstream.ScheduleResult
	if m.s.nominees > 0 || m.next == nil || !m.HasFilterPlugins() {
		return none, nil, false
	}
	if c := m.classes[m.s.inCycle.Service]; c != nil && c.asks { // most likely again
		return none, nil, false
	}
	prefilter, status, plugins := m.RunPreFilterPlugins(ctx, state, pod)
	if m.ask || len(m.class.rows) == 0 || !status.IsSuccess() || !prefilter.AllNodes() {
		return none, nil, false
	}
	nodes, rejected, err := m.feasible(ctx, state, pod)
	if err != nil {
		return none, err, true
	}
	result := upstream.ScheduleResult{EvaluatedNodes: len(nodes) + rejected, FeasibleNodes: len(nodes)}
	switch len(nodes) {
	case 0:
		return none, m.misfit(pod, plugins), true
	case 1:
		result.SuggestedHost = nodes[0].Node().Name
		return result, nil, true
	}
	best, err := m.best(ctx, state, pod, nodes)
	if err == nil {
		result.SuggestedHost = nodes[best].Node().Name
	}
	return result, err, true
}

// feasible returns the nodes that pass, and how many others were looked at
// (findNodesThatPassFilters): from where the last cycle stopped, until there
// are enough and one more is found.
func (m *memo) feasible(ctx context.Context, state fwk.CycleState, pod *v1.Pod) (nodes []fwk.NodeInfo, rejected int, err error) {
	all := len(m.class.rows)
	enough := m.enough(all)
	nodes = m.nodes[:0]
	first := *m.next % all // nodes may be gone since the last cycle
	for i := range all {
		at := first + i
		if at >= all {
			at -= all
		}
		r := &m.class.rows[at]
		if r.filtered != r.info.GetGeneration() {
			if m.filter(ctx, state, pod, r); r.status.Code() == fwk.Error {
				return nil, 0, r.status.AsError()
			}
		}
		if r.status != nil {
			rejected++
			continue
		}
		if len(nodes) == enough {
			break
		}
		nodes, m.passed = append(nodes, r.info), append(m.passed, at)
	}
	*m.next = (*m.next + len(nodes) + rejected) % all
	m.nodes = nodes
	return nodes, rejected, nil
}

// enough is numFeasibleNodesToFind.
func (m *memo) enough(all int) int {
	const least, leastPercent = 100, 5
	if !m.HasScorePlugins() {
		return 1
	}
	if all < least {
		return all
	}
	percent := m.percent
	if percent == 0 {
		percent = max(50-all/125, leastPercent)
	}
	return max(all*percent/100, least)
}

// misfit is the error of a pod that no node takes, after all were looked at.
func (m *memo) misfit(pod *v1.Pod, plugins sets.Set[string]) error {
	statuses := make(map[string]*fwk.Status, len(m.class.rows))
	d := framework.Diagnosis{UnschedulablePlugins: plugins}
	for i := range m.class.rows {
		r := &m.class.rows[i]
		statuses[r.info.Node().Name] = r.status
		d.AddPluginStatus(r.status)
	}
	d.NodeToStatus = framework.NewNodeToStatus(statuses, fwk.NewStatus(fwk.UnschedulableAndUnresolvable))
	return &framework.FitError{Pod: pod, NumAllNodes: len(m.class.rows), Diagnosis: d}
}

// best returns which of the nodes has the highest total. Of several it is that
// which comes out at the top of upstream's heap.
func (m *memo) best(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) (int, error) {
	if status := m.RunPreScorePlugins(ctx, state, pod, nodes); !status.IsSuccess() {
		return 0, status.AsError()
	}
	totals, status := m.totals(ctx, state, pod, nodes)
	if !status.IsSuccess() {
		return 0, status.AsError()
	}
	h := &m.heap
	h.totals, h.nodes = totals, h.nodes[:0]
	for i := range totals {
		h.nodes = append(h.nodes, i)
	}
	heap.Init(h)
	return h.nodes[0], nil
}

// totalHeap is upstream's nodeScoreHeap: the highest total first, and no other
// order.
type totalHeap struct {
	totals []int64
	nodes  []int
}

// Len implements heap.Interface.
func (h *totalHeap) Len() int { return len(h.nodes) }

// Less implements heap.Interface.
func (h *totalHeap) Less(i, j int) bool { return h.totals[h.nodes[i]] > h.totals[h.nodes[j]] }

// Swap implements heap.Interface.
func (h *totalHeap) Swap(i, j int) { h.nodes[i], h.nodes[j] = h.nodes[j], h.nodes[i] }

// Push implements heap.Interface.
func (*totalHeap) Push(any) {}

// Pop implements heap.Interface.
func (*totalHeap) Pop() any { return nil }

// nextStart returns upstream's nextStartNodeIndex, the node at which the next
// cycle begins, for cycles of both kinds go on from each other. It is nil
// should upstream have it no more: then all cycles are upstream's.
func nextStart(s *upstream.Scheduler) *int {
	f := reflect.ValueOf(s).Elem().FieldByName("nextStartNodeIndex")
	if !f.IsValid() || f.Kind() != reflect.Int {
		return nil
	}
	return (*int)(unsafe.Pointer(f.UnsafeAddr()))
}
