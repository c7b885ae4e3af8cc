package scheduler

import (
	v1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
)

// Objects returns copies of the objects that the scheduler knows, by name.
func (s *Scheduler) Objects() (nodes map[string]*v1.Node, pods map[string]*v1.Pod) {
	nodes, pods = map[string]*v1.Node{}, map[string]*v1.Pod{}
	for n, o := range s.nodes {
		nodes[n.Name] = o.DeepCopy()
	}
	for p, o := range s.pods {
		pods[p.Name] = o.DeepCopy()
	}
	return nodes, pods
}

// Same reports whether two configurations are, with their defaults.
func Same(a, b *Configuration) bool { return apiequality.Semantic.DeepEqual(a.internal, b.internal) }
