package scheduler

import (
	"cmp"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	v1 "k8s.io/api/core/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/cluster/clustertest"
	"github.com/kwatt-sim/kwatt/internal/units"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// drama is a generated history of a cluster: what scales when, on which nodes.
// Demand goes above what the nodes can hold, so that pods wait, are tried again
// and preempt each other.
type drama struct {
	profile string
	seed    uint64
	hours   float64
	edit    func(testing.TB, *world) // of the world; nil for none
	demand  float64                  // the most that a service asks for, of all GPUs; 0 for 0.4
}

// world returns the drama's cast: three pools in three zones, one tainted, that
// grow and shrink; services of four priorities and sizes, one spread over
// zones, one with a disruption budget.
func (x drama) world(t testing.TB) *world {
	t.Helper()
	w := newWorld(t, x.profile)
	w.cluster.Pools, w.config.Pools = nil, nil
	for i, p := range []struct {
		name, gpu, zone string
		perNode, nodes  int
	}{{"a100-a", "nvidia-a100-sxm4-80gb", "a", 4, 3}, {"a100-b", "nvidia-a100-sxm4-80gb", "b", 4, 3}, {"t4", "nvidia-t4", "c", 2, 4}} {
		w.pool(t, p.name, p.gpu, p.perNode, p.nodes).Zone = p.zone
		pool := &w.cluster.Pools[i]
		pool.Initial, pool.Min, pool.ProvisionDelay = 2, 1, 47*time.Second
	}
	w.config.Pools[2].Taints = []Taint{{Key: "dedicated", Value: "t4", Effect: "NoSchedule"}}
	w.cluster.Autoscaler = cluster.Autoscaler{Enabled: true, Expander: cluster.LeastWaste, ConsolidateAfter: 3 * time.Minute, Underutilized: true}
	w.cluster.Services, w.config.Services = nil, nil
	w.service("batch", 1).Template = template(t, "containers: [{name: c, image: i, resources: {requests: {cpu: 6}}}]\npriority: -5")
	w.service("web", 1).Template = template(t, `
containers: [{name: c, image: i, resources: {requests: {cpu: 20, memory: 64Gi}}}]
topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}]`)
	w.service("search", 1).Template = template(t, `
containers: [{name: c, image: i, resources: {requests: {cpu: 12, memory: 100Gi}}}]
priority: 100
tolerations: [{key: dedicated, operator: Exists}]`)
	w.service("front", 1).Template = template(t, "containers: [{name: c, image: i, resources: {requests: {cpu: 30}}}]\npriority: 1000\ntolerations: [{operator: Exists}]")
	w.config.Services[1].MaxUnavailable, w.cluster.Services[1].Budget = "1", &cluster.Budget{MaxUnavailable: &units.Share{N: 1}}
	for i := range w.cluster.Services {
		w.cluster.Services[i].ModelLoad = 23 * time.Second
	}
	if x.edit != nil {
		x.edit(t, w)
	}
	return w
}

// play runs the drama with a scheduler and returns what happened.
func (x drama) play(t testing.TB, with func(*Config, cluster.Host) (cluster.Scheduler, error)) *diary {
	t.Helper()
	w := x.world(t)
	c, d := w.startWith(t, func(h cluster.Host, seed uint64) (cluster.Scheduler, error) {
		w.config.Seed = seed
		s, err := with(&w.config, h)
		if err != nil {
			return nil, err
		}
		rooms, err := clustertest.Spread(h, seed)
		return withRooms{s, rooms}, err
	})
	defer c.Close()
	random := rand.New(rand.NewPCG(x.seed, 0))
	var act func()
	later := func() {
		d.q.At(d.q.Now().Add(time.Duration(random.ExpFloat64()*float64(40*time.Second))), vtime.PriorityDecide, act)
	}
	capacity := 0.0
	for _, p := range w.cluster.Pools {
		capacity += float64(p.Max * p.Node.GPUs)
	}
	act = func() {
		if service := random.IntN(len(w.config.Services) + 1); service < len(w.config.Services) {
			part := w.cluster.Services[service].Needs[0].Part
			c.Scale(service, random.IntN(1+int(cmp.Or(x.demand, 0.4)*capacity/part)))
		} else {
			c.SetIntensity(random.IntN(len(w.cluster.Pools)), float64(50*random.IntN(12)))
		}
		later()
	}
	later()
	for end := vtime.At(time.Duration(x.hours * float64(time.Hour))); d.q.Next() <= end; {
		d.q.Step()
	}
	return d
}

// withRooms forks by the room on GPUs alone: in a cluster nobody asks the
// scheduler what would be.
type withRooms struct {
	cluster.Scheduler
	rooms cluster.Scheduler
}

func (s withRooms) NodeAdded(n *cluster.Node)   { s.rooms.NodeAdded(n); s.Scheduler.NodeAdded(n) }
func (s withRooms) NodeRemoved(n *cluster.Node) { s.rooms.NodeRemoved(n); s.Scheduler.NodeRemoved(n) }
func (s withRooms) Fork() cluster.Fork          { return s.rooms.Fork() }

// ours plays the drama with the scheduler of this package, changed by edit.
func (x drama) ours(t testing.TB, edit func(*Scheduler)) *diary {
	t.Helper()
	return x.play(t, func(c *Config, h cluster.Host) (cluster.Scheduler, error) {
		s, err := New(c, h)
		if err == nil && edit != nil {
			edit(s)
		}
		return s, err
	})
}

// upstream plays it with the whole kube-scheduler in a bubble, settled or free,
// which sees the other nodes besides the cluster's.
func (x drama) upstream(t *testing.T, free bool, others ...*v1.Node) (d *diary) {
	t.Helper()
	outside(t)
	synctest.Test(t, func(t *testing.T) {
		d = x.play(t, func(c *Config, h cluster.Host) (cluster.Scheduler, error) {
			w := newWhole(t, c, h, free)
			for _, n := range others {
				w.write(func() { w.add(nodeResource, n) })
			}
			return w, nil
		})
	})
	return d
}

// outside does what must not be done first in a bubble: start the goroutines
// that last as long as the process.
func outside(t *testing.T) {
	t.Helper()
	once.Do(func() {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR2)
		// The other handlers slow errors down by the machine's clock.
		utilruntime.ErrorHandlers = utilruntime.ErrorHandlers[:1]
	})
	if err := prepare(); err != nil {
		t.Fatal(err)
	}
}

var once sync.Once
