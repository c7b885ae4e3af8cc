package cluster_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	. "github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/cluster/clustertest"
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// diary is a Watcher that writes down what it hears.
type diary struct {
	q     *vtime.Queue
	c     *Cluster
	lines []string
	// drain is how long a draining pod takes.
	drain time.Duration
}

func (d *diary) write(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf("%v ", d.q.Now())+fmt.Sprintf(format, args...))
}
func (d *diary) PodReady(p *Pod) { d.write("%s ready on %s/%d", p.Name, p.Node.Name, p.GPU) }
func (d *diary) PodDraining(p *Pod) {
	d.write("%s draining", p.Name)
	d.q.At(d.q.Now().Add(d.drain), vtime.PriorityCluster, func() { d.c.Delete(p) })
}
func (d *diary) PowerChanging()                           {}
func (d *diary) NodeChanged(n *Node, kind, reason string) { d.write("%s %s: %s", kind, n.Name, reason) }
func (d *diary) Unschedulable(p *Pod, message string, _ decisions.Placement) {
	d.write("%s: %s", p.Name, message)
}
func (d *diary) PodBound(*Pod, decisions.Placement)     {}
func (d *diary) PodGone(*Pod)                           {}
func (d *diary) PodEvicted(p *Pod, kind, reason string) { d.write("%s %s: %s", kind, p.Name, reason) }

func t4(t testing.TB, gpus int) powermodel.Node {
	g, err := powermodel.Lookup("nvidia-t4")
	if err != nil {
		t.Fatal(err)
	}
	return powermodel.NewNode(g, gpus)
}

// config is one pool of 4-GPU nodes and one service that takes part of a GPU.
func config(t testing.TB, s NewScheduler, part float64) Config {
	return Config{
		Pools: []Pool{{Name: "t4", Node: t4(t, 4), Initial: 1, Min: 1, Max: 3, ProvisionDelay: 90 * time.Second, WakeDelay: 10 * time.Second}},
		Services: []Service{{Name: "ranker", Needs: []Need{{Part: part, Watts: 40}},
			ImagePull: 20 * time.Second, ModelLoad: 40 * time.Second}},
		NewScheduler: s, Autoscaler: Autoscaler{Enabled: true, Expander: LeastWaste, ConsolidateAfter: 5 * time.Minute},
	}
}

func begin(cfg Config, replicas int) (*Cluster, *diary) {
	q := &vtime.Queue{}
	d := &diary{q: q, drain: time.Second}
	var err error
	if d.c, err = New(cfg, q, rng.New(1), d, make([]float64, len(cfg.Pools))); err != nil {
		panic(err)
	}
	d.c.Start(0, replicas)
	d.c.Settle()
	return d.c, d
}

func (d *diary) runTo(t time.Duration) {
	for d.q.Next() <= vtime.At(t) {
		d.q.Step()
	}
	d.q.At(vtime.At(t), vtime.PriorityDecide, func() {})
	d.q.Step()
}

func (d *diary) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(d.lines, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(d.lines, "\n  "), strings.Join(want, "\n  "))
	}
	d.lines = nil
}

func TestPodsFromPendingToReadyAndNodesComeAndGo(t *testing.T) {
	c, d := begin(config(t, clustertest.Spread, 1), 2)
	d.expect(t, "0s ranker-1 ready on t4-0/0", "0s ranker-2 ready on t4-0/1")

	d.runTo(time.Minute)
	c.Scale(0, 6) // two more fit, two need a node; its image is there already
	d.expect(t,
		"1m0s ranker-5: 0/1 nodes have room",
		"1m0s ranker-6: 0/1 nodes have room",
		"1m0s node-on t4-1: pods without a place")
	d.runTo(4 * time.Minute)
	d.expect(t,
		"1m40s ranker-3 ready on t4-0/2", "1m40s ranker-4 ready on t4-0/3",
		"2m30s node-ready t4-1: booted",
		"3m30s ranker-5 ready on t4-1/0", "3m30s ranker-6 ready on t4-1/1")
	if got := c.PendingSeconds(0, d.q.Now()); got != 180 {
		t.Errorf("pods were pending for %v s, want 2 × 90", got)
	}

	// A ReplicaSet takes from the node that holds most of the service's pods:
	// t4-0 holds four, all ready for two to four minutes, which is one age to it.
	c.Scale(0, 3)
	d.runTo(5 * time.Minute)
	d.expect(t, "4m0s ranker-3 draining", "4m0s ranker-1 draining", "4m0s ranker-2 draining")

	c.Scale(0, 1)
	d.runTo(15 * time.Minute)
	d.expect(t, "5m0s ranker-6 draining", "5m0s ranker-5 draining", "10m1s node-off t4-1: empty for 5m0s")
}

func TestPacksAndEmptiesAndSleepsAndEmptiesAndSleeps(t *testing.T) {
	cfg := config(t, clustertest.Pack, 1)
	cfg.Pools[0].Initial, cfg.Pools[0].Min, cfg.Autoscaler.Sleep, cfg.EmptiestFirst = 2, 0, true, true
	c, d := begin(cfg, 5)
	d.expect(t, "0s ranker-1 ready on t4-0/0", "0s ranker-2 ready on t4-0/1", "0s ranker-3 ready on t4-0/2",
		"0s ranker-4 ready on t4-0/3", "0s ranker-5 ready on t4-1/0")
	c.Scale(0, 4) // the emptiest node first
	d.runTo(6 * time.Minute)
	d.expect(t, "0s ranker-5 draining", "5m1s node-sleep t4-1: empty for 5m0s")
	c.Scale(0, 5) // waking is quicker than booting, and the image is still there
	d.runTo(8 * time.Minute)
	d.expect(t, "6m0s ranker-6: 0/1 nodes have room",
		"6m0s node-wake t4-1: pods without a place", "6m10s node-ready t4-1: woken up", "6m50s ranker-6 ready on t4-1/0")
}

func TestSpreads(t *testing.T) {
	cfg := config(t, clustertest.Spread, 1)
	cfg.Pools[0].Initial = 2
	_, d := begin(cfg, 3)
	d.expect(t, "0s ranker-1 ready on t4-0/0", "0s ranker-2 ready on t4-1/0", "0s ranker-3 ready on t4-0/1")
}

func TestSharesFillADeviceBeforeTheNext(t *testing.T) {
	_, d := begin(config(t, clustertest.Spread, 0.25), 6)
	d.expect(t, "0s ranker-1 ready on t4-0/0", "0s ranker-2 ready on t4-0/0", "0s ranker-3 ready on t4-0/0",
		"0s ranker-4 ready on t4-0/0", "0s ranker-5 ready on t4-0/1", "0s ranker-6 ready on t4-0/1")
}

func TestSlicesAndSharesDoNotMixOnADevice(t *testing.T) {
	cfg := config(t, clustertest.Spread, 0.5)
	cfg.Pools[0].Node = t4(t, 1)
	cfg.Services = append(cfg.Services, Service{Name: "slice", Needs: []Need{{Part: 0.5, MIG: true}}})
	cfg.Autoscaler.Enabled = false
	c, d := begin(cfg, 1)
	c.Start(1, 1)
	c.Settle()
	d.expect(t, "0s ranker-1 ready on t4-0/0", "0s slice-1: 0/1 nodes have room")
	c.Scale(0, 0)
	d.runTo(2 * time.Minute)
	d.expect(t, "0s ranker-1 draining", "1s"+" slice-1 ready on t4-0/0")
}

func TestRefusalsNameTheReason(t *testing.T) {
	cfg := config(t, clustertest.Spread, 1)
	cfg.Services[0].Needs[0].Refused = NoProfile
	_, d := begin(cfg, 1)
	d.expect(t, "0s ranker-1: 0/1 nodes have room")
}

// Whatever a policy asks for: no device holds more than it has, pods run only
// on nodes that are on, nobody waits while a place is free, and the pool keeps
// its bounds.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var s NewScheduler = clustertest.Spread
		if rapid.Bool().Draw(rt, "energyAware") {
			s = clustertest.Pack
		}
		cfg := config(t, s, rapid.SampledFrom([]float64{0.25, 1.0 / 3, 0.5, 1}).Draw(rt, "part"))
		cfg.Autoscaler.Sleep = rapid.Bool().Draw(rt, "sleep")
		cfg.Services[0].Jitter = 0.2
		c, d := begin(cfg, rapid.IntRange(0, 5).Draw(rt, "initial"))
		now := time.Duration(0)
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			want := rapid.IntRange(0, 50).Draw(rt, "replicas")
			c.Scale(0, want)
			checkInvariants(rt, c, want)
			now += rapid.SampledFrom([]time.Duration{0, time.Second, 45 * time.Second, 10 * time.Minute}).Draw(rt, "wait")
			d.runTo(now)
			checkInvariants(rt, c, want)
		}
	})
}

func checkInvariants(t *rapid.T, c *Cluster, want int) {
	live := 0
	for _, p := range c.Pods(0) {
		if p.Phase != Draining {
			live++
		}
		if (p.Phase == Pending) != (p.Node == nil) {
			t.Fatalf("%s is in phase %d on node %v", p.Name, p.Phase, p.Node)
		}
		if p.Phase == Pending {
			for _, n := range c.Nodes() {
				if _, ok := n.Room().Find(c.Need(p, n)); ok && n.State == On && !n.Cordoned {
					t.Fatalf("%s waits although %s has room", p.Name, n.Name)
				}
			}
		}
	}
	if live != want {
		t.Fatalf("%d pods, want %d", live, want)
	}
	if on := on(c, 0); on < 1 || on > 3 {
		t.Fatalf("%d nodes on, want 1 to 3", on)
	}
	for _, n := range c.Nodes() {
		pods := 0
		for _, g := range n.GPUs {
			used := 0.0
			for _, p := range g.Pods {
				used += c.Need(p, n).Part
				if p.Node != n {
					t.Fatalf("%s is on %s and thinks it is on %v", p.Name, n.Name, p.Node)
				}
			}
			if used > 1+1e-9 || math.Abs(used-g.Used) > 1e-9 {
				t.Fatalf("%s holds %v of a GPU and counts %v", n.Name, used, g.Used)
			}
			pods += len(g.Pods)
		}
		if pods > 0 && n.State != On {
			t.Fatalf("%s in state %d holds %d pods", n.Name, n.State, pods)
		}
	}
}

// on counts a pool's nodes that are on or on their way.
func on(c *Cluster, pool int) int {
	count := 0
	for _, n := range c.Nodes() {
		if n.Pool == pool && (n.State == On || n.State == Booting || n.State == Waking) {
			count++
		}
	}
	return count
}
