package scheduler_test

import (
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
)

// With every builtin profile the results of the nodes explain the choice: the
// chosen node has the best total, and the totals are the sums of the scores.
func TestNodeResultsExplainTheChoice(t *testing.T) {
	for _, profile := range scheduler.Profiles() {
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
			checkPlacement(t, profile+": "+pod, how, chosen(d, pod))
		}
		if refused := d.take(); !strings.Contains(refused, "ranker-7: 0/4 nodes are available") {
			t.Errorf("%s: %s", profile, refused)
		}
	}
}

// chosen is the node that the diary has the pod on.
func chosen(d *diary, pod string) string {
	for _, l := range d.lines {
		if _, rest, ok := strings.Cut(l, pod+" on "); ok {
			node, _, _ := strings.Cut(rest, "/")
			return node
		}
	}
	return ""
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
