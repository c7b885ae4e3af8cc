// Package cluster is the virtual Kubernetes cluster: node pools that grow and
// shrink, GPUs that pods share, and pods that go through Pending, Starting,
// Ready and Draining on the virtual clock. On which node a pod runs is the
// scheduler's decision, behind the seam of scheduler.go.
package cluster

import (
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Pool is a group of equal nodes.
type Pool struct {
	Name              string
	Node              powermodel.Node
	Initial, Min, Max int // nodes
	ProvisionDelay    time.Duration
	WakeDelay         time.Duration
	NodeHour          float64 // the price of a powered node's hour, for the Price expander
}

// Service is what the cluster knows of a service.
type Service struct {
	Name                 string
	Needs                []Need // by pool
	ImagePull, ModelLoad time.Duration
	Jitter               float64 // uniform, this part up and down
	Budget               *Budget // nil: pods may be evicted at any time
}

// Config is a cluster and how it is managed.
type Config struct {
	Pools        []Pool
	Services     []Service
	NewScheduler NewScheduler
	// EmptiestFirst makes scale-down delete from the emptiest nodes first, as a
	// controller does that sets controller.kubernetes.io/pod-deletion-cost.
	// Else a ReplicaSet deletes from the nodes that hold most of the service's pods.
	EmptiestFirst bool
	Autoscaler    Autoscaler
	// Workloads, if set, has the pods: they are an API server's. Else the
	// cluster creates, starts and stops them itself.
	Workloads Workloads
}

// Watcher hears what the cluster does.
type Watcher interface {
	// PodBound is called when a pod has found its node.
	PodBound(p *Pod, how decisions.Placement)
	// PodReady is called when a pod begins to serve.
	PodReady(p *Pod)
	// PodDraining is called when a ready pod is to stop, for the reason Pod.Why;
	// the owner calls Cluster.Delete when its last request is done.
	PodDraining(p *Pod)
	// PodGone is called when a pod has left the cluster, for the reason Pod.Why;
	// Pod.Node is still the node it had, nil when it had none.
	PodGone(p *Pod)
	// PodEvicted is called before a pod is taken from its node, by the
	// scheduler to make room (decisions.Preempt) or by the node autoscaler
	// (decisions.Evict).
	PodEvicted(p *Pod, kind, reason string)
	// Unschedulable is called when a pod finds no place, each time for another reason.
	Unschedulable(p *Pod, message string, how decisions.Placement)
	// PowerChanging is called before any change of what a node draws.
	PowerChanging()
	// NodeChanged is called after a node's change, with its kind (decisions.NodeOn,
	// ...) and the reason. Of a node that was asked for, Cluster.Expansion then
	// says how its pool was chosen.
	NodeChanged(n *Node, kind, reason string)
}

// Cluster is the state of a run. It is driven by the event queue.
type Cluster struct {
	cfg       Config
	queue     *vtime.Queue
	random    rng.Source
	watch     Watcher
	scheduler Scheduler
	nodes     []*Node
	services  []serviceState
	pending   []*Pod // in order of creation
	intensity []float64
	opening   bool // the first replicas serve at once
	drained   *Node
	scanAt    vtime.Time  // of the next look for a node to consolidate
	dice      *rng.Stream // of the Random expander
	expansion *decisions.Expansion
}

// serviceState is the pods of a service.
type serviceState struct {
	pods           []*Pod // by age; not those that are Gone
	created        int    // pods ever
	desired        int    // replicas asked for
	pendingSeconds float64
}

// New returns a cluster with each pool's initial nodes on. Intensity is the
// g/kWh of each pool's grid now.
func New(cfg Config, q *vtime.Queue, random rng.Source, w Watcher, intensity []float64) (*Cluster, error) {
	c := &Cluster{
		cfg: cfg, queue: q, random: random, watch: w, services: make([]serviceState, len(cfg.Services)),
		intensity: intensity, scanAt: vtime.Forever, dice: random.Stream("expander"),
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
	var err error
	if c.scheduler, err = cfg.NewScheduler(c, random.Stream("ties").Uint64()); err != nil {
		return nil, fmt.Errorf("make the scheduler: %w", err)
	}
	for _, n := range c.nodes {
		if n.State == On {
			c.scheduler.NodeAdded(n)
		}
	}
	return c, nil
}

// Start creates a service's first replicas. Until Settle those that find a
// place serve at once: the window opens on a running system.
func (c *Cluster) Start(service, replicas int) {
	c.opening = true
	c.services[service].desired = replicas
	if c.cfg.Workloads != nil {
		c.cfg.Workloads.Scale(service, replicas)
		return
	}
	for range replicas {
		c.create(service)
	}
	c.scheduler.Schedule()
}

// Settle ends the opening: pods that found no place ask for nodes, and the
// clocks of empty nodes start.
func (c *Cluster) Settle() {
	c.opening = false
	c.schedulePending()
	for _, n := range c.nodes {
		if n.State == On {
			c.watchNode(n)
		}
	}
}

// Close ends the scheduler.
func (c *Cluster) Close() { c.scheduler.Close() }

// Nodes returns all nodes there can be; do not modify.
func (c *Cluster) Nodes() []*Node { return c.nodes }

// Pool returns the pool of a node.
func (c *Cluster) Pool(n *Node) *Pool { return &c.cfg.Pools[n.Pool] }

// Pods returns the pods of a service that are not gone, by age; do not modify.
func (c *Cluster) Pods(service int) []*Pod { return c.services[service].pods }

// PendingSeconds adds up the pod-seconds that the service's pods have waited
// for a place until now.
func (c *Cluster) PendingSeconds(service int, now vtime.Time) float64 {
	s := c.services[service].pendingSeconds
	for _, p := range c.services[service].pods {
		if p.Phase == Pending {
			s += now.Sub(p.Created).Seconds()
		}
	}
	return s
}

// SetIntensity tells what the grid of a pool emits from now, in g/kWh.
func (c *Cluster) SetIntensity(pool int, grams float64) {
	if c.intensity[pool] == grams {
		return
	}
	c.intensity[pool] = grams
	for _, n := range c.nodes {
		if n.Pool == pool && n.State == On {
			c.scheduler.NodeUpdated(n)
		}
	}
}
