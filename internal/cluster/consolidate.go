package cluster

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/units"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Budget is a PodDisruptionBudget; exactly one of the two is set.
type Budget struct {
	MinAvailable, MaxUnavailable *units.Share
}

// Allowed implements Host: it is how many of the service's ready pods may be
// disrupted now, below 0 when fewer are ready than the budget wants.
func (c *Cluster) Allowed(service int) int {
	b := c.cfg.Services[service].Budget
	if b == nil {
		return math.MaxInt
	}
	s := &c.services[service]
	healthy := 0
	for _, p := range s.pods {
		if p.Phase == Ready {
			healthy++
		}
	}
	if b.MaxUnavailable != nil {
		return healthy - (s.desired - b.MaxUnavailable.Of(s.desired))
	}
	return healthy - b.MinAvailable.Of(s.desired)
}

// mayEvict reports whether the budget lets the pod go: a ready one uses a
// disruption up; one that is not ready may go while the budget holds without
// it (unhealthyPodEvictionPolicy IfHealthyBudget).
func (c *Cluster) mayEvict(p *Pod) bool {
	if p.Phase == Ready {
		return c.Allowed(p.Service) > 0
	}
	return c.Allowed(p.Service) >= 0
}

// The limits of consolidation.
const (
	maxCandidates = 20               // nodes whose pods are tried elsewhere in one scan
	drainTimeout  = 10 * time.Minute // after which a drain is given up
)

// consolidate drains the least allocated node whose pods all fit on others,
// one node at a time.
func (c *Cluster) consolidate() {
	if c.drained != nil {
		return
	}
	if len(c.pending) > 0 { // they want places themselves
		c.scanSoon()
		return
	}
	candidates, wait := c.candidates()
	for _, n := range candidates[:min(len(candidates), maxCandidates)] {
		if c.podsFitElsewhere(n) {
			c.drain(n)
			return
		}
	}
	if wait > 0 {
		c.scanAfter(max(wait, scanInterval))
	}
}

// candidates returns the nodes that may be drained, the least allocated first,
// and the time until the next one has been left alone for long enough (0: none).
func (c *Cluster) candidates() (out []*Node, wait time.Duration) {
	for _, n := range c.nodes {
		if n.State != On || n.pods == 0 || c.on(n.Pool) <= c.Pool(n).Min {
			continue
		}
		left := c.cfg.Autoscaler.ConsolidateAfter - c.queue.Now().Sub(n.touched)
		if left > 0 {
			if wait == 0 || left < wait {
				wait = left
			}
			continue
		}
		if !slices.ContainsFunc(c.podsOn(n), func(p *Pod) bool { return p.Phase == Draining || !c.mayEvict(p) }) {
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b *Node) int { return cmp.Compare(a.Allocated(), b.Allocated()) })
	return out, wait
}

// podsFitElsewhere asks the scheduler's filters whether the node's pods have
// room on other nodes that hold pods already.
func (c *Cluster) podsFitElsewhere(n *Node) bool {
	var others []*Node
	for _, o := range c.nodes {
		if o != n && o.State == On && !o.Cordoned && o.pods > 0 {
			others = append(others, o)
		}
	}
	if len(others) == 0 {
		return false
	}
	slices.SortStableFunc(others, func(a, b *Node) int { return cmp.Compare(b.Allocated(), a.Allocated()) })
	fork := c.scheduler.Fork()
	fork.RemoveNode(n)
	for _, p := range c.podsOn(n) {
		if fork.Place(p, others) == nil {
			return false
		}
	}
	return true
}

func (c *Cluster) podsOn(n *Node) []*Pod {
	var pods []*Pod
	for i := range n.GPUs {
		pods = append(pods, n.GPUs[i].Pods...)
	}
	return pods
}

// drain cordons a node and evicts its pods as fast as budgets allow.
func (c *Cluster) drain(n *Node) {
	c.drained = n
	n.Cordoned = true
	c.scheduler.NodeUpdated(n)
	c.watch.NodeChanged(n, decisions.NodeDrain, fmt.Sprintf("underutilized: %.0f %% of its GPUs allocated, its pods fit elsewhere", 100*n.Allocated()))
	c.after(n, drainTimeout, vtime.PriorityCluster, func() {
		if n.Cordoned {
			n.Cordoned = false
			c.drained = nil
			c.scheduler.NodeUpdated(n)
			c.watch.NodeChanged(n, decisions.NodeReady, fmt.Sprintf("uncordoned: not drained within %v", drainTimeout))
			c.queue.At(c.queue.Now(), vtime.PriorityPlacePod, c.schedulePending)
			c.watchNode(n)
		}
	})
	c.drainOn()
}

// drainOn evicts what the budgets allow now from the node that is drained.
func (c *Cluster) drainOn() {
	n := c.drained
	if n == nil {
		return
	}
	for _, p := range c.podsOn(n) {
		if p.Phase != Draining && c.mayEvict(p) {
			c.evict(p, decisions.Evict, "consolidation of "+n.Name)
		}
	}
}
