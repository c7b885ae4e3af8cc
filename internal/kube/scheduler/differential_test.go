package scheduler

import (
	"context"
	"flag"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	upstream "k8s.io/kubernetes/pkg/scheduler"
	internalqueue "k8s.io/kubernetes/pkg/scheduler/backend/queue"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kwatt-sim/kwatt/internal/cluster"
)

var long = flag.Bool("long", false, "compare with the whole kube-scheduler over days instead of hours")

// dramas are the worlds in which the two are compared.
func dramas() map[string]drama {
	return map[string]drama{
		"Default":     {profile: "Default", seed: 1, hours: 6},
		"BinPacking":  {profile: "BinPacking", seed: 2, hours: 6},
		"EnergyAware": {profile: "EnergyAware", seed: 3, hours: 6},
		"CarbonAware": {profile: "CarbonAware", seed: 4, hours: 4},
		"SharedGPUs":  {profile: "BinPacking", seed: 5, hours: 4, edit: sharedGPUs},
		"Affinity":    {profile: "Default", seed: 6, hours: 4, edit: affinity},
		"Sampling":    {profile: "Default", seed: 7, hours: 0.2, edit: manyNodes},
	}
}

// sharedGPUs gives the pods halves and quarters of GPUs, and draws among ties.
func sharedGPUs(_ testing.TB, w *world) {
	w.config.Devices, w.config.SeededTies = true, true
	for i := range w.config.Pools {
		w.config.Pools[i].UnitsPerGPU = 4
	}
	for i, unitsOf := range []int{1, 2, 4, 1} {
		w.config.Services[i].Units = unitsOf
		for k := range w.cluster.Services[i].Needs {
			w.cluster.Services[i].Needs[k].Part = float64(unitsOf) / 4
		}
	}
}

// affinity makes services seek and avoid each other, and prefer nodes.
func affinity(t testing.TB, w *world) {
	w.config.Services[0].Template = template(t, `
containers: [{name: c, image: i}]
affinity:
  podAffinity:
    requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: web}}}]
    preferredDuringSchedulingIgnoredDuringExecution:
      - {weight: 50, podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: front}}}}`)
	w.config.Services[1].Template = template(t, `
containers: [{name: c, image: i}]
priority: 10
affinity:
  podAntiAffinity:
    requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: search}}}]
  nodeAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - {weight: 3, preference: {matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [b]}]}}`)
}

// manyNodes has so many nodes that not all of them are looked at in a cycle.
func manyNodes(_ testing.TB, w *world) {
	for i := range w.cluster.Pools {
		w.cluster.Pools[i].Initial, w.cluster.Pools[i].Min, w.cluster.Pools[i].Max = 40, 35, 50
	}
}

// The scheduler of this package and the whole kube-scheduler, with informers,
// queue loops and binding goroutines, do the same: every binding, refusal
// (word for word), preemption and eviction, in their order, at the same
// nanosecond. Kube-scheduler is settled, see newWhole.
func TestSameAsTheWholeKubeScheduler(t *testing.T) {
	for name, x := range dramas() {
		t.Run(name, func(t *testing.T) {
			if *long {
				x.hours *= 20
			}
			began := time.Now()
			want := x.upstream(t, false)
			took := time.Since(began)
			began = time.Now()
			got := x.ours(t, nil)
			t.Logf("%v h: %s; kube-scheduler took %v, ours %v", x.hours, summary(want.lines), took, time.Since(began))
			if d := difference(want.lines, got.lines); d != "" {
				t.Errorf("seed %d: %s", x.seed, d)
			}
		})
	}
}

// fixedNodes are always there; pods end one by one.
func fixedNodes(_ testing.TB, w *world) {
	w.cluster.Autoscaler = cluster.Autoscaler{}
	w.uneven = true
	for i := range w.cluster.Pools {
		w.cluster.Pools[i].Initial, w.cluster.Pools[i].Min, w.cluster.Pools[i].Max = 4, 4, 4
	}
}

// Against a kube-scheduler that runs free, its goroutines racing as in a
// cluster, bindings are the same where few pods wait.
func TestFreeKubeSchedulerWithRoom(t *testing.T) {
	for _, profile := range []string{"Default", "BinPacking", "EnergyAware", "CarbonAware"} {
		t.Run(profile, func(t *testing.T) {
			x := drama{profile: profile, seed: 1, hours: 6, demand: 0.1, edit: fixedNodes}
			want, got := x.upstream(t, true), x.ours(t, nil)
			t.Log(summary(want.lines))
			if d := difference(bindings(want.lines), bindings(got.lines)); d != "" {
				t.Error(d)
			}
		})
	}
}

// Where many pods wait two free runs part: which of the pods that an event
// wakes is popped first is a race. What comes of it in sum stays the same: over
// 20 seeds bindings and waiting to 5 %. Over one seed only the bindings do.
func TestFreeKubeSchedulerSaturated(t *testing.T) {
	seeds := uint64(1)
	if *long {
		seeds = 20
	}
	for _, profile := range []string{"Default", "BinPacking"} {
		var bound, waited [3]float64
		for seed := uint64(1); seed <= seeds; seed++ {
			x := drama{profile: profile, seed: seed, hours: 4, edit: fixedNodes}
			runs := [3]*diary{x.upstream(t, true), x.upstream(t, true), x.ours(t, nil)}
			for i, d := range runs {
				bound[i] += float64(len(bindings(d.lines)))
				waited[i] += d.waited.Hours()
			}
			t.Logf("%s, seed %d: of %.0f bindings, free runs part at %d, ours from them at %d and %d", profile, seed, float64(len(bindings(runs[0].lines))),
				part(runs[0], runs[1]), part(runs[0], runs[2]), part(runs[1], runs[2]))
		}
		t.Logf("%s: bindings %.0f, pod-hours waited %.2f (free, free, ours)", profile, bound, waited)
		compare := map[string][3]float64{"bindings": bound}
		if *long {
			compare["pod-hours waited"] = waited
		}
		for what, x := range compare {
			if free := (x[0] + x[1]) / 2; math.Abs(x[2]/free-1) > 0.05 {
				t.Errorf("%s: %s: ours %v, free runs %v and %v: more than 5 %% apart", profile, what, x[2], x[0], x[1])
			}
		}
	}
}

// part is the number of the first binding that two runs do not share.
func part(a, b *diary) int {
	x, y := bindings(a.lines), bindings(b.lines)
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return i
		}
	}
	return min(len(x), len(y))
}

// A pod that meets no node waits as it does in a cluster whose only node is
// that of its control plane.
func TestNoNode(t *testing.T) {
	x := drama{profile: "Default", seed: 8, hours: 4, edit: func(_ testing.TB, w *world) {
		for i := range w.cluster.Pools {
			w.cluster.Pools[i].Initial, w.cluster.Pools[i].Min = 0, 0
		}
	}, demand: 0.05}
	plane := Pool{Name: "control", CPU: "8", Memory: "32Gi"}.node("control-plane", 0)
	plane.Spec.Taints = []v1.Taint{{Key: "node-role.kubernetes.io/control-plane", Effect: v1.TaintEffectNoSchedule}}
	want, got := x.upstream(t, false, plane), x.ours(t, nil)
	t.Log(summary(want.lines))
	if d := difference(bindings(want.lines), bindings(got.lines)); d != "" {
		t.Error(d)
	}
	if !strings.Contains(strings.Join(got.lines, "\n"), "no nodes available to schedule pods") {
		t.Error("no pod met no node")
	}
}

// The comparison sees what is wrong with a scheduler.
func TestMutantsAreSeen(t *testing.T) {
	dramas := []drama{{profile: "Default", seed: 11, hours: 6, edit: affinity}, {profile: "Default", seed: 12, hours: 6}}
	var want []*diary
	for _, x := range dramas {
		want = append(want, x.upstream(t, false))
		if d := difference(want[len(want)-1].lines, x.ours(t, nil).lines); d != "" {
			t.Fatal(d)
		}
	}
	for name, mutate := range mutants {
		t.Run(name, func(t *testing.T) {
			for i, x := range dramas {
				if difference(want[i].lines, x.ours(t, mutate).lines) != "" {
					return
				}
			}
			t.Error("the comparison does not see it")
		})
	}
}

var mutants = map[string]func(*Scheduler){
	"a deletion wakes no pod": func(s *Scheduler) { s.SchedulingQueue = deaf{s.SchedulingQueue, framework.EventAssignedPodDelete} },
	"a binding wakes no pod":  func(s *Scheduler) { s.SchedulingQueue = deaf{s.SchedulingQueue, framework.EventAssignedPodAdd} },
	"a node wakes no pod": func(s *Scheduler) {
		s.SchedulingQueue = deaf{s.SchedulingQueue, fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}}
	},
	"a patch of the status is lost":  func(s *Scheduler) { s.SchedulingQueue = still{s.SchedulingQueue} },
	"pods of equal timestamps":       func(s *Scheduler) { s.clock.step = 0 },
	"old pods are retried too late":  func(s *Scheduler) { s.retry.every *= 2 },
	"old pods are retried too early": func(s *Scheduler) { s.retry.after /= 2 },
	"old pods are not retried":       func(s *Scheduler) { s.retry.after *= 1000 },
	"the first node that fits":       func(s *Scheduler) { s.frameworks, s.SchedulePod = s.Profiles, s.first },
}

// deaf is a queue that misses an event.
type deaf struct {
	internalqueue.SchedulingQueue
	to fwk.ClusterEvent
}

func (q deaf) MoveAllToActiveOrBackoffQueue(l klog.Logger, e fwk.ClusterEvent, before, after any, check internalqueue.PreEnqueueCheck) {
	if e.Label() != q.to.Label() {
		q.SchedulingQueue.MoveAllToActiveOrBackoffQueue(l, e, before, after, check)
	}
}

// still is a queue that misses updates of its pods.
type still struct{ internalqueue.SchedulingQueue }

func (still) Update(context.Context, *v1.Pod, *v1.Pod) {}

// first is schedulePod with the first node that passes the filters.
func (s *Scheduler) first(ctx context.Context, f framework.Framework, state fwk.CycleState, pi *framework.QueuedPodInfo) (upstream.ScheduleResult, error) {
	nodes, err := s.snapshot.NodeInfos().List()
	if err != nil {
		return upstream.ScheduleResult{}, err
	}
	f.RunPreFilterPlugins(ctx, state, pi.Pod)
	diagnosis := framework.Diagnosis{NodeToStatus: framework.NewDefaultNodeToStatus()}
	for _, n := range nodes {
		status := f.RunFilterPluginsWithNominatedPods(ctx, state, pi.Pod, n)
		if status.IsSuccess() {
			return upstream.ScheduleResult{SuggestedHost: n.Node().Name}, nil
		}
		diagnosis.NodeToStatus.Set(n.Node().Name, status)
		diagnosis.AddPluginStatus(status)
	}
	return upstream.ScheduleResult{}, &framework.FitError{Pod: pi.Pod, NumAllNodes: len(nodes), Diagnosis: diagnosis}
}

// bindings are the lines of bindings.
func bindings(lines []string) (out []string) {
	for _, line := range lines {
		if strings.Contains(line, " on ") && !strings.Contains(line, ":") {
			out = append(out, line)
		}
	}
	return out
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
	return strings.TrimPrefix(fmt.Sprint(count), "map")
}

// difference shows where two histories part.
func difference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		if i < len(want) && i < len(got) && want[i] == got[i] {
			continue
		}
		around := func(lines []string) string {
			return strings.Join(lines[min(max(i-3, 0), len(lines)):min(i+3, len(lines))], "\n  ")
		}
		return fmt.Sprintf("they part in line %d of %d and %d: kube-scheduler\n  %s\nours\n  %s", i, len(want), len(got), around(want), around(got))
	}
	return ""
}
