package scheduler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/kube/placements"
)

// attempt is a placement, or a refusal.
type attempt struct {
	pod, what string
	how       decisions.Placement
}

// recorded plays the drama with the whole kube-scheduler, settled, and a
// recorder in it.
func (x drama) recorded(t *testing.T) (d *diary, attempts []attempt) {
	t.Helper()
	outside(t)
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		d = x.play(t, func(c *Config, h cluster.Host) (cluster.Scheduler, error) {
			w := newWhole(t, c, h, false)
			var profiles []config.KubeSchedulerProfile
			for _, p := range c.profiles() {
				profiles = append(profiles, orderedPreemption(p))
			}
			more := outOfTree(frameworkruntime.Registry{tiesName: newTies(c.Seed), devicesName: devices{h, w.nodes, w.pods}.factory})
			return w, placements.Record(w.Scheduler, profiles, more, standIns, &out)
		})
	})
	last := map[string]string{}
	for lines := json.NewDecoder(&out); lines.More(); {
		var e placements.Entry
		if err := lines.Decode(&e); err != nil {
			t.Fatal(err)
		}
		a := attempt{pod: string(e.UID), what: e.Node + e.Message, how: e.How}
		if e.Node == "" && last[a.pod] == e.Message {
			continue // a refusal as the one before is no news
		}
		last[a.pod] = e.Message
		attempts = append(attempts, a)
	}
	return d, attempts
}

// comparable takes out what the two need not agree in: of PreBind plugins the
// whole scheduler leaves out those that have nothing to do, and of nodes that a
// PreFilter plugin refuses ours has words of its own.
func (a attempt) comparable() attempt {
	if c := a.how.Cycle; c != nil {
		own := *c
		own.PreBind = nil
		a.how.Cycle = &own
	}
	nodes := a.how.Nodes
	a.how.Nodes = nil
	for _, n := range nodes {
		if n.Rejected == "" && n.Reason != "" {
			n.Reason = "by a PreFilter plugin"
		}
		a.how.Nodes = append(a.how.Nodes, n)
	}
	return a
}

// What is recorded of the whole kube-scheduler is what the explanations of ours
// say: of every attempt, every plugin and every node. And recording changes
// nothing.
func TestRecordedIsExplained(t *testing.T) {
	for name, x := range dramas() {
		if name == "Sampling" {
			continue // explanations are of all nodes: see TestRecordedSample
		}
		x.hours = min(x.hours, 1)
		t.Run(name, func(t *testing.T) {
			d, got := x.recorded(t)
			explained := drama{x.profile, x.seed, x.hours, func(t testing.TB, w *world) {
				if x.edit != nil {
					x.edit(t, w)
				}
				w.config.Explain = true
			}, x.demand}.ours(t, nil)
			if d := difference(d.lines, explained.lines); d != "" {
				t.Fatalf("seed %d: %s", x.seed, d)
			}
			want := explained.attempts
			scored := 0
			for i := range max(len(want), len(got)) {
				if i >= len(want) || i >= len(got) {
					t.Fatalf("seed %d: %d attempts recorded, %d explained", x.seed, len(got), len(want))
				}
				a, b := want[i].comparable(), got[i].comparable()
				if n := b.how.Evaluated; n == 1 && n < len(a.how.Nodes) { // the nominated node was tried first, and taken
					a.how.Nodes = slices.DeleteFunc(a.how.Nodes, func(n decisions.NodeResult) bool { return n.Node != b.what })
				}
				if d := cmp.Diff(a, b, cmp.AllowUnexported(attempt{})); d != "" {
					t.Fatalf("seed %d: attempt %d, explained and recorded: %s", x.seed, i, d)
				}
				for _, n := range b.how.Nodes {
					scored += len(n.Scores)
				}
			}
			t.Logf("%d attempts, %d scores", len(got), scored)
			if scored == 0 {
				t.Error("nothing was scored")
			}
		})
	}
}

// Of many nodes a cycle evaluates a sample, and no others are recorded.
func TestRecordedSample(t *testing.T) {
	x := dramas()["Sampling"]
	x.hours = 0.05
	_, got := x.recorded(t)
	sampled := 0
	for _, a := range got {
		if a.how.Cycle == nil {
			continue
		}
		if len(a.how.Nodes) != a.how.Evaluated {
			t.Errorf("%s %s: %d nodes recorded, %d evaluated", a.pod, a.what, len(a.how.Nodes), a.how.Evaluated)
		}
		if a.how.Evaluated >= 105 || a.how.Feasible < 1 { // of at least as many
			continue
		}
		sampled++
		checkPlacement(t, fmt.Sprintf("%s on %s", a.pod, a.what), a.how, a.what)
	}
	if sampled == 0 {
		t.Error("no cycle looked at a sample")
	}
}
