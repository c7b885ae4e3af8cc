package cluster

import (
	"slices"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// The cluster is the host of its scheduler.

// Bind implements Host: the pod takes its part of a device and starts.
func (c *Cluster) Bind(p *Pod, n *Node, how decisions.Placement) {
	c.watch.PowerChanging()
	c.pending = slices.DeleteFunc(c.pending, func(q *Pod) bool { return q == p })
	need := c.Need(p, n)
	gpu, _ := n.Room().Find(need) // the scheduler's filter has found it
	g := &n.GPUs[gpu]
	g.Pods = append(g.Pods, p)
	g.Used += need.Part
	g.MIG = need.MIG
	n.pods++
	n.touched = c.queue.Now()
	p.Node, p.GPU, p.Bound, p.Phase, p.nominated = n, gpu, c.queue.Now(), Starting, nil
	c.services[p.Service].pendingSeconds += c.queue.Now().Sub(p.Created).Seconds()
	c.watch.PodBound(p, how)
	c.start(p)
}

// Refuse implements Host.
func (c *Cluster) Refuse(p *Pod, message string, how decisions.Placement) {
	if p.refused == message {
		return
	}
	p.refused = message
	c.watch.Unschedulable(p, message, how)
	if c.cfg.Workloads != nil { // else the refusal comes from within schedulePending
		c.queue.At(c.queue.Now(), vtime.PriorityPlacePod, c.schedulePending)
	}
}

// Preempt implements Host.
func (c *Cluster) Preempt(victim, by *Pod) {
	by.nominated = victim.Node
	if victim.Phase == Starting || victim.Phase == Ready {
		c.evict(victim, decisions.Preempt, "preempted by "+by.Name)
	}
}

// Need implements Host.
func (c *Cluster) Need(p *Pod, n *Node) Need { return c.cfg.Services[p.Service].Needs[n.Pool] }

// Intensity implements Host.
func (c *Cluster) Intensity(n *Node) float64 { return c.intensity[n.Pool] }

// Now implements Host.
func (c *Cluster) Now() vtime.Time { return c.queue.Now() }

// Wake implements Host. It is the scheduler's own affair: nodes are asked for
// when pods or nodes come and go, not when pods are only tried again.
func (c *Cluster) Wake(at vtime.Time) {
	c.queue.At(at, vtime.PriorityPlacePod, func() {
		if len(c.pending) > 0 {
			c.scheduler.Schedule()
		}
	})
}
