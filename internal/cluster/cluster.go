// Package cluster is the virtual Kubernetes cluster: node pools that grow and
// shrink, GPUs that pods share, and pods that go through Pending, Starting,
// Ready and Draining on the virtual clock.
package cluster

import (
	"fmt"
	"strconv"
	"time"

	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// NodeState is what a node is doing.
type NodeState uint8

// The states of a node.
const (
	Off     NodeState = iota // not paid for, draws nothing
	Booting                  // asked for; paid for and drawing boot watts
	On                       // schedulable
	Asleep                   // suspended; draws sleep watts
	Waking                   // on its way from Asleep to On, drawing boot watts
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

// Pool is a group of equal nodes.
type Pool struct {
	Name              string
	Node              powermodel.Node
	Initial, Min, Max int // nodes
	ProvisionDelay    time.Duration
	WakeDelay         time.Duration
}

// Need is what a pod of a service takes of a GPU in one pool.
type Need struct {
	Refused Reason  // why it cannot run there at all; NoReason when it can
	Part    float64 // of one GPU's room: 1 is whole
	MIG     bool    // a slice of a partitioned GPU; shares and slices do not mix on one GPU
	Watts   float64 // that a busy pod adds to a GPU whose context is loaded
}

// Service is what the cluster knows of a service.
type Service struct {
	Name                 string
	Needs                []Need // by pool
	ImagePull, ModelLoad time.Duration
	Jitter               float64 // uniform, this part up and down
}

// Config is a cluster and how it is managed.
type Config struct {
	Pools            []Pool
	Services         []Service
	Scheduler        Scheduler
	Autoscale        bool          // power nodes on and off
	ConsolidateAfter time.Duration // a node empty for so long is removed
	Sleep            bool          // removed nodes sleep instead of powering off
}

// Watcher hears what the cluster does.
type Watcher interface {
	// PodReady is called when a pod begins to serve.
	PodReady(p *Pod)
	// PodDraining is called when a ready pod is to stop; the owner calls
	// Cluster.Delete when its last request is done.
	PodDraining(p *Pod)
	// PowerChanging is called before any change of what a node draws.
	PowerChanging()
	// NodeChanged is called after a node's change of state, with the reason.
	NodeChanged(n *Node, reason string)
	// Unschedulable is called when a pod first finds no place.
	Unschedulable(p *Pod, why Refusals)
}

// Pod is one replica of a service.
type Pod struct {
	Service int // index into Config.Services
	Name    string
	Phase   PodPhase
	Node    *Node // nil while Pending
	GPU     int   // of the node
	Created vtime.Time
	Bound   vtime.Time // when it found its node
	ReadyAt vtime.Time // Forever until it is ready

	ordinal int
	refused bool // its first refusal was reported
}

// GPU is one device of a node.
type GPU struct {
	Pods []*Pod
	used float64
	mig  bool
}

// Loaded reports whether a pod holds a context on the device.
func (g *GPU) Loaded() bool { return len(g.Pods) > 0 }

// Node is one host.
type Node struct {
	Name  string
	Pool  int
	State NodeState
	GPUs  []GPU

	pods       int
	emptySince vtime.Time
	images     []bool // by service
	epoch      int    // counts changes of state, so that stale timers do nothing
}

// Cluster is the state of a run. It is driven by the event queue.
type Cluster struct {
	cfg     Config
	queue   *vtime.Queue
	random  rng.Source
	watch   Watcher
	nodes   []*Node
	pods    [][]*Pod // by service, by age; not those that are Gone
	created []int    // pods ever, by service
	pending []*Pod   // in order of creation

	// PendingSeconds is the pod-seconds spent Pending by pods that are no
	// longer, by service.
	PendingSeconds []float64
}

// New returns a cluster with each pool's initial nodes on.
func New(cfg Config, q *vtime.Queue, random rng.Source, w Watcher) *Cluster {
	c := &Cluster{
		cfg: cfg, queue: q, random: random, watch: w,
		pods: make([][]*Pod, len(cfg.Services)), created: make([]int, len(cfg.Services)),
		PendingSeconds: make([]float64, len(cfg.Services)),
	}
	for i, p := range cfg.Pools {
		for k := range p.Max {
			n := &Node{Name: fmt.Sprintf("%s-%d", p.Name, k), Pool: i, GPUs: make([]GPU, p.Node.GPUs), images: make([]bool, len(cfg.Services))}
			if k < p.Initial {
				n.State = On
			}
			c.nodes = append(c.nodes, n)
		}
	}
	return c
}

// Start creates a service's first replicas. Those that find a place serve at
// once: the window opens on a running system.
func (c *Cluster) Start(service, replicas int) {
	for range replicas {
		p := c.create(service)
		if n, gpu, _ := c.place(p); n != nil {
			c.bind(p, n, gpu)
			n.images[service] = true
			c.ready(p)
		} else {
			c.pending = append(c.pending, p)
		}
	}
}

// Settle places what Start could not, and begins to look for empty nodes. It
// is called once, after every service's Start.
func (c *Cluster) Settle() {
	for _, n := range c.nodes {
		if n.State == On {
			c.watchEmpty(n)
		}
	}
	c.schedulePending()
}

// Nodes returns all nodes of all pools, powered or not.
func (c *Cluster) Nodes() []*Node { return c.nodes }

// Pool returns the pool of a node.
func (c *Cluster) Pool(n *Node) *Pool { return &c.cfg.Pools[n.Pool] }

// Pods returns a service's pods by age, draining ones included.
func (c *Cluster) Pods(service int) []*Pod { return c.pods[service] }

// PendingSince adds up the pod-seconds that the service's pods have waited for
// a place so far.
func (c *Cluster) PendingSince(service int, now vtime.Time) float64 {
	s := c.PendingSeconds[service]
	for _, p := range c.pods[service] {
		if p.Phase == Pending {
			s += now.Sub(p.Created).Seconds()
		}
	}
	return s
}

func (c *Cluster) create(service int) *Pod {
	c.created[service]++
	p := &Pod{
		Service: service, ordinal: c.created[service], Created: c.queue.Now(), ReadyAt: vtime.Forever,
		Name: c.cfg.Services[service].Name + "-" + strconv.Itoa(c.created[service]),
	}
	c.pods[service] = append(c.pods[service], p)
	return p
}
