package replay_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/kube/schedsim"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// exported are the annotations of each attempt to place a pod of a run, by pod.
func exported(t *testing.T, p *experiment.Plan, run *results.Run) map[string][]map[string]string {
	t.Helper()
	c := &schedsim.Cluster{Scheduler: p.Objects, Ledger: run.Decisions}
	for _, pool := range p.Config.Cluster.Pools {
		c.Initial = append(c.Initial, pool.Initial)
	}
	c.Intensity = func(int, float64) float64 { return 400 }
	pods, err := c.Pods(p.Config.Duration.Seconds(), true)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]map[string]string{}
	for _, o := range pods {
		var history []map[string]string
		if err := json.Unmarshal([]byte(o.Annotations[simulatorKey+"result-history"]), &history); err != nil {
			t.Fatal(err)
		}
		out[o.Name] = history
	}
	return out
}

const simulatorKey = "kube-scheduler-simulator.sigs.k8s.io/"

// byNode is an annotation about nodes: what each plugin said of it.
func byNode(t *testing.T, attempt map[string]string, key string) map[string]map[string]string {
	t.Helper()
	var out map[string]map[string]string
	if err := json.Unmarshal([]byte(attempt[simulatorKey+key]), &out); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return out
}

// comparePlacements holds what a replay exports of its placements against what
// the simulation does: the same keys; of each attempt one story; and of the first
// replicas, which both worlds place on the same empty nodes, the same words.
func comparePlacements(t *testing.T, p *experiment.Plan, want, got *results.Run) (problems []string) {
	t.Helper()
	simulated, real := exported(t, p, want), exported(t, p, got)
	keys := slices.Sorted(maps.Keys(simulated["ranker-1"][0]))
	placed, scored := 0, 0
	for pod, history := range real {
		for i, a := range history {
			if d := cmp.Diff(keys, slices.Sorted(maps.Keys(a))); d != "" {
				t.Errorf("%s, attempt %d: other annotations than simulated: %s", pod, i, d)
			}
			if a[simulatorKey+"selected-node"] != "" {
				placed++
				scored += checkChoice(t, fmt.Sprintf("%s, attempt %d", pod, i), a)
			}
		}
	}
	if n := binds(got); placed != n || scored == 0 {
		t.Errorf("%d placements exported of %d, %d scores", placed, n, scored)
	}
	first := firstPlacements(t, want, simulated)
	if !strings.Contains(strings.Join(first, "\n"), "EnergyAware:100") {
		t.Errorf("the first replicas show nothing: %q", first)
	}
	if d := cmp.Diff(first, firstPlacements(t, got, real)); d != "" {
		problems = append(problems, "of the first replicas the plugins said something else: "+d)
	}
	return problems
}

// checkChoice fails unless the selected node passed and has the best score, and
// returns how many scores there are.
func checkChoice(t *testing.T, name string, a map[string]string) int {
	t.Helper()
	selected := a[simulatorKey+"selected-node"]
	filter, final := byNode(t, a, "filter-result"), byNode(t, a, "finalscore-result")
	for plugin, said := range filter[selected] {
		if said != "passed" {
			t.Errorf("%s: %s selected, of which %s said %s", name, selected, plugin, said)
		}
	}
	sum := func(node string) (total int) {
		for _, text := range final[node] {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			total += n
		}
		return total
	}
	for node := range final {
		if sum(node) > sum(selected) {
			t.Errorf("%s: %s selected with %d, %s has %d", name, selected, sum(selected), node, sum(node))
		}
	}
	if len(filter[selected]) < 3 || len(byNode(t, a, "score-result")) != len(final) || a[simulatorKey+"bind-result"] != `{"DefaultBinder":"success"}` {
		t.Errorf("%s: %v", name, a)
	}
	return len(final)
}

// firstPlacements are what the plugins said of the pods that were placed before
// the clock began. Pods and nodes have no names in it: which of two pods is the
// first, and which of two empty nodes, is chance.
func firstPlacements(t *testing.T, run *results.Run, attempts map[string][]map[string]string) (out []string) {
	t.Helper()
	for _, d := range run.Decisions {
		if d.Kind != decisions.Bind || d.T > 0 {
			continue
		}
		a := attempts[d.Pod][len(attempts[d.Pod])-1]
		filter, score, final := byNode(t, a, "filter-result"), byNode(t, a, "score-result"), byNode(t, a, "finalscore-result")
		var rows []string
		for node := range filter {
			rows = append(rows, fmt.Sprint(node == d.Node, filter[node], score[node], final[node]))
		}
		slices.Sort(rows)
		for _, key := range []string{"prefilter-result-status", "prefilter-result", "prescore-result", "reserve-result", "permit-result"} {
			rows = append(rows, a[simulatorKey+key])
		}
		out = append(out, strings.Join(rows, "\n"))
	}
	slices.Sort(out)
	return out
}
