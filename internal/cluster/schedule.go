package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Reason is why a node refuses a pod.
type Reason uint8

// The reasons.
const (
	NoReason        Reason = iota // never shown
	NodeNotReady                  // off, asleep or on its way
	InsufficientGPU               // no device has room for it
	NoProfile                     // no service-time figures for this GPU model
	NoMIGProfile                  // the GPU model has no such slice
)

var reasonTexts = [...]string{
	NodeNotReady: "node(s) not ready", InsufficientGPU: "insufficient nvidia.com/gpu",
	NoProfile: "no service-time profile for the GPU model", NoMIGProfile: "no such MIG profile on the GPU model",
}

// String is the reason in kube-scheduler's style.
func (r Reason) String() string { return reasonTexts[r] }

// Refusals counts nodes by the reason for which they refuse a pod.
type Refusals [len(reasonTexts)]int

// String reads like kube-scheduler's event: "0/12 nodes are available: 8
// insufficient nvidia.com/gpu, 4 node(s) not ready".
func (r Refusals) String() string {
	total := 0
	var parts []string
	for reason, n := range r {
		total += n
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, Reason(reason)))
		}
	}
	slices.Sort(parts)
	return fmt.Sprintf("0/%d nodes are available: %s", total, strings.Join(parts, ", "))
}

// Candidate is a place for a pod: a device with room on a node that is on.
type Candidate struct {
	Node          *Node
	GPU           int
	Allocated     float64 // part of the node's GPUs taken before the pod, 0..1
	DeviceUsed    float64 // part of the device taken before the pod
	MarginalWatts float64 // that the placement adds; an empty node's base counts
}

// Scheduler chooses among the places that fit. It is the seam at which the
// upstream kube-scheduler takes over.
type Scheduler interface {
	// Choose returns the index of the best candidate; there is at least one,
	// ordered by pool, node and device.
	Choose([]Candidate) int
	// DeleteFirst orders the nodes of two pods of one phase for scale-down:
	// below 0 when a's pod goes first. na and nb are the service's pods on a
	// and b that are not draining.
	DeleteFirst(na int, a *Node, nb int, b *Node) int
}

// LeastAllocated is the profile Default: it spreads pods over the nodes, as
// NodeResourcesFit's LeastAllocated does, and like a ReplicaSet it deletes
// from the nodes that hold most of the service's pods.
type LeastAllocated struct{}

// Choose takes the least allocated node; within it, the fullest device.
func (LeastAllocated) Choose(cs []Candidate) int {
	return bestOf(cs, func(a, b Candidate) int {
		if d := cmp.Compare(a.Allocated, b.Allocated); d != 0 {
			return d
		}
		return cmp.Compare(b.DeviceUsed, a.DeviceUsed)
	})
}

// DeleteFirst takes from the node that holds more.
func (LeastAllocated) DeleteFirst(na int, _ *Node, nb int, _ *Node) int { return cmp.Compare(nb, na) }

// MarginalWatts is the profile EnergyAware: it takes the place that adds the
// fewest watts for the pod, so it fills started nodes before empty ones. On
// scale-down it empties the emptiest nodes first, as a controller does that
// sets the pod-deletion-cost annotation.
type MarginalWatts struct{}

// Choose takes the fewest marginal watts; on a tie the most allocated node.
func (MarginalWatts) Choose(cs []Candidate) int {
	return bestOf(cs, func(a, b Candidate) int {
		if d := cmp.Compare(a.MarginalWatts, b.MarginalWatts); d != 0 {
			return d
		}
		if d := cmp.Compare(b.Allocated, a.Allocated); d != 0 {
			return d
		}
		return cmp.Compare(b.DeviceUsed, a.DeviceUsed)
	})
}

// DeleteFirst takes from the node with fewer pods, of any service.
func (MarginalWatts) DeleteFirst(_ int, a *Node, _ int, b *Node) int {
	return cmp.Compare(a.pods, b.pods)
}

func bestOf(cs []Candidate, compare func(a, b Candidate) int) int {
	best := 0
	for i := range cs {
		if compare(cs[i], cs[best]) < 0 {
			best = i
		}
	}
	return best
}

// room is float dust: four quarters fill a GPU.
const room = 1e-9

// fits reports whether the device can take the need.
func fits(g *GPU, n Need) bool {
	return g.used+n.Part <= 1+room && (len(g.Pods) == 0 || g.mig == n.MIG)
}

// place finds the pod a node that is on, or says why there is none.
func (c *Cluster) place(p *Pod) (n *Node, gpu int, why Refusals) {
	candidates, why := c.candidates(p)
	if len(candidates) == 0 {
		return nil, 0, why
	}
	best := candidates[c.cfg.Scheduler.Choose(candidates)]
	return best.Node, best.GPU, why
}

func (c *Cluster) candidates(p *Pod) (cs []Candidate, why Refusals) {
	for _, n := range c.nodes {
		need := c.cfg.Services[p.Service].Needs[n.Pool]
		switch {
		case need.Refused != NoReason:
			why[need.Refused]++
		case n.State != On:
			why[NodeNotReady]++
		default:
			before := len(cs)
			cs = c.onNode(cs, n, need)
			if len(cs) == before {
				why[InsufficientGPU]++
			}
		}
	}
	return cs, why
}

// onNode appends the node's devices that fit, one of each kind: an empty one
// is as good as another.
func (c *Cluster) onNode(cs []Candidate, n *Node, need Need) []Candidate {
	allocated := 0.0
	for i := range n.GPUs {
		allocated += n.GPUs[i].used
	}
	allocated /= float64(len(n.GPUs))
	seenEmpty := false
	for i := range n.GPUs {
		g := &n.GPUs[i]
		if !fits(g, need) || (seenEmpty && !g.Loaded()) {
			continue
		}
		seenEmpty = seenEmpty || !g.Loaded()
		cs = append(cs, Candidate{
			Node: n, GPU: i, Allocated: allocated, DeviceUsed: g.used,
			MarginalWatts: c.marginalWatts(n, g, need),
		})
	}
	return cs
}

// marginalWatts is what a busy pod adds: its own work, the context of a device
// that had none, and the base and bare boards of a node that is otherwise empty
// and could be powered off.
func (c *Cluster) marginalWatts(n *Node, g *GPU, need Need) float64 {
	node := c.cfg.Pools[n.Pool].Node
	w := need.Watts
	if !g.Loaded() {
		w += node.GPU.Context.Value - node.GPU.Bare.Value
	}
	if n.pods == 0 {
		w += node.BaseWatts.Value + float64(float64(node.GPUs)*node.GPU.Bare.Value)
	}
	return w
}
