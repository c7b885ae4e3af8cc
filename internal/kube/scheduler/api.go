package scheduler

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kwatt-sim/kwatt/internal/cluster"
)

// statusPatch is a patch of a pod's status that the scheduler sent.
type statusPatch struct {
	pod  *cluster.Pod
	body []byte
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
		s.host.Preempt(p, s.inCycle)
	case r.Method == http.MethodPatch && isStatus:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, fmt.Errorf("read the patch of %s: %w", path.Base(r.URL.Path), err)
		}
		s.patches = append(s.patches, statusPatch{p, body})
	default:
		return nil, fmt.Errorf("no API server answers %s %s", r.Method, r.URL.Path)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"kind":"Status","apiVersion":"v1","status":"Success"}`))}, nil
}

// applyPatches brings the patches of the last cycle back, as the watch would
// (updatePodInSchedulingQueue).
func (s *Scheduler) applyPatches() {
	patches := s.patches
	s.patches = nil
	for _, patch := range patches {
		before, ok := s.pods[patch.pod]
		if !ok {
			continue
		}
		after := before.DeepCopy()
		after.ResourceVersion = s.nextVersion()
		s.must(applyStatus(after, patch.body), "patch pod", before.Name)
		s.update(patch.pod, after)
		if after.Spec.NodeName != "" {
			s.must(s.Cache.UpdatePod(s.log(), before, after), "update pod", after.Name)
			continue // no plugin listens to a condition
		}
		s.SchedulingQueue.Update(s.ctx, before, after)
		if had := before.Status.NominatedNodeName; had != "" && had != after.Status.NominatedNodeName {
			s.move(framework.EventAssignedPodDelete, before, nil)
		}
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
