package scheduler

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/cluster/clustertest"
	"github.com/kwatt-sim/kwatt/internal/units"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

var long = flag.Bool("long", false, "compare for longer with the whole kube-scheduler")

// drama is a generated history of a cluster: what scales when, on which nodes.
type drama struct {
	profile string
	seed    uint64
	hours   float64
}

// make returns the drama's world: two pools in three zones, one tainted, that
// grow and shrink; services of three priorities and several sizes, one spread
// over zones, one with a disruption budget.
func (x drama) world(t testing.TB) *world {
	t.Helper()
	w := newWorld(t, x.profile)
	w.cluster.Pools, w.config.Pools = nil, nil
	for i, p := range []struct {
		name, gpu, zone string
		perNode, nodes  int
	}{{"a100-a", "nvidia-a100-sxm4-80gb", "a", 4, 3}, {"a100-b", "nvidia-a100-sxm4-80gb", "b", 4, 3}, {"t4", "nvidia-t4", "c", 2, 4}} {
		objects := w.pool(t, p.name, p.gpu, p.perNode, p.nodes)
		objects.Zone = p.zone
		pool := &w.cluster.Pools[i]
		pool.Initial, pool.Min, pool.ProvisionDelay = 2, 1, 47*time.Second
	}
	w.config.Pools[2].Taints = []Taint{{Key: "dedicated", Value: "t4", Effect: "NoSchedule"}}
	w.cluster.Autoscaler = cluster.Autoscaler{Enabled: true, Expander: cluster.LeastWaste, ConsolidateAfter: 3 * time.Minute, Underutilized: true}
	w.cluster.Services, w.config.Services = nil, nil
	w.service("batch", 1).Template = template(t, "{containers: [{name: c, image: i, resources: {requests: {cpu: 6}}}], priority: -5}")
	w.service("web", 1).Template = template(t, `{containers: [{name: c, image: i, resources: {requests: {cpu: 20, memory: 64Gi}}}],
		topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}]}`)
	w.service("search", 1).Template = template(t, `{containers: [{name: c, image: i, resources: {requests: {cpu: 12, memory: 100Gi}}}], priority: 100,
		tolerations: [{key: dedicated, operator: Exists}]}`)
	w.service("front", 1).Template = template(t, "{containers: [{name: c, image: i, resources: {requests: {cpu: 30}}}], priority: 1000, tolerations: [{operator: Exists}]}")
	w.config.Services[1].MaxUnavailable, w.cluster.Services[1].Budget = "1", &cluster.Budget{MaxUnavailable: &units.Share{N: 1}}
	for i := range w.cluster.Services {
		w.cluster.Services[i].ModelLoad = 23 * time.Second
	}
	return w
}

// play runs the drama with a scheduler and returns what happened.
func (x drama) play(t testing.TB, with cluster.NewScheduler) []string {
	t.Helper()
	w := x.world(t)
	c, d := w.startWith(t, func(h cluster.Host, seed uint64) (cluster.Scheduler, error) {
		s, err := with(h, seed)
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
	act = func() {
		switch service := random.IntN(len(w.config.Services) + 1); service {
		case len(w.config.Services):
			c.SetIntensity(random.IntN(3), float64(50*random.IntN(12)))
		default:
			c.Scale(service, random.IntN(14))
		}
		later()
	}
	later()
	for d.q.Next() <= vtime.At(time.Duration(x.hours*float64(time.Hour))) {
		d.q.Step()
	}
	return d.lines
}

// withRooms forks by the room on GPUs alone: in these worlds a cluster's
// scheduler decides, and there a fork has nothing to ask.
type withRooms struct {
	cluster.Scheduler
	rooms cluster.Scheduler
}

func (s withRooms) NodeAdded(n *cluster.Node)   { s.rooms.NodeAdded(n); s.Scheduler.NodeAdded(n) }
func (s withRooms) NodeRemoved(n *cluster.Node) { s.rooms.NodeRemoved(n); s.Scheduler.NodeRemoved(n) }
func (s withRooms) Fork() cluster.Fork          { return s.rooms.Fork() }

// ours plays the drama with the scheduler of this package.
func (x drama) ours(t testing.TB, edit func(*Scheduler)) []string {
	w := x.world(t)
	return x.play(t, func(h cluster.Host, seed uint64) (cluster.Scheduler, error) {
		c := w.config
		c.Seed = seed
		s, err := New(&c, h)
		if err == nil && edit != nil {
			edit(s)
		}
		return s, err
	})
}

// upstream plays it with the whole kube-scheduler in a bubble.
func (x drama) upstream(t *testing.T, free bool) (lines []string) {
	outside(t)
	synctest.Test(t, func(t *testing.T) {
		w := x.world(t)
		lines = x.play(t, func(h cluster.Host, seed uint64) (cluster.Scheduler, error) {
			c := w.config
			c.Seed = seed
			return newWhole(t, &c, h, free), nil
		})
	})
	return lines
}

// outside does what must not be done first in a bubble: what starts a
// goroutine for the life of the process. Errors that upstream logs fail the test.
func outside(t *testing.T) {
	t.Helper()
	if err := prepare(); err != nil {
		t.Fatal(err)
	}
	signals.Do(func() {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR2)
		// The other handlers slow errors down by the machine's clock.
		utilruntime.ErrorHandlers = utilruntime.ErrorHandlers[:1]
	})
}

var signals sync.Once

func TestWholeKubeScheduler(t *testing.T) {
	for _, profile := range []string{"Default", "BinPacking", "EnergyAware"} {
		t.Run(profile, func(t *testing.T) {
			x := drama{profile: profile, seed: 1, hours: 2}
			began := time.Now()
			want := x.upstream(t, false)
			took := time.Since(began)
			began = time.Now()
			got := x.ours(t, nil)
			t.Logf("%s in %v; ours in %v", summary(want), took, time.Since(began))
			if d := difference(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// summary counts the kinds of lines.
func summary(lines []string) string {
	count := map[string]int{}
	for _, line := range lines {
		switch {
		case strings.Contains(line, " nodes are available"):
			count["refusals"]++
		case strings.Contains(line, " preempt "):
			count["preemptions"]++
		case strings.Contains(line, " evict "):
			count["evictions"]++
		case strings.Contains(line, " node-"):
			count["changes of nodes"]++
		default:
			count["bindings"]++
		}
	}
	return fmt.Sprint(count)
}

// difference shows where two histories part.
func difference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			around := func(lines []string) string {
				return strings.Join(lines[min(max(i-3, 0), len(lines)):min(i+3, len(lines))], "\n  ")
			}
			return fmt.Sprintf("line %d of %d and %d: kube-scheduler\n  %s\nours\n  %s", i, len(want), len(got), around(want), around(got))
		}
	}
	return ""
}

var _ = slices.Equal[[]int]
