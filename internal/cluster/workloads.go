package cluster

import (
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Workloads is an API server that has the pods of the services: each is a
// Deployment there. The cluster asks it for changes; what then happens to the
// pods comes back through PodCreated, PodRunning and PodTerminating, and through
// the cluster's Host methods, which tell of the scheduler's work. Requests
// return at once; one that fails is the implementation's to repeat or to report.
type Workloads interface {
	// Scale sets the replicas of a service's Deployment.
	Scale(service, replicas int)
	// Run lets a bound pod become ready at an instant.
	Run(p *Pod, at vtime.Time)
	// Evict asks for the pod's eviction.
	Evict(p *Pod)
	// Release lets a pod go that has been told to stop and has answered its last
	// request, or had none.
	Release(p *Pod)
}

// PodCreated tells of a pod that a service's ReplicaSet has created.
func (c *Cluster) PodCreated(service int) *Pod { return c.create(service) }

// PodRunning tells that a bound pod is ready.
func (c *Cluster) PodRunning(p *Pod) { c.ready(p) }

// PodTerminating tells that a pod has been told to stop, whoever did it.
func (c *Cluster) PodTerminating(p *Pod) {
	if p.Phase == Draining || p.Phase == Gone {
		return
	}
	if p.Why == "" {
		p.Why = "deleted through the API server"
	}
	c.stop(p)
}

// PodPreempted tells that the scheduler has chosen the pod to make room for
// another; PodTerminating follows.
func (c *Cluster) PodPreempted(p *Pod, reason string) {
	c.watch.PodEvicted(p, decisions.Preempt, reason)
}

// Desired tells the replicas that somebody else has asked for.
func (c *Cluster) Desired(service, replicas int) { c.services[service].desired = replicas }

// DeletionCost is the pod's controller.kubernetes.io/pod-deletion-cost: those of
// low cost go first.
func (c *Cluster) DeletionCost(p *Pod) int {
	if p.Node == nil {
		return 0
	}
	return p.Node.pods
}
