package cluster

import (
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// NodeState is what a node is doing.
type NodeState uint8

// The states of a node.
const (
	Off     NodeState = iota // not paid for, draws nothing
	Booting                  // asked for; paid for and drawing boot watts
	On                       // schedulable, unless cordoned
	Asleep                   // suspended; draws sleep watts
	Waking                   // on its way from Asleep to On, drawing boot watts
)

// GPU is one device of a node.
type GPU struct {
	Device
	Pods []*Pod
}

// Loaded reports whether a pod holds a context on the device.
func (g *GPU) Loaded() bool { return len(g.Pods) > 0 }

// Node is one host.
type Node struct {
	Name     string
	Pool     int
	State    NodeState
	Cordoned bool // takes no new pods: it is being drained
	GPUs     []GPU

	pods    int
	touched vtime.Time // when a pod came or went, or the node came on
	images  []bool     // by service
	epoch   int        // counts changes of state, so that stale timers do nothing
}

// powerOn begins a node's boot or wake-up.
func (c *Cluster) powerOn(n *Node, reason string) {
	pool := c.Pool(n)
	next, kind, delay, done := Booting, decisions.NodeOn, pool.ProvisionDelay, "booted"
	if n.State == Asleep {
		next, kind, delay, done = Waking, decisions.NodeWake, pool.WakeDelay, "woken up"
	}
	c.change(n, next, kind, reason)
	c.after(n, delay, vtime.PriorityCluster, func() {
		c.change(n, On, decisions.NodeReady, done)
		c.scheduler.NodeAdded(n)
		c.queue.At(c.queue.Now(), vtime.PriorityPlacePod, c.schedulePending)
		c.watchNode(n)
	})
}

// powerDown takes an empty node away.
func (c *Cluster) powerDown(n *Node, reason string) {
	next, kind := Off, decisions.NodeOff
	if c.cfg.Autoscaler.Sleep {
		next, kind = Asleep, decisions.NodeSleep
	} else {
		clear(n.images)
	}
	n.Cordoned = false
	c.change(n, next, kind, reason)
	c.scheduler.NodeRemoved(n)
}

// watchNode starts the clocks of a node that a pod left or that came on: a
// drained one goes when it is empty; any other goes if it is still empty after
// ConsolidateAfter and its pool is above its minimum. A node that the minimum
// keeps on is not looked at again until it has had a pod: while it is empty
// its pool has no reason to grow.
func (c *Cluster) watchNode(n *Node) {
	n.touched = c.queue.Now()
	if !c.cfg.Autoscaler.Enabled {
		return
	}
	if n.pods > 0 {
		c.scanSoon()
		return
	}
	wait, reason := c.cfg.Autoscaler.ConsolidateAfter, fmt.Sprintf("empty for %v", c.cfg.Autoscaler.ConsolidateAfter)
	if n.Cordoned {
		wait, reason = 0, "drained"
	}
	since := n.touched
	// Pods that wait are placed first, even when nodes are removed at once.
	c.after(n, wait, vtime.PriorityPlacePod, func() {
		if n.State != On || n.pods > 0 || n.touched != since || c.on(n.Pool) <= c.Pool(n).Min {
			return
		}
		if c.drained == n {
			c.drained = nil
		}
		c.powerDown(n, reason)
		c.scanSoon()
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

func (c *Cluster) change(n *Node, to NodeState, kind, reason string) {
	c.watch.PowerChanging()
	n.State = to
	n.epoch++
	c.watch.NodeChanged(n, kind, reason)
}
