package scheduler

import (
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kwatt-sim/kwatt/internal/cluster"
)

// What a replay takes of this package: the objects, and a scheduler that looks
// on while another one decides, and answers what would happen.

// Placed tells that another scheduler has put the pod on the node.
func (s *Scheduler) Placed(p *cluster.Pod, n *cluster.Node) {
	before := s.pods[p]
	after := before.DeepCopy()
	after.Spec.NodeName = n.Name
	after.Status.StartTime = &metav1.Time{Time: s.now()}
	after.ResourceVersion = s.nextVersion()
	s.update(p, after)
	s.must(s.Cache.AddPod(s.log(), after), "add pod", after.Name)
	s.move(framework.EventAssignedPodAdd, nil, after)
	s.SchedulingQueue.Delete(before)
}

// PodTemplate returns the template of the service's pods, with their GPU filled
// in, and the labels that select them.
func (s Service) PodTemplate() (v1.PodTemplateSpec, map[string]string, error) {
	p, err := s.pod()
	if err != nil {
		return v1.PodTemplateSpec{}, nil, err
	}
	selector := s.replicaSet(p).Spec.Selector.MatchLabels
	delete(selector, "pod-template-hash")
	delete(p.Labels, "pod-template-hash")
	return v1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: p.Labels, Annotations: p.Annotations}, Spec: p.Spec}, selector, nil
}
