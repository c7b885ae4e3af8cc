package cluster

import (
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Scheduler decides on which node a pod runs: the seam behind which the
// upstream kube-scheduler works. It hears of all that an API server would
// tell it, at the instant it happens, and acts through its Host.
type Scheduler interface {
	// NodeAdded tells of a node that is on from now.
	NodeAdded(n *Node)
	// NodeUpdated tells of a change to a node that is on: it was cordoned or
	// uncordoned, or the carbon intensity of its grid changed.
	NodeUpdated(n *Node)
	// NodeRemoved tells that an empty node is not on any more.
	NodeRemoved(n *Node)
	// PodAdded hands over a pod that wants a place.
	PodAdded(p *Pod)
	// PodTerminating tells that a pod is to stop; it holds its place until it
	// is removed.
	PodTerminating(p *Pod)
	// PodRemoved tells that a pod is gone, with or without a place; Pod.Node is
	// still the node it had.
	PodRemoved(p *Pod)
	// Schedule works through its queue, calling the host for each outcome,
	// until nothing is left that could be placed now.
	Schedule()
	// Fork copies the scheduler's view of the cluster for questions of what
	// would happen. The fork is used and dropped within one instant.
	Fork() Fork
	// Close ends what the scheduler holds; it is not used afterwards.
	Close()
}

// Fork answers what would happen, in the way of Cluster Autoscaler's
// simulator: filters decide, scores play no part.
type Fork interface {
	// AddNode adds a node as it will be once it is on: empty, not cordoned.
	AddNode(n *Node)
	// RemoveNode takes a node and its pods out.
	RemoveNode(n *Node)
	// Place puts the pod on the first of these nodes whose filters and devices
	// take it, and returns that node; nil when none does. A pod that has a
	// place in the cluster is placed anew: its node must have been removed.
	Place(p *Pod, on []*Node) *Node
}

// Host is the cluster as its scheduler acts on it.
type Host interface {
	// Bind gives a pending pod its node.
	Bind(p *Pod, n *Node, how decisions.Placement)
	// Refuse tells that a pod finds no node now; message reads like
	// kube-scheduler's event, "0/12 nodes are available: ...".
	Refuse(p *Pod, message string, how decisions.Placement)
	// Preempt deletes a pod to make room for another. The scheduler is between
	// two cycles: it can be told of the pod's end, and of its successor, at once.
	Preempt(victim, by *Pod)
	// Need returns what the pod takes of a device of the node. Together with
	// the node's Room it is a device plugin's view, which counts of resources
	// do not show when pods share GPUs.
	Need(p *Pod, n *Node) Need
	// Allowed returns how many ready pods of a service its disruption budget lets
	// go now.
	Allowed(service int) int
	// Intensity returns the g CO2e per kWh of the grid that feeds a node now.
	Intensity(n *Node) float64
	// Now returns the virtual time.
	Now() vtime.Time
	// Wake asks for a call of Schedule at a later time, whether or not anything
	// has happened until then.
	Wake(at vtime.Time)
}

// NewScheduler makes a scheduler for one replication; the seed is for ties, if
// they are to be broken by chance. Nodes and pods come through its methods.
type NewScheduler func(h Host, seed uint64) (Scheduler, error)
