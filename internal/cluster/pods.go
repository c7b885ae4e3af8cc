package cluster

import (
	"slices"
	"strconv"
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// PodPhase is where a pod stands.
type PodPhase uint8

// The phases of a pod.
const (
	Pending  PodPhase = iota // no node yet
	Starting                 // bound: pulling the image, loading the model
	Ready                    // serving
	Draining                 // no new requests; finishes those it has
	Gone                     // deleted
)

// Pod is one replica of a service.
type Pod struct {
	Service int // index into Config.Services
	Name    string
	Phase   PodPhase
	Node    *Node // nil while Pending
	GPU     int   // of the node
	Created vtime.Time
	Bound   vtime.Time // when it found its node; Forever before
	Pulled  vtime.Time // when its image is there and the container starts; Forever before it is bound
	ReadyAt vtime.Time // Forever until it is ready
	Why     string     // it stops; "" while it is not to

	uid       uint64 // stands for the random metadata.uid
	refused   string // the scheduler's last message
	nominated *Node  // where preemption makes room for it
}

// Scale makes the service have this many pods that are not draining: it
// creates pods and looks for places, or deletes pods in the order of victims.
func (c *Cluster) Scale(service, replicas int) {
	c.services[service].desired = replicas
	if c.cfg.Workloads != nil {
		c.cfg.Workloads.Scale(service, replicas)
		return
	}
	have := c.live(service)
	for ; have < replicas; have++ {
		c.create(service)
	}
	if have > replicas {
		victims := c.victims(service)[:have-replicas]
		for _, p := range victims { // before any of them leaves a gap
			p.Why = c.victimReason(p)
		}
		for _, p := range victims {
			c.stop(p)
		}
	}
	c.schedulePending()
}

// live counts the service's pods that are not draining.
func (c *Cluster) live(service int) int {
	have := 0
	for _, p := range c.services[service].pods {
		if p.Phase != Draining {
			have++
		}
	}
	return have
}

func (c *Cluster) create(service int) *Pod {
	s := &c.services[service]
	s.created++
	p := &Pod{
		Service: service, Created: c.queue.Now(),
		Bound: vtime.Forever, Pulled: vtime.Forever, ReadyAt: vtime.Forever,
		Name: c.cfg.Services[service].Name + "-" + strconv.Itoa(s.created),
	}
	p.uid = c.random.Stream("uid", p.Name).Uint64()
	s.pods = append(s.pods, p)
	c.pending = append(c.pending, p)
	c.scheduler.PodAdded(p)
	return p
}

// stop asks a pod to end: a ready one drains, any other is gone at once.
func (c *Cluster) stop(p *Pod) {
	if p.Phase != Ready {
		c.Delete(p)
		return
	}
	p.Phase = Draining
	c.scheduler.PodTerminating(p)
	c.watch.PodDraining(p)
}

// evict takes a pod from its node; its ReplicaSet creates another.
func (c *Cluster) evict(p *Pod, kind, reason string) {
	c.watch.PodEvicted(p, kind, reason)
	p.Why = reason
	if c.cfg.Workloads != nil {
		c.cfg.Workloads.Evict(p)
		return
	}
	c.stop(p)
	for range c.services[p.Service].desired - c.live(p.Service) {
		c.create(p.Service)
	}
	c.queue.At(c.queue.Now(), vtime.PriorityPlacePod, c.schedulePending)
}

// Delete removes a pod and frees its place.
func (c *Cluster) Delete(p *Pod) {
	if p.Phase == Gone {
		return
	}
	if c.cfg.Workloads != nil {
		c.cfg.Workloads.Release(p)
	}
	s := &c.services[p.Service]
	if p.Phase == Pending {
		s.pendingSeconds += c.queue.Now().Sub(p.Created).Seconds()
		c.pending = slices.DeleteFunc(c.pending, func(q *Pod) bool { return q == p })
	}
	p.Phase = Gone
	s.pods = slices.DeleteFunc(s.pods, func(q *Pod) bool { return q == p })
	n := p.Node
	if n == nil {
		c.scheduler.PodRemoved(p)
		c.watch.PodGone(p)
		return
	}
	c.watch.PowerChanging()
	g := &n.GPUs[p.GPU]
	g.Pods = slices.DeleteFunc(g.Pods, func(q *Pod) bool { return q == p })
	g.Used = 0 // added up anew, so that rounding cannot drift
	for _, q := range g.Pods {
		g.Used += c.Need(q, n).Part
	}
	n.pods--
	c.scheduler.PodRemoved(p)
	c.watch.PodGone(p)
	c.queue.At(c.queue.Now(), vtime.PriorityPlacePod, c.schedulePending)
	c.watchNode(n)
}

// start begins a bound pod's cold start.
func (c *Cluster) start(p *Pod) {
	pull, load := c.coldStart(p)
	if c.opening {
		p.Node.images[p.Service] = true
		pull, load = 0, 0
	}
	p.Pulled = c.queue.Now().Add(pull)
	switch at := p.Pulled.Add(load); {
	case c.cfg.Workloads != nil:
		c.cfg.Workloads.Run(p, at)
	case c.opening:
		c.ready(p)
	default:
		c.queue.At(at, vtime.PriorityCluster, func() { c.ready(p) })
	}
}

// ready lets a pod serve that has started.
func (c *Cluster) ready(p *Pod) {
	if p.Phase != Starting {
		return
	}
	p.Node.images[p.Service] = true
	p.Phase = Ready
	p.ReadyAt = c.queue.Now()
	c.watch.PodReady(p)
	c.drainOn() // a disruption budget may allow the next eviction now
}

// coldStart draws the pod's start-up times from a stream of its own: the n-th
// pod of a service is equally fast under every policy.
func (c *Cluster) coldStart(p *Pod) (pull, load time.Duration) {
	s := c.cfg.Services[p.Service]
	stream := c.random.Stream("startup", p.Name)
	vary := func(d time.Duration) time.Duration {
		return time.Duration(float64(d) * (1 + float64(s.Jitter*(2*stream.Float64()-1))))
	}
	pull, load = vary(s.ImagePull), vary(s.ModelLoad)
	if p.Node.images[p.Service] {
		pull = 0
	}
	return pull, load
}
