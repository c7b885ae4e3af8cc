package scheduler

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// firstNode returns where the first pod of eight equal nodes goes.
func firstNode(t testing.TB, seed uint64, seeded bool) string {
	t.Helper()
	w := newWorld(t, "Default")
	w.cluster.Pools[0].Initial, w.cluster.Pools[0].Max = 8, 8
	w.config.SeededTies = seeded
	c, _ := w.startWith(t, func(h cluster.Host, _ uint64) (cluster.Scheduler, error) {
		w.config.Seed = seed
		return New(&w.config, h)
	})
	defer c.Close()
	c.Scale(0, 1)
	return nodesOf(c, 0)
}

func TestSeededTies(t *testing.T) {
	nodes := map[string]int{}
	for seed := range uint64(64) {
		node := firstNode(t, seed, true)
		if again := firstNode(t, seed, true); again != node {
			t.Fatalf("seed %d: %s, then %s", seed, node, again)
		}
		nodes[node]++
		if node := firstNode(t, seed, false); node != "a100-0 1" {
			t.Errorf("without seeded ties seed %d gives %s", seed, node)
		}
	}
	if len(nodes) < 7 || slices.Max(slices.Collect(maps.Values(nodes))) > 20 {
		t.Errorf("64 seeds give %v: ties are to be drawn", nodes)
	}
}

// Whatever is drawn, no node is taken before another of a higher total.
func TestTiesNeverTurnUnequalScores(t *testing.T) {
	drawn := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := generatedWorld(t, rt)
		w.config.SeededTies, w.config.Explain = true, true
		d, _ := perform(t, w, rapid.SliceOfN(rapid.Custom(anyStep), 1, 8).Draw(rt, "script"), nil)
		for pod, how := range d.placements {
			if how.Feasible < 2 || how.Evaluated < len(how.Nodes) {
				continue // nothing to choose, or not all nodes were looked at
			}
			best, own, equals := int64(-1), int64(-1), 0
			for _, n := range how.Nodes {
				if n.Rejected != "" {
					continue
				}
				total := withoutTies(n)
				switch {
				case total > best:
					best, equals = total, 1
				case total == best:
					equals++
				}
				if n.Node == d.node[pod] {
					own = total
				}
			}
			if own != best {
				rt.Fatalf("%s went to %s with %d, the best total is %d", pod, d.node[pod], own, best)
			}
			if equals > 1 {
				drawn++
			}
		}
	})
	if drawn == 0 {
		t.Error("there was no tie")
	}
}

// withoutTies is a node's total as it would be without SeededTies.
func withoutTies(n decisions.NodeResult) int64 {
	var total int64
	for _, s := range n.Scores {
		if s.Plugin != tiesName {
			total += s.Final / tiesScale
		}
	}
	return total
}

// Two runs are the same, whatever runs beside them.
func TestDeterminism(t *testing.T) {
	for _, x := range []drama{{profile: "Default", seed: 21, hours: 2}, {profile: "EnergyAware", seed: 22, hours: 2, edit: sharedGPUs}, {profile: "Default", seed: 23, hours: 0.05, edit: manyNodes}} {
		want := x.ours(t, nil).lines
		before := runtime.GOMAXPROCS(max(4, runtime.NumCPU()))
		var wg sync.WaitGroup
		got := make([][]string, 4)
		for i := range got {
			wg.Go(func() { got[i] = x.ours(t, nil).lines })
		}
		wg.Wait()
		runtime.GOMAXPROCS(before)
		for _, lines := range got {
			if d := difference(want, lines); d != "" {
				t.Errorf("%s, seed %d: %s", x.profile, x.seed, strings.NewReplacer("kube-scheduler", "once", "ours", "again").Replace(d))
			}
		}
	}
}
