package scheduler

import (
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
