package scheduler

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/kwatt-sim/kwatt/internal/cluster"
)

// apiCall is a call that a scheduling cycle made to the API server: a patch of
// a pod's status, or without one the deletion of a preempted pod.
type apiCall struct {
	pod   *cluster.Pod
	patch []byte
}

// RoundTrip serves the calls that a scheduling cycle makes to the API server:
// patches of a pod's status, and the deletion of preempted pods.
func (s *Scheduler) RoundTrip(r *http.Request) (*http.Response, error) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/api/v1/namespaces/"+namespace+"/pods/")
	name, isStatus := strings.CutSuffix(rest, "/status")
	p := s.podByName[name]
	switch {
	case !ok || p == nil:
		return nil, fmt.Errorf("no API server answers %s %s", r.Method, r.URL.Path)
	case r.Method == http.MethodDelete && !isStatus:
		s.calls = append(s.calls, apiCall{pod: p})
	case r.Method == http.MethodPatch && isStatus:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, fmt.Errorf("read the patch of %s: %w", path.Base(r.URL.Path), err)
		}
		s.calls = append(s.calls, apiCall{p, body})
	default:
		return nil, fmt.Errorf("no API server answers %s %s", r.Method, r.URL.Path)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"kind":"Status","apiVersion":"v1","status":"Success"}`))}, nil
}

// finishCalls carries the calls of the last cycle out, in their order, and
// brings their effects back as the watch would.
func (s *Scheduler) finishCalls() {
	calls := s.calls
	s.calls = nil
	if slices.ContainsFunc(calls, func(c apiCall) bool { return c.patch == nil }) {
		s.preempted.count(s.host.Now(), s.inCycle)
	}
	for _, call := range calls {
		before, ok := s.pods[call.pod]
		switch {
		case !ok:
		case call.patch == nil:
			s.host.Preempt(call.pod, s.inCycle)
		default:
			s.patch(call.pod, before, call.patch)
		}
	}
}

// patch changes a pod's status (updatePodInSchedulingQueue).
func (s *Scheduler) patch(p *cluster.Pod, before *v1.Pod, patch []byte) {
	after := s.newVersion(before)
	s.must(applyStatus(after, patch), "patch pod", before.Name)
	if after.Spec.NodeName != "" {
		s.updateAssigned(p, before, after)
		return
	}
	s.update(p, after)
	s.SchedulingQueue.Update(s.ctx, before, after)
	if had := before.Status.NominatedNodeName; had != "" && had != after.Status.NominatedNodeName {
		s.moveNotAbove(before)
	}
}

// applyStatus merges a patch into the pod's status as the API server does.
func applyStatus(p *v1.Pod, patch []byte) error {
	before, err := json.Marshal(&v1.Pod{Status: p.Status})
	if err != nil {
		return err
	}
	merged, err := strategicpatch.StrategicMergePatch(before, patch, &v1.Pod{})
	if err != nil {
		return err
	}
	var after v1.Pod
	if err := json.Unmarshal(merged, &after); err != nil {
		return err
	}
	p.Status = after.Status
	return nil
}
