package cluster_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	. "github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/cluster/clustertest"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// underused is three nodes of four GPUs that hold one or two pods each.
func underused(t testing.TB, budget *Budget) Config {
	cfg := config(t, clustertest.Spread, 1)
	cfg.Pools[0].Initial = 3
	cfg.Services[0].Budget = budget
	cfg.Autoscaler.Underutilized = true
	return cfg
}

func maxUnavailable(n int) *Budget { return &Budget{MaxUnavailable: &units.Share{N: n}} }

// Pods of the least used node move to the others, the node goes, then the next.
func TestConsolidationMovesPodsAndRemovesNodes(t *testing.T) {
	c, d := begin(underused(t, nil), 4) // t4-0 holds two, the others one each
	d.lines = nil
	d.runTo(20 * time.Minute)
	text := strings.Join(d.lines, "\n")
	if on(c, 0) != 1 || strings.Count(text, "node-drain") != 2 || strings.Count(text, "drained") != 2 {
		t.Errorf("%d nodes are on, want 1 after two drains:\n%s", on(c, 0), text)
	}
	want := `5m0s node-drain t4-1: underutilized: 25 % of its GPUs allocated, its pods fit elsewhere
5m0s evict ranker-2: consolidation of t4-1
5m0s ranker-2 draining
5m1s node-off t4-1: drained
5m11s node-drain t4-0: underutilized: 50 % of its GPUs allocated, its pods fit elsewhere`
	if !strings.HasPrefix(text, want) {
		t.Errorf("the first drain went otherwise:\n%s\nwant\n%s", text, want)
	}
	for _, p := range c.Pods(0) {
		if p.Phase != Ready || len(c.Pods(0)) != 4 {
			t.Errorf("%s is in phase %d, want 4 ready pods", p.Name, p.Phase)
		}
	}
}

// WhenEmpty leaves nodes with pods alone.
func TestWithoutUnderutilizedPodsStay(t *testing.T) {
	cfg := underused(t, nil)
	cfg.Autoscaler.Underutilized = false
	c, d := begin(cfg, 4)
	d.runTo(time.Hour)
	if on(c, 0) != 3 {
		t.Errorf("%d nodes are on, want the 3 that hold pods", on(c, 0))
	}
}

// A budget lets one pod go at a time: the next only when its successor is ready.
func TestABudgetSlowsTheDrain(t *testing.T) {
	cfg := underused(t, maxUnavailable(1))
	cfg.NewScheduler = clustertest.Pack
	cfg.Pools[0].Initial, cfg.Pools[0].Min = 2, 1
	c, d := begin(cfg, 8)
	d.runTo(time.Second)
	c.Scale(0, 4) // the youngest go: t4-1 is empty, t4-0 full
	c.Scale(0, 6)
	c.Scale(0, 5)
	d.runTo(4 * time.Minute)
	d.lines = nil
	least := len(c.Pods(0))
	for now := 4 * time.Minute; now < 30*time.Minute; now += time.Second {
		d.runTo(now)
		ready := 0
		for _, p := range c.Pods(0) {
			if p.Phase == Ready {
				ready++
			}
		}
		least = min(least, ready)
	}
	if least < 4 {
		t.Errorf("only %d of 5 pods were ready, the budget allows 4:\n%s", least, strings.Join(d.lines, "\n"))
	}
}

// A budget that allows nothing keeps every node that holds pods.
func TestABudgetOfNothingBlocksConsolidation(t *testing.T) {
	for _, b := range []*Budget{maxUnavailable(0), {MinAvailable: &units.Share{N: 100, Percent: true}}, {MinAvailable: &units.Share{N: 4}}} {
		c, d := begin(underused(t, b), 4)
		d.runTo(2 * time.Hour)
		if on(c, 0) != 3 {
			t.Errorf("budget %+v: %d nodes are on, want 3: nothing may be evicted", *b, on(c, 0))
		}
	}
}

// Whatever a budget allows and a policy asks for: fewer ready pods than the
// budget wants are never the work of an eviction.
func TestEvictionsKeepTheBudget(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		most := rapid.IntRange(0, 3).Draw(rt, "maxUnavailable")
		cfg := underused(t, maxUnavailable(most))
		cfg.Autoscaler.ConsolidateAfter = time.Minute
		c, d := begin(cfg, rapid.IntRange(1, 9).Draw(rt, "initial"))
		desired := len(c.Pods(0))
		check := func() {
			for _, line := range d.lines {
				if strings.Contains(line, "evict ") && most == 0 {
					rt.Fatalf("an eviction that no budget allowed: %s", line)
				}
			}
			ready := 0
			for _, p := range c.Pods(0) {
				if p.Phase == Ready {
					ready++
				}
			}
			if ready < desired-most {
				rt.Fatalf("%d of %d ready, the budget allows %d missing\n%s", ready, desired, most, strings.Join(d.lines, "\n"))
			}
		}
		for now := time.Duration(0); now < 30*time.Minute; now += 7 * time.Second {
			d.runTo(now)
			check()
		}
	})
}

// A drain that a budget stops for too long is given up.
func TestADrainTimesOut(t *testing.T) {
	cfg := underused(t, maxUnavailable(1))
	cfg.Services[0].ModelLoad = time.Hour // a successor is not ready in time
	cfg.Pools[0].Initial = 2
	cfg.Pools[0].Max = 2
	c, d := begin(cfg, 4)
	d.lines = nil
	d.runTo(14 * time.Minute)
	if c.Nodes()[0].Cordoned == c.Nodes()[1].Cordoned {
		t.Fatalf("no node is being drained:\n%s", strings.Join(d.lines, "\n"))
	}
	d.runTo(16 * time.Minute)
	text := strings.Join(d.lines, "\n")
	if c.Nodes()[0].Cordoned || c.Nodes()[1].Cordoned || !strings.Contains(text, "15m0s node-ready t4-0: uncordoned: not drained within 10m0s") {
		t.Errorf("the drain did not end:\n%s", text)
	}
}

// Each expander takes the pool that is best in its own eyes.
func TestExpanders(t *testing.T) {
	for _, x := range []struct {
		expander Expander
		want     string
	}{{LeastWaste, "exact-0"}, {MostPods, "cheap-0"}, {Price, "cheap-0"}, {Power, "large-0"}} {
		cfg := config(t, clustertest.Spread, 1)
		cfg.Autoscaler.Expander = x.expander
		pool := func(name string, gpus, nodes int, price float64) Pool {
			return Pool{Name: name, Node: t4(t, gpus), Max: nodes, NodeHour: price}
		}
		cfg.Pools = []Pool{pool("cheap", 7, 1, 0.5), pool("exact", 3, 2, 1), pool("large", 8, 1, 9)}
		cfg.Pools[2].Node.BaseWatts.Value = 1 // a host of next to no watts
		cfg.Services[0].Needs = []Need{{Part: 1}, {Part: 1}, {Part: 1}}
		_, d := begin(cfg, 6)
		if text := fmt.Sprint(d.lines); !strings.Contains(text, "node-on "+x.want) || strings.Index(text, "node-on "+x.want) > strings.Index(text, "node-on ")+1 {
			t.Errorf("%s: %s, want %s first", x.expander, text, x.want)
		}
	}
}
