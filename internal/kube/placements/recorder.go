package placements

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	upstream "k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// Entry is one attempt to place a pod, a line of the file.
type Entry struct {
	UID     types.UID           `json:"uid"`
	Pod     string              `json:"pod"`               // namespace/name
	Node    string              `json:"node,omitempty"`    // the chosen one; none when there was no place
	Message string              `json:"message,omitempty"` // why there was none, as in the pod's condition
	How     decisions.Placement `json:"placement"`         // the last field: see parse
}

// recorder writes entries.
type recorder struct {
	names Names

	mu     sync.Mutex
	out    io.Writer
	cycles map[types.UID]*cycle // that run, until they bind or fail
}

// Record makes the scheduler write an entry for each attempt to out. It must not
// run yet. The profiles are those that it was made from, outOfTree its own
// plugins; names may be nil.
func Record(s *upstream.Scheduler, profiles []config.KubeSchedulerProfile, outOfTree frameworkruntime.Registry, names Names, out io.Writer) error {
	r := &recorder{names: names, out: out, cycles: map[types.UID]*cycle{}}
	for i := range profiles {
		name := profiles[i].SchedulerName
		f := s.Profiles[name]
		normalizers, err := normalizersOf(f, &profiles[i], outOfTree)
		if err != nil {
			return fmt.Errorf("record the placements of %s: %w", name, err)
		}
		s.Profiles[name] = &recorded{f, r, normalizers}
	}
	schedule, failed := s.SchedulePod, s.FailureHandler
	s.SchedulePod = func(ctx context.Context, f framework.Framework, state fwk.CycleState, pi *framework.QueuedPodInfo) (upstream.ScheduleResult, error) {
		c := r.begin(pi.Pod)
		result, err := schedule(ctx, f, state, pi)
		c.decided(f, state, result, err)
		return result, err
	}
	s.FailureHandler = func(ctx context.Context, f framework.Framework, pi *framework.QueuedPodInfo, status *fwk.Status, nominating *fwk.NominatingInfo, start time.Time) {
		if c := r.end(pi.Pod); c != nil && status.IsRejected() { // else it was not the pod's fault: no refusal
			r.write(pi.Pod, Entry{Message: status.Message(), How: c.how})
		}
		failed(ctx, f, pi, status, nominating, start)
	}
	return nil
}

func (r *recorder) begin(pod *v1.Pod) *cycle {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &cycle{names: r.names, status: map[string]*fwk.Status{}}
	r.cycles[pod.UID] = c
	return c
}

func (r *recorder) cycleOf(pod *v1.Pod) *cycle {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cycles[pod.UID]
}

// end returns the pod's cycle, once.
func (r *recorder) end(pod *v1.Pod) *cycle {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.cycles[pod.UID]
	delete(r.cycles, pod.UID)
	return c
}

// write writes an entry in one piece. The scheduler goes on if it cannot: who
// reads will miss the entry.
func (r *recorder) write(pod *v1.Pod, e Entry) {
	e.UID, e.Pod = pod.UID, pod.Namespace+"/"+pod.Name
	line, err := json.Marshal(e)
	if err == nil {
		r.mu.Lock()
		_, err = r.out.Write(append(line, '\n'))
		r.mu.Unlock()
	}
	if err != nil {
		utilruntime.HandleError(fmt.Errorf("record the placement of pod %s: %w", e.Pod, err))
	}
}

// cycle is a scheduling cycle, or the binding cycle after it.
type cycle struct {
	names Names

	mu     sync.Mutex
	status map[string]*fwk.Status // by node: what the filters said

	preFiltered func(*decisions.Cycle)
	scores      map[string]decisions.NodeResult
	how         decisions.Placement
}

// filtered is called by several goroutines.
func (c *cycle) filtered(node string, status *fwk.Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status[node] = status
}

// decided fills in what came of the cycle.
func (c *cycle) decided(f framework.Framework, state fwk.CycleState, result upstream.ScheduleResult, err error) {
	var fit *framework.FitError
	switch {
	case err == nil:
		c.how = decisions.Placement{Evaluated: result.EvaluatedNodes, Feasible: result.FeasibleNodes}
	case errors.As(err, &fit):
		c.how = decisions.Placement{Evaluated: fit.NumAllNodes}
	default:
		return // no node at all, or a plugin failed
	}
	c.how.Cycle = c.names.Said(f, state, c.how.Feasible)
	if c.preFiltered != nil {
		c.preFiltered(c.how.Cycle)
	}
	nodes, err := f.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		utilruntime.HandleError(fmt.Errorf("record a placement: list the nodes: %w", err))
		return
	}
	for _, n := range nodes { // in the scheduler's order, which the filters' goroutines do not keep
		name := n.Node().Name
		status, asked := c.status[name]
		if fit != nil && !asked { // PreFilter plugins have refused it
			status, asked = fit.Diagnosis.NodeToStatus.Get(name), true
		}
		if x, ok := c.node(name, status, asked, result.SuggestedHost); ok {
			c.how.Nodes = append(c.how.Nodes, x)
		}
	}
}

// node is what the cycle says of a node, if it has evaluated it. When enough
// nodes are found others may still be in the filters: those that pass are
// neither scored nor counted.
func (c *cycle) node(name string, status *fwk.Status, asked bool, chosen string) (decisions.NodeResult, bool) {
	if asked && !status.IsSuccess() {
		return decisions.NodeResult{Node: name, Rejected: status.Plugin(), Reason: status.Message()}, true
	}
	if x, ok := c.scores[name]; ok {
		return x, true
	}
	return decisions.NodeResult{Node: name}, name == chosen
}
