package cluster

import (
	"cmp"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Scale makes the service have this many pods that are not draining: it
// creates pods and looks for places, or deletes pods in the order of victims.
func (c *Cluster) Scale(service, replicas int) {
	have := 0
	for _, p := range c.pods[service] {
		if p.Phase != Draining {
			have++
		}
	}
	for ; have < replicas; have++ {
		c.pending = append(c.pending, c.create(service))
	}
	if have > replicas {
		for _, p := range c.victims(service)[:have-replicas] {
			c.stop(p)
		}
	}
	c.schedulePending()
}

// victims returns the pods that are not draining, the first to go first. The
// order is that of a ReplicaSet (pkg/controller, ActivePodsWithRanks): pending
// before starting before ready, then as the scheduler profile ranks the nodes,
// then the one that was ready for less time, then the younger.
func (c *Cluster) victims(service int) []*Pod {
	onNode := map[*Node]int{}
	var live []*Pod
	for _, p := range c.pods[service] {
		if p.Phase == Draining {
			continue
		}
		live = append(live, p)
		if p.Node != nil {
			onNode[p.Node]++
		}
	}
	slices.SortStableFunc(live, func(a, b *Pod) int {
		order := cmp.Compare(a.Phase, b.Phase)
		if order == 0 && a.Node != nil {
			order = c.cfg.Scheduler.DeleteFirst(onNode[a.Node], a.Node, onNode[b.Node], b.Node)
		}
		return cmp.Or(order, cmp.Compare(b.ReadyAt, a.ReadyAt), cmp.Compare(b.ordinal, a.ordinal))
	})
	return live
}

func (c *Cluster) stop(p *Pod) {
	if p.Phase == Ready {
		p.Phase = Draining
		c.watch.PodDraining(p)
		return
	}
	c.Delete(p)
}

// Delete removes a pod and frees its place.
func (c *Cluster) Delete(p *Pod) {
	if p.Phase == Gone {
		return
	}
	if p.Phase == Pending {
		c.PendingSeconds[p.Service] += c.queue.Now().Sub(p.Created).Seconds()
		c.pending = slices.DeleteFunc(c.pending, func(q *Pod) bool { return q == p })
	}
	if n := p.Node; n != nil {
		c.watch.PowerChanging()
		g := &n.GPUs[p.GPU]
		g.Pods = slices.DeleteFunc(g.Pods, func(q *Pod) bool { return q == p })
		g.used = c.used(n, g)
		n.pods--
		c.queue.At(c.queue.Now(), vtime.PriorityPlacePod, c.schedulePending)
		c.watchEmpty(n)
	}
	p.Phase = Gone
	c.pods[p.Service] = slices.DeleteFunc(c.pods[p.Service], func(q *Pod) bool { return q == p })
}

// used sums what the device's pods take, so that rounding cannot drift.
func (c *Cluster) used(n *Node, g *GPU) float64 {
	used := 0.0
	for _, p := range g.Pods {
		used += c.cfg.Services[p.Service].Needs[n.Pool].Part
	}
	return used
}

// bind gives a pod its place and begins its cold start.
func (c *Cluster) bind(p *Pod, n *Node, gpu int) {
	c.watch.PowerChanging()
	if p.Phase == Pending {
		c.PendingSeconds[p.Service] += c.queue.Now().Sub(p.Created).Seconds()
	}
	need := c.cfg.Services[p.Service].Needs[n.Pool]
	g := &n.GPUs[gpu]
	g.Pods = append(g.Pods, p)
	g.used += need.Part
	g.mig = need.MIG
	n.pods++
	p.Node, p.GPU, p.Bound, p.Phase = n, gpu, c.queue.Now(), Starting
}

func (c *Cluster) start(p *Pod, n *Node, gpu int) {
	c.bind(p, n, gpu)
	c.queue.At(c.queue.Now().Add(c.coldStart(p)), vtime.PriorityCluster, func() {
		if p.Phase == Starting {
			n.images[p.Service] = true
			c.ready(p)
		}
	})
}

func (c *Cluster) ready(p *Pod) {
	p.Phase = Ready
	p.ReadyAt = c.queue.Now()
	c.watch.PodReady(p)
}

// coldStart draws the pod's start-up time from a stream of its own: the n-th
// pod of a service is equally fast under every policy.
func (c *Cluster) coldStart(p *Pod) time.Duration {
	s := c.cfg.Services[p.Service]
	stream := c.random.Stream("startup", p.Name)
	vary := func(d time.Duration) time.Duration {
		return time.Duration(float64(d) * (1 + float64(s.Jitter*(2*stream.Float64()-1))))
	}
	pull, load := vary(s.ImagePull), vary(s.ModelLoad)
	if p.Node.images[p.Service] {
		pull = 0
	}
	return pull + load
}
