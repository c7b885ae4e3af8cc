package cluster

import (
	"math"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Autoscaler adds nodes for pods that find no place, and takes nodes away.
// Scale-up follows Cluster Autoscaler: what the pending pods would need of each
// pool is worked out with the scheduler's filters, and the expander chooses
// among the pools. Scale-down follows Karpenter's consolidation. docs/nodes.md
// says where both differ.
type Autoscaler struct {
	Enabled  bool
	Expander Expander
	// ConsolidateAfter is how long no pod must have come or gone on a node
	// before it is removed.
	ConsolidateAfter time.Duration
	// Underutilized also drains nodes whose pods fit on others; else only empty
	// nodes go.
	Underutilized bool
	// Sleep puts removed nodes to sleep instead of off.
	Sleep bool
}

// Expander chooses the pool that grows.
type Expander string

// The expanders. The first four are Cluster Autoscaler's.
const (
	LeastWaste Expander = "LeastWaste" // least idle part of the new nodes' GPUs
	Price      Expander = "Price"      // cheapest per pod that it places
	MostPods   Expander = "MostPods"   // places the most pods
	Random     Expander = "Random"     // any, from a stream of the seed
	Power      Expander = "Power"      // fewest watts per pod that it places
)

// schedulePending lets the scheduler place what it can and asks for nodes for
// the rest.
func (c *Cluster) schedulePending() {
	if len(c.pending) == 0 {
		return
	}
	c.scheduler.Schedule()
	if c.cfg.Autoscaler.Enabled {
		c.grow()
	}
}

// grow powers on the nodes that pods which the scheduler has refused need beyond
// those that are on their way.
func (c *Cluster) grow() {
	left := slices.DeleteFunc(slices.Clone(c.pending), func(p *Pod) bool { return p.refused == "" || makingRoom(p) })
	if c.cfg.Workloads != nil {
		left = c.unplaceable(left)
	}
	if len(left) == 0 || !c.canGrow(left) {
		return
	}
	var coming []*Node
	for _, n := range c.nodes {
		if n.State == Booting || n.State == Waking {
			coming = append(coming, n)
		}
	}
	left = c.expand(coming, left).left
	for len(left) > 0 {
		best := c.bestOption(left)
		if best == nil {
			return
		}
		for _, n := range best.nodes {
			c.powerOn(n, "pods without a place")
		}
		c.expansion = nil
		left = best.left
	}
}

// unplaceable leaves out the pods that fit on nodes as they are now. A scheduler
// behind an API server refused them earlier and is about to look again. The pods
// of a service are alike: where one finds no place, those after it do not either.
func (c *Cluster) unplaceable(pods []*Pod) []*Pod {
	var on []*Node
	for _, n := range c.nodes {
		if n.State == On && !n.Cordoned {
			on = append(on, n)
		}
	}
	if len(pods) == 0 || len(on) == 0 {
		return pods
	}
	fork, full := c.scheduler.Fork(), map[int]bool{}
	return slices.DeleteFunc(pods, func(p *Pod) bool {
		fits := !full[p.Service] && fork.Place(p, on) != nil
		full[p.Service] = !fits
		return fits
	})
}

// Expansion returns how the pool was chosen whose nodes are being asked for,
// nil when none are.
func (c *Cluster) Expansion() *decisions.Expansion { return c.expansion }

// makingRoom reports whether preemption is making room for the pod.
func makingRoom(p *Pod) bool {
	return p.nominated != nil && p.nominated.State == On && slices.ContainsFunc(p.nominated.GPUs, func(g GPU) bool {
		return slices.ContainsFunc(g.Pods, func(q *Pod) bool { return q.Phase == Draining })
	})
}

// canGrow reports whether a pool that could take one of the pods has a node
// that is not on.
func (c *Cluster) canGrow(pods []*Pod) bool {
	return slices.ContainsFunc(c.nodes, func(n *Node) bool {
		return (n.State == Off || n.State == Asleep) &&
			slices.ContainsFunc(pods, func(p *Pod) bool { return c.Need(p, n).Refused == NoReason })
	})
}

// option is one way to grow: nodes of one pool, the pods they would take and
// those that are left.
type option struct {
	nodes        []*Node
	placed, left []*Pod
}

// expand works out which of the nodes are needed, in their order, and which
// pods they take. Where one pod of a service finds no place the others of it
// are not tried: they are alike.
func (c *Cluster) expand(nodes []*Node, pods []*Pod) option {
	o := option{left: pods}
	if len(nodes) == 0 {
		return o
	}
	fork := c.scheduler.Fork()
	useless := make([]bool, len(c.cfg.Pools)) // an empty node is like the next of its pool
	for _, n := range nodes {
		if len(o.left) == 0 {
			break
		}
		if useless[n.Pool] {
			continue
		}
		fork.AddNode(n)
		full := make([]bool, len(c.cfg.Services))
		var left []*Pod
		for _, p := range o.left {
			if !full[p.Service] && fork.Place(p, []*Node{n}) != nil {
				o.placed = append(o.placed, p)
				continue
			}
			full[p.Service] = true
			left = append(left, p)
		}
		if len(left) == len(o.left) {
			useless[n.Pool] = true
			continue
		}
		o.nodes, o.left = append(o.nodes, n), left
	}
	return o
}

// bestOption returns what the expander chooses among the pools; sleeping nodes
// go before those that are off. It is nil when no node would take a pod. How it
// was chosen is kept in expansion.
func (c *Cluster) bestOption(pods []*Pod) *option {
	for _, state := range []NodeState{Asleep, Off} {
		var options []option
		for pool := range c.cfg.Pools {
			var nodes []*Node
			for _, n := range c.nodes {
				if n.Pool == pool && n.State == state {
					nodes = append(nodes, n)
				}
			}
			if o := c.expand(nodes, pods); len(o.nodes) > 0 {
				options = append(options, o)
			}
		}
		if len(options) > 0 {
			best := c.choose(options, len(pods))
			c.expansion.Options[best].Chosen = true
			return &options[best]
		}
	}
	return nil
}

// costUnits are those of what an expander minimises.
var costUnits = map[Expander]string{
	LeastWaste: "idle part of the new GPUs", Price: "price of an hour per pod", MostPods: "minus the pods placed", Power: "W per pod",
}

// choose returns the index of the expander's choice, the first among equals.
func (c *Cluster) choose(options []option, pending int) int {
	e := c.cfg.Autoscaler.Expander
	c.expansion = &decisions.Expansion{Expander: string(e), Pending: pending, Unit: costUnits[e]}
	best, least := 0, math.Inf(1)
	for i, o := range options {
		cost := c.expanderCost(o)
		if cost < least {
			best, least = i, cost
		}
		c.expansion.Options = append(c.expansion.Options, decisions.Option{
			Pool: c.Pool(o.nodes[0]).Name, Nodes: len(o.nodes), Asleep: o.nodes[0].State == Asleep, Pods: len(o.placed), Cost: cost,
		})
	}
	if e == Random {
		return c.dice.IntN(len(options))
	}
	return best
}

// expanderCost is what the expander minimises.
func (c *Cluster) expanderCost(o option) float64 {
	pods := float64(len(o.placed))
	pool := c.Pool(o.nodes[0])
	switch c.cfg.Autoscaler.Expander {
	case Random:
		return 0
	case MostPods:
		return -pods
	case Price:
		return pool.NodeHour * float64(len(o.nodes)) / pods
	case Power:
		return c.expanderWatts(o) / pods
	}
	used := 0.0
	for _, p := range o.placed {
		used += c.Need(p, o.nodes[0]).Part
	}
	return 1 - used/float64(len(o.nodes)*pool.Node.GPUs)
}

// expanderWatts is what the option's nodes draw with their pods busy.
func (c *Cluster) expanderWatts(o option) float64 {
	node := c.Pool(o.nodes[0]).Node
	perNode := node.BaseWatts.Value + float64(float64(node.GPUs)*node.GPU.Bare.Value)
	watts := float64(perNode * float64(len(o.nodes)))
	for _, p := range o.placed {
		need := c.Need(p, o.nodes[0])
		watts += need.Watts + float64(need.Part*(node.GPU.Context.Value-node.GPU.Bare.Value))
	}
	return watts
}

// scanInterval is the least time between two looks for a node to consolidate.
const scanInterval = 10 * time.Second

// scanSoon looks for a node to consolidate, not at once.
func (c *Cluster) scanSoon() {
	if c.cfg.Autoscaler.Underutilized {
		c.scanAfter(scanInterval)
	}
}

func (c *Cluster) scanAfter(d time.Duration) {
	at := c.queue.Now().Add(d)
	if at >= c.scanAt {
		return
	}
	c.scanAt = at
	c.queue.At(at, vtime.PriorityPlacePod, func() {
		if c.scanAt == at {
			c.scanAt = vtime.Forever
			c.consolidate()
		}
	})
}
