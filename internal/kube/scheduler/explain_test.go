package scheduler

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// An explanation says of each node what its plugins said, in the profile's
// order, and agrees with the decision.
func TestExplain(t *testing.T) {
	w := zones(t, "a", "b")
	w.config.Explain = true
	w.config.Pools[1].Taints = []Taint{{Key: "team", Effect: "NoSchedule"}}
	c, d := w.start(t)
	c.Scale(0, 2)
	how := d.placements["ranker-2"]
	if how.Evaluated != 4 || how.Feasible != 2 || len(how.Nodes) != 4 {
		t.Fatalf("%d evaluated, %d feasible, %d explained, want 4, 2 and 4", how.Evaluated, how.Feasible, len(how.Nodes))
	}
	nodes := map[string]decisions.NodeResult{}
	for _, n := range how.Nodes {
		nodes[n.Node] = n
	}
	if n := nodes["b-0"]; n.Rejected != "TaintToleration" || n.Reason != "node(s) had untolerated taint(s)" || n.Scores != nil {
		t.Errorf("%+v", n)
	}
	if full, free := nodes["a-0"], nodes["a-1"]; d.node["ranker-2"] != "a-1" || free.Total <= full.Total {
		t.Errorf("ranker-2 is on %s; totals %d on a-0, %d on a-1", d.node["ranker-2"], full.Total, free.Total)
	}
	var total int64
	for _, s := range nodes["a-0"].Scores {
		total += s.Final
		switch s.Plugin {
		case "TaintToleration": // no taint to avoid: raw 0 is the best, 100 times its weight
			if s.Raw != 0 || s.Final != 300 {
				t.Errorf("%+v", s)
			}
		case "PodTopologySpread": // one pod of the service there, none on a-1
			if s.Raw <= 0 || s.Final >= 200 {
				t.Errorf("%+v", s)
			}
		}
	}
	if total != nodes["a-0"].Total {
		t.Errorf("the scores add up to %d, the total is %d", total, nodes["a-0"].Total)
	}
}

// The node that was taken has the highest total of all that are feasible, as
// many of them as the cycle found; and explaining changes nothing.
func TestExplainAgreesAndChangesNothing(t *testing.T) {
	compared := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := generatedWorld(t, rt)
		script := rapid.SliceOfN(rapid.Custom(anyStep), 1, 10).Draw(rt, "script")
		plain, _ := perform(t, w, script, nil)
		w.config.Explain = true
		explained, _ := perform(t, w, script, nil)
		if d := difference(plain.lines, explained.lines); d != "" {
			rt.Fatalf("without and with explanations %s", d)
		}
		for pod, how := range explained.placements {
			if how.Evaluated < len(how.Nodes) {
				continue // the cycle did not look at all nodes
			}
			compared++
			feasible, best, own := 0, int64(-1), int64(-1)
			for _, n := range how.Nodes {
				if n.Rejected != "" {
					continue
				}
				feasible++
				best = max(best, n.Total)
				if n.Node == explained.node[pod] {
					own = n.Total
				}
			}
			if feasible != how.Feasible || own != best {
				rt.Fatalf("%s on %s: %d nodes explained as feasible, the cycle found %d; its total is %d, the best %d\n%+v", pod, explained.node[pod], feasible, how.Feasible, own, best, how.Nodes)
			}
		}
	})
	if compared == 0 {
		t.Error("no cycle looked at all nodes")
	}
}

// With every builtin profile the results of the nodes explain the choice: the
// chosen node has the best total, and the totals are the sums of the scores.
func TestNodeResultsExplainTheChoice(t *testing.T) {
	for _, profile := range Profiles() {
		w := newWorld(t, profile)
		w.pool(t, "t4", "nvidia-t4", 1, 2)
		w.config.Explain = true
		c, d := w.start(t)
		c.SetIntensity(0, 300)
		c.SetIntensity(1, 300)
		c.Scale(0, 7) // one more than there is room for
		for pod, how := range d.placements {
			if len(how.Nodes) != 4 || how.Evaluated != 4 {
				t.Errorf("%s: %s: %d nodes of 4", profile, pod, len(how.Nodes))
			}
			checkPlacement(t, profile+": "+pod, how, d.node[pod])
		}
		if refused := d.take(); !strings.Contains(refused, "ranker-7: 0/4 nodes are available") {
			t.Errorf("%s: %s", profile, refused)
		}
	}
}

func checkPlacement(t *testing.T, name string, how decisions.Placement, node string) {
	t.Helper()
	if how.Cycle == nil || how.Cycle.Profile != "default-scheduler" || len(how.Cycle.PreFilter) < 5 || len(how.Cycle.Filter) == 0 {
		t.Errorf("%s: %+v does not say which plugins were asked", name, how.Cycle)
	}
	feasible, best, got := 0, int64(0), int64(-1)
	for _, n := range how.Nodes {
		if n.Rejected != "" {
			if len(n.Scores) > 0 || n.Reason == "" {
				t.Errorf("%s: %s is rejected by %s for %q and has %d scores", name, n.Node, n.Rejected, n.Reason, len(n.Scores))
			}
			continue
		}
		feasible++
		sum := int64(0)
		for _, s := range n.Scores {
			sum += s.Final
		}
		if sum != n.Total {
			t.Errorf("%s: the scores of %s add up to %d, its total is %d", name, n.Node, sum, n.Total)
		}
		best = max(best, n.Total)
		if n.Node == node {
			got = n.Total
		}
	}
	if feasible != how.Feasible || got != best {
		t.Errorf("%s: %d feasible nodes of %d; %s has %d, the best %d", name, feasible, how.Feasible, node, got, best)
	}
}
