package schedsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	applyv1 "k8s.io/client-go/applyconfigurations/core/v1"
	applyschedulingv1 "k8s.io/client-go/applyconfigurations/scheduling/v1"
	applystoragev1 "k8s.io/client-go/applyconfigurations/storage/v1"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/yaml"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/golden"
)

// resourcesForLoad is ResourcesForLoad of the simulator's snapshot package
// (simulator v0.4.0, snapshot/snapshot.go), field by field: what an import takes.
type resourcesForLoad struct {
	Pods            []applyv1.PodApplyConfiguration                     `json:"pods"`
	Nodes           []applyv1.NodeApplyConfiguration                    `json:"nodes"`
	Pvs             []applyv1.PersistentVolumeApplyConfiguration        `json:"pvs"`
	Pvcs            []applyv1.PersistentVolumeClaimApplyConfiguration   `json:"pvcs"`
	StorageClasses  []applystoragev1.StorageClassApplyConfiguration     `json:"storageClasses"`
	PriorityClasses []applyschedulingv1.PriorityClassApplyConfiguration `json:"priorityClasses"`
	SchedulerConfig *configv1.KubeSchedulerConfiguration                `json:"schedulerConfig"`
	Namespaces      []applyv1.NamespaceApplyConfiguration               `json:"namespaces"`
}

// resultKeys are the annotations of the simulator's scheduler
// (scheduler/plugin/annotation/annotation.go and
// scheduler/storereflector/annotation.go of v0.4.0), written out in full.
var resultKeys = []string{
	"kube-scheduler-simulator.sigs.k8s.io/bind-result",
	"kube-scheduler-simulator.sigs.k8s.io/filter-result",
	"kube-scheduler-simulator.sigs.k8s.io/finalscore-result",
	"kube-scheduler-simulator.sigs.k8s.io/permit-result",
	"kube-scheduler-simulator.sigs.k8s.io/permit-result-timeout",
	"kube-scheduler-simulator.sigs.k8s.io/postfilter-result",
	"kube-scheduler-simulator.sigs.k8s.io/prebind-result",
	"kube-scheduler-simulator.sigs.k8s.io/prefilter-result",
	"kube-scheduler-simulator.sigs.k8s.io/prefilter-result-status",
	"kube-scheduler-simulator.sigs.k8s.io/prescore-result",
	"kube-scheduler-simulator.sigs.k8s.io/reserve-result",
	"kube-scheduler-simulator.sigs.k8s.io/score-result",
	"kube-scheduler-simulator.sigs.k8s.io/selected-node",
}

const historyName = "kube-scheduler-simulator.sigs.k8s.io/result-history"

// results are the annotations' values in the types of the simulator's result
// store (scheduler/plugin/resultstore/store.go of v0.4.0).
type resultsOf struct {
	selectedNode                                           string
	preFilterStatus, preScore, reserve, permit, permitWait map[string]string
	preBind, bind                                          map[string]string
	preFilterResult                                        map[string][]string
	filter, postFilter, score, finalScore                  map[string]map[string]string
}

func decode(t *testing.T, text string, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

func read(t *testing.T, a map[string]string) (r resultsOf) {
	t.Helper()
	if keys := slices.Sorted(maps.Keys(a)); !slices.Equal(keys, resultKeys) {
		t.Fatalf("annotations %v, want %v", keys, resultKeys)
	}
	name := func(s string) string { return a["kube-scheduler-simulator.sigs.k8s.io/"+s] }
	r.selectedNode = name("selected-node")
	for key, v := range map[string]any{
		"prefilter-result-status": &r.preFilterStatus, "prescore-result": &r.preScore, "reserve-result": &r.reserve,
		"permit-result": &r.permit, "permit-result-timeout": &r.permitWait, "prebind-result": &r.preBind, "bind-result": &r.bind,
		"prefilter-result": &r.preFilterResult, "filter-result": &r.filter, "postfilter-result": &r.postFilter,
		"score-result": &r.score, "finalscore-result": &r.finalScore,
	} {
		decode(t, name(key), v)
	}
	return r
}

// ofSimulator are a pod's annotations by the simulator, without the history.
func ofSimulator(annotations map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range annotations {
		if strings.HasPrefix(k, "kube-scheduler-simulator.") && k != historyName {
			out[k] = v
		}
	}
	return out
}

// Every attempt reads in the simulator's types and tells one story: the
// selected node passed all filters and has the best score; without one every
// node is refused.
func TestAnnotationsTellThePlacements(t *testing.T) {
	for policy, c := range clusters(t) {
		pods, err := c.Pods(600, true)
		if err != nil {
			t.Fatal(err)
		}
		attempts := map[string]int{}
		for _, p := range pods {
			var history []map[string]string
			decode(t, p.Annotations[historyName], &history)
			attempts[p.Name] = len(history)
			if d := cmp.Diff(history[len(history)-1], ofSimulator(p.Annotations)); d != "" {
				t.Errorf("%s %s: the annotations are not those of the last attempt: %s", policy, p.Name, d)
			}
			for i, h := range history {
				checkAttempt(t, fmt.Sprintf("%s %s attempt %d", policy, p.Name, i), read(t, h))
			}
			if last := read(t, history[len(history)-1]); last.selectedNode != p.Spec.NodeName {
				t.Errorf("%s %s is on %q, selected was %q", policy, p.Name, p.Spec.NodeName, last.selectedNode)
			}
			if errs := apivalidation.ValidateAnnotations(p.Annotations, field.NewPath("annotations")); len(errs) > 0 {
				t.Error(errs)
			}
		}
		want := map[string]int{}
		for _, e := range c.Ledger {
			if e.Placement != nil {
				want[e.Pod]++
			}
		}
		if d := cmp.Diff(want, attempts); d != "" {
			t.Errorf("%s: other attempts than in the ledger: %s", policy, d)
		}
	}
}

func checkAttempt(t *testing.T, name string, r resultsOf) {
	t.Helper()
	sum := func(node string) (total int64) {
		for _, v := range r.finalScore[node] {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			total += n
		}
		return total
	}
	feasible := 0
	for node, plugins := range r.filter {
		passed := true
		for _, said := range plugins {
			passed = passed && said == "passed"
		}
		if passed {
			feasible++
		}
		if passed != (r.selectedNode != "") && node == r.selectedNode {
			t.Errorf("%s: the selected node was refused: %v", name, plugins)
		}
		if sum(node) > sum(r.selectedNode) && r.selectedNode != "" {
			t.Errorf("%s: %s has a better score than the selected %s", name, node, r.selectedNode)
		}
	}
	switch {
	case r.selectedNode == "" && (feasible > 0 || len(r.postFilter) != len(r.filter) || len(r.bind) > 0):
		t.Errorf("%s: no node was selected although %d passed; %+v", name, feasible, r)
	case r.selectedNode != "" && (feasible == 0 || len(r.postFilter) > 0 || r.bind["DefaultBinder"] != "success" || r.reserve["VolumeBinding"] != "success"):
		t.Errorf("%s: a node was selected, but %+v", name, r)
	case (feasible > 1) != (len(r.score) > 0) && r.selectedNode != "" || len(r.score) != len(r.finalScore):
		t.Errorf("%s: %d nodes passed, %d have scores", name, feasible, len(r.score))
	case r.preFilterStatus["NodeResourcesFit"] != "success" || r.preFilterStatus["NodePorts"] != "":
		t.Errorf("%s: %v: a success is called success, a skip has no message", name, r.preFilterStatus)
	}
}

// A preemption: the node that is nominated has its word, the others have none.
func TestNomination(t *testing.T) {
	pods, err := clusters(t)["packed"].Pods(105, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pods {
		if p.Name != "ranker-5" {
			continue
		}
		var history []map[string]string
		decode(t, p.Annotations[historyName], &history)
		want := map[string]map[string]string{"t4-0": {}, "a30-0": {}, "t4-1": {"DefaultPreemption": "preemption victim"}}
		if d := cmp.Diff(want, read(t, history[0]).postFilter); d != "" {
			t.Error(d)
		}
		delete(p.Annotations, historyName) // the same once more
		b, err := yaml.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, "testdata/ranker-5.yaml", b)
		return
	}
	t.Error("there is no ranker-5")
}

// What is written reads back to the same pods.
func TestPodsRoundTrip(t *testing.T) {
	pods, err := clusters(t)["spread"].Pods(600, false)
	if err != nil {
		t.Fatal(err)
	}
	var manifests, lines bytes.Buffer
	if err := errors.Join(WriteYAML(&manifests, pods), WriteJSONLines(&lines, pods)); err != nil {
		t.Fatal(err)
	}
	var again, once Pods
	for _, doc := range strings.Split(manifests.String(), "---\n")[1:] {
		p := &v1.Pod{}
		if err := yaml.UnmarshalStrict([]byte(doc), p); err != nil {
			t.Fatal(err)
		}
		again = append(again, p)
	}
	for d := json.NewDecoder(&lines); ; {
		p := &v1.Pod{}
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		once = append(once, p)
	}
	same := cmp.Comparer(func(a, b *v1.Pod) bool {
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		return bytes.Equal(x, y)
	})
	if d := cmp.Diff(pods, again, same); d != "" {
		t.Errorf("manifests: %s", d)
	}
	if d := cmp.Diff(pods, once, same); d != "" {
		t.Errorf("JSON lines: %s", d)
	}
	if len(pods) < 5 || pods[0].Kind != "Pod" {
		t.Errorf("%d pods", len(pods))
	}
}

// A snapshot reads in the types of the simulator's import, to the last field,
// and holds nothing that would be refused in a new object.
func TestSnapshotLoads(t *testing.T) {
	for policy, c := range clusters(t) {
		for at := 0.0; at <= 600; at += 7 {
			s, err := c.Snapshot(at)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := s.Write(&out); err != nil {
				t.Fatal(err)
			}
			var loaded resourcesForLoad
			decode(t, out.String(), &loaded)
			again, err := json.Marshal(loaded)
			if err != nil {
				t.Fatal(err)
			}
			var back Snapshot
			if err := json.Unmarshal(again, &back); err != nil || len(back.Pods) != len(s.Pods) || len(back.Nodes) != len(s.Nodes) {
				t.Fatalf("%v: %d pods of %d, %d nodes of %d", err, len(back.Pods), len(s.Pods), len(back.Nodes), len(s.Nodes))
			}
			checkSnapshot(t, fmt.Sprintf("%s at %v", policy, at), s)
			if strings.Contains(out.String(), ": null,\n") && strings.Contains(out.String(), `"pvs": null`) {
				t.Errorf("%s: a list is null", policy)
			}
		}
	}
}

func checkSnapshot(t *testing.T, name string, s *Snapshot) {
	t.Helper()
	nodes := map[string]int64{}
	for _, n := range s.Nodes {
		nodes[n.Name] = n.Status.Allocatable.Name("nvidia.com/gpu", "").Value()
		if n.UID != "" || n.ResourceVersion != "" {
			t.Errorf("%s: node %s has a UID or a version", name, n.Name)
		}
	}
	for _, p := range s.Pods {
		if p.UID != "" || p.ResourceVersion != "" || len(p.OwnerReferences) > 0 {
			t.Errorf("%s: pod %s has a UID, a version or an owner", name, p.Name)
		}
		if p.Spec.NodeName == "" {
			if len(p.Status.Conditions) != 1 || p.Status.Conditions[0].Reason != "Unschedulable" || p.Status.Phase != v1.PodPending {
				t.Errorf("%s: pod %s has no node and %+v", name, p.Name, p.Status)
			}
			continue
		}
		if nodes[p.Spec.NodeName]--; nodes[p.Spec.NodeName] < 0 {
			t.Errorf("%s: no room for pod %s on %s", name, p.Name, p.Spec.NodeName)
		}
	}
	if len(s.PriorityClasses) != 1 || s.PriorityClasses[0].Name != "rush" || s.PriorityClasses[0].Value != 1000 {
		t.Errorf("%s: priority classes %+v", name, s.PriorityClasses)
	}
}

// Golden: a node that is drained, a pod that waits, and the profile as written.
func TestSnapshotGolden(t *testing.T) {
	c := *clusters(t)["packed"]
	c.Initial = []int{0, 1}
	c.Ledger = []decisions.Entry{
		{T: 1, Kind: decisions.Bind, Service: "indexer", Pod: "indexer-1", Node: "a30-0", Placement: &decisions.Placement{Evaluated: 1, Feasible: 1}},
		{T: 2, Kind: decisions.PodReady, Service: "indexer", Pod: "indexer-1", Node: "a30-0"},
		{T: 3, Kind: decisions.NodeDrain, Node: "a30-0"},
		{T: 4, Kind: decisions.PodDrain, Service: "indexer", Pod: "indexer-1", Node: "a30-0"},
		{T: 4, Kind: decisions.Unschedulable, Service: "ranker", Pod: "ranker-1", Reason: "0/1 nodes are available: 1 node(s) were unschedulable.", Placement: &decisions.Placement{Evaluated: 1, Nominated: "a30-0"}},
		{T: 5, Kind: decisions.NodeOff, Node: "a30-0"},
	}
	s, err := c.Snapshot(4)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := s.Write(&out); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/snapshot.json", out.Bytes())
}

// With thousands of nodes the annotations stay within an API server's limit,
// near to it, say what is missing, and keep what is of most use.
func TestTheLimitOnAnnotations(t *testing.T) {
	c := *clusters(t)["spread"]
	c.Ledger = nil
	const attempts = 4
	for i := range attempts {
		c.Ledger = append(c.Ledger, crowded(i, 3000, i == attempts-1))
	}
	pods, err := c.Pods(100, true)
	if err != nil {
		t.Fatal(err)
	}
	p := pods[0]
	if size := sizeOf(p.Annotations); size > 262144 || size < 240000 {
		t.Errorf("%d bytes of annotations, want a little less than 262144", size)
	}
	if errs := apivalidation.ValidateAnnotations(p.Annotations, field.NewPath("annotations")); len(errs) > 0 {
		t.Error(errs)
	}
	r := read(t, ofSimulator(p.Annotations))
	left := fmt.Sprintf("%d of 3000 nodes of attempt 4, to stay within 262144 bytes of annotations", 3000-len(r.filter))
	if said := p.Annotations[LeftOutKey]; !strings.HasPrefix(said, fmt.Sprintf("%d of 3000 nodes of attempt 1, ", 3000-len(r.filter))) || !strings.HasSuffix(said, left) {
		t.Errorf("%q, want %q", said, left)
	}
	if r.selectedNode != "n-2999" || r.filter["n-2999"]["NodeResourcesFit"] != "passed" || r.score["n-2999"] == nil {
		t.Errorf("the selected node was left out")
	}
	reasons := map[string]bool{}
	for _, plugins := range r.filter {
		reasons[plugins["TaintToleration"]+plugins["NodeResourcesFit"]] = true
	}
	if len(reasons) != 3 { // passed, and two reasons
		t.Errorf("%d kinds of results are left of 3", len(reasons))
	}
	var history []map[string]string
	decode(t, p.Annotations[historyName], &history)
	if len(history) != attempts {
		t.Errorf("%d of %d attempts", len(history), attempts)
	}
}

// A history that is too long loses its beginning, not its end.
func TestTheLimitOnHistory(t *testing.T) {
	c := *clusters(t)["spread"]
	c.Ledger = nil
	for i := range 500 {
		c.Ledger = append(c.Ledger, crowded(i, 30, false))
	}
	pods, err := c.Pods(1000, true)
	if err != nil {
		t.Fatal(err)
	}
	var history []map[string]string
	decode(t, pods[0].Annotations[historyName], &history)
	said := pods[0].Annotations[LeftOutKey]
	if n := len(history); n >= 500 || n < 20 || !strings.HasPrefix(said, fmt.Sprintf("the first %d of 500 attempts, ", 500-n)) {
		t.Errorf("%d attempts; %.80q", n, said)
	}
	if size := sizeOf(pods[0].Annotations); size > 262144 {
		t.Errorf("%d bytes of annotations", size)
	}
}

// crowded is an attempt among many nodes.
func crowded(i, nodes int, placed bool) decisions.Entry {
	e := decisions.Entry{T: float64(i), Kind: decisions.Unschedulable, Service: "ranker", Pod: "ranker-1", Reason: "no node is available"}
	e.Placement = &decisions.Placement{Evaluated: nodes, Cycle: &decisions.Cycle{
		PreFilter:  []decisions.PluginStatus{{Plugin: "NodeResourcesFit", Code: "Success"}, {Plugin: "NodePorts", Code: "Skip"}},
		Filter:     []string{"NodeUnschedulable", "TaintToleration", "NodeResourcesFit"},
		PostFilter: []string{"DefaultPreemption"},
	}}
	for k := range nodes {
		n := decisions.NodeResult{Node: fmt.Sprintf("n-%d", k)}
		switch {
		case k%3 == 0:
			n.Rejected, n.Reason = "TaintToleration", "node(s) had untolerated taint(s)"
		case k%3 == 1 || !placed:
			n.Rejected, n.Reason = "NodeResourcesFit", "Insufficient nvidia.com/gpu"
		default:
			n.Scores = []decisions.PluginScore{{Plugin: "NodeResourcesFit", Raw: int64(k % 100), Final: int64(k % 100)}}
			n.Total = int64(k % 100)
		}
		e.Placement.Nodes = append(e.Placement.Nodes, n)
	}
	if placed {
		e.Kind, e.Node, e.Placement.Feasible = decisions.Bind, fmt.Sprintf("n-%d", nodes-1), nodes/3
	}
	return e
}

func TestErrors(t *testing.T) {
	c := *clusters(t)["spread"]
	for _, tt := range []struct {
		entry decisions.Entry
		want  string
	}{
		{decisions.Entry{Kind: decisions.NodeReady, Node: "h100-0"}, "node h100-0 of the ledger is of no node pool of the scenario"},
		{decisions.Entry{Kind: decisions.Bind, Service: "search", Pod: "search-1"}, `pod search-1 of the ledger is of service "search", which the scenario does not have`},
	} {
		c.Ledger = []decisions.Entry{tt.entry}
		if _, err := c.Snapshot(1); err == nil || err.Error() != tt.want {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
	c.Ledger = []decisions.Entry{{Kind: decisions.Bind, Service: "ranker", Pod: "ranker-1", Node: "t4-0", Placement: &decisions.Placement{Evaluated: 1, Feasible: 1}}}
	if _, err := c.Pods(1, true); !errors.Is(err, ErrNoResults) {
		t.Errorf("%v, want %v", err, ErrNoResults)
	}
}
