package cluster

import (
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// schedulePending binds the pending pods that fit, oldest first, and asks for
// nodes for the others. Where one pod of a service finds no place, those after
// it find none either: places only become fewer meanwhile.
func (c *Cluster) schedulePending() {
	var left []*Pod
	full := map[int]Refusals{} // by service
	for _, p := range c.pending {
		why, isFull := full[p.Service]
		if !isFull {
			var n *Node
			var gpu int
			if n, gpu, why = c.place(p); n != nil {
				c.start(p, n, gpu)
				continue
			}
			full[p.Service] = why
		}
		left = append(left, p)
		if !p.refused {
			p.refused = true
			c.watch.Unschedulable(p, why)
		}
	}
	c.pending = left
	if c.cfg.Autoscale {
		c.growFor(left)
	}
}

// growFor powers on as many nodes as the pods need beyond those that are on
// their way, which it fills first on paper.
func (c *Cluster) growFor(pods []*Pod) {
	type plan struct {
		node *Node
		gpus []GPU
	}
	var coming []plan
	for _, n := range c.nodes {
		if n.State == Booting || n.State == Waking {
			coming = append(coming, plan{n, make([]GPU, len(n.GPUs))})
		}
	}
	take := func(pl plan, need Need) bool {
		if need.Refused != NoReason {
			return false
		}
		for i := range pl.gpus {
			if g := &pl.gpus[i]; g.used+need.Part <= 1+room && (g.used == 0 || g.mig == need.MIG) {
				g.used += need.Part
				g.mig = need.MIG
				return true
			}
		}
		return false
	}
next:
	for _, p := range pods {
		needs := c.cfg.Services[p.Service].Needs
		for _, pl := range coming {
			if take(pl, needs[pl.node.Pool]) {
				continue next
			}
		}
		if n := c.cheapestNode(needs); n != nil {
			c.powerOn(n, "pods without a place")
			pl := plan{n, make([]GPU, len(n.GPUs))}
			take(pl, needs[n.Pool])
			coming = append(coming, pl)
		}
	}
}

// cheapestNode returns the node to power on for a pod with these needs: a
// sleeping one before one that is off, in a pool that fits, pools in the
// scheduler's order of preference for an empty node.
func (c *Cluster) cheapestNode(needs []Need) *Node {
	var cs []Candidate
	seen := make([]bool, 2*len(c.cfg.Pools))
	for _, state := range []NodeState{Asleep, Off} {
		for _, n := range c.nodes {
			kind := 2 * n.Pool
			if state == Off {
				kind++
			}
			need := needs[n.Pool]
			if n.State != state || seen[kind] || need.Refused != NoReason {
				continue
			}
			seen[kind] = true
			cs = append(cs, Candidate{Node: n, MarginalWatts: c.marginalWatts(n, &n.GPUs[0], need)})
		}
	}
	if len(cs) == 0 {
		return nil
	}
	return cs[c.cfg.Scheduler.Choose(cs)].Node
}

// powerOn begins a node's boot or wake-up.
func (c *Cluster) powerOn(n *Node, reason string) {
	pool := c.Pool(n)
	next, delay := Booting, pool.ProvisionDelay
	if n.State == Asleep {
		next, delay = Waking, pool.WakeDelay
	}
	c.change(n, next, reason)
	c.after(n, delay, vtime.PriorityCluster, func() {
		c.change(n, On, "booted")
		c.queue.At(c.queue.Now(), vtime.PriorityPlacePod, c.schedulePending)
		c.watchEmpty(n)
	})
}

// watchEmpty removes an empty node if it is still empty after ConsolidateAfter
// and its pool is above its minimum. A node that the minimum keeps on is not
// looked at again until it has had a pod: while it is empty its pool has no
// reason to grow.
func (c *Cluster) watchEmpty(n *Node) {
	if !c.cfg.Autoscale || n.pods > 0 {
		return
	}
	since := c.queue.Now()
	n.emptySince = since
	// Pods that wait are placed first, even when nodes are removed at once.
	c.after(n, c.cfg.ConsolidateAfter, vtime.PriorityPlacePod, func() {
		if n.State != On || n.pods > 0 || n.emptySince != since || c.on(n.Pool) <= c.Pool(n).Min {
			return
		}
		next := Off
		if c.cfg.Sleep {
			next = Asleep
		} else {
			clear(n.images)
		}
		c.change(n, next, fmt.Sprintf("empty for %v", c.cfg.ConsolidateAfter))
	})
}

// on returns how many nodes of a pool are on or on their way.
func (c *Cluster) on(pool int) int {
	count := 0
	for _, n := range c.nodes {
		if n.Pool == pool && (n.State == On || n.State == Booting || n.State == Waking) {
			count++
		}
	}
	return count
}

// after runs do unless the node has changed its state meanwhile.
func (c *Cluster) after(n *Node, d time.Duration, p vtime.Priority, do func()) {
	epoch := n.epoch
	c.queue.At(c.queue.Now().Add(d), p, func() {
		if n.epoch == epoch {
			do()
		}
	})
}

func (c *Cluster) change(n *Node, to NodeState, reason string) {
	c.watch.PowerChanging()
	n.State = to
	n.epoch++
	c.watch.NodeChanged(n, reason)
}
