package scheduler

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultpreemption"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/units"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// important is a world with a service of higher priority, index 1.
func important(t testing.TB, priority int) *world {
	t.Helper()
	w := newWorld(t, "Default")
	w.service("checkout", 1).Template = template(t, fmt.Sprintf("containers: [{name: c, image: i}]\npriority: %d", priority))
	return w
}

func TestPreemption(t *testing.T) {
	c, d := important(t, 10).start(t)
	c.Scale(0, 3)
	d.runTo(10 * time.Second)
	c.Scale(0, 4)
	d.runTo(time.Minute) // all ready
	d.take()
	c.Scale(1, 1)
	// The youngest goes; it drains, and holds its place meanwhile.
	d.expect(t, "1m0s checkout-1: 0/2 nodes are available: 2 Insufficient nvidia.com/gpu.", "1m0s preempt ranker-4: preempted by checkout-1",
		"1m0s ranker-5: 0/2 nodes are available: 2 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.")
	d.runTo(2 * time.Minute)
	d.expect(t, "1m1s checkout-1 on a100-1/1")
}

// A pod that is not ready yet goes at once.
func TestPreemptionOfAStartingPod(t *testing.T) {
	c, d := important(t, 10).start(t)
	c.Scale(0, 4)
	d.take()
	c.Scale(1, 1)
	if text := d.take(); !strings.Contains(text, "0s preempt ranker-3: preempted by checkout-1\n") || !strings.HasSuffix(text, "0s checkout-1 on a100-0/1") {
		t.Error(text)
	}
}

// Equal and higher priorities are safe, and so is everybody from a pod that may
// not preempt.
func TestNoPreemption(t *testing.T) {
	for name, spec := range map[string]string{
		"equal priority":   "priority: 0",
		"lower priority":   "priority: -10",
		"preemptionPolicy": "priority: 10\npreemptionPolicy: Never",
	} {
		w := important(t, 10)
		w.config.Services[1].Template = template(t, "containers: [{name: c, image: i}]\n"+spec)
		c, d := w.start(t)
		c.Scale(0, 4)
		d.take()
		c.Scale(1, 1)
		if text := d.take(); strings.Contains(text, "preempt ranker") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// A disruption budget turns preemption to another service, but does not
// prevent it.
func TestPreemptionAndBudgets(t *testing.T) {
	w := important(t, 10)
	w.service("guarded", 1)
	w.config.Services[2].MinAvailable, w.cluster.Services[2].Budget = "2", &cluster.Budget{MinAvailable: &units.Share{N: 2}}
	c, d := w.start(t)
	c.Scale(0, 2)
	c.Scale(2, 2)
	d.runTo(time.Minute)
	d.take()
	for i, want := range []string{"ranker", "ranker", "guarded"} {
		c.Scale(1, i+1)
		if text := d.take(); !strings.Contains(text, "preempt "+want) {
			t.Errorf("checkout-%d: %s, want a %s preempted", i+1, text, want)
		}
		d.runTo(time.Duration(i+2) * time.Minute)
		d.take()
	}
}

// A pod whose victims' successors keep taking what it needs is held, so that
// time goes on.
func TestPreemptionInCirclesTakesTime(t *testing.T) {
	w := newWorld(t, "Default")
	w.cluster.Pools, w.config.Pools = nil, nil
	w.cluster.Services[0].Needs = w.cluster.Services[0].Needs[:1]
	w.pool(t, "a100", "nvidia-a100-sxm4-80gb", 3, 2)
	w.cluster.Services[0].Needs = w.cluster.Services[0].Needs[:1]
	w.service("alone", 1).Template = template(t, `
containers: [{name: c, image: i}]
priority: 10
affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: ranker}}}]}}`)
	c, d := w.start(t)
	c.Scale(0, 12)
	d.take()
	c.Scale(1, 2)
	d.runTo(10 * time.Second)
	text := d.take()
	for second := range 10 {
		if n := strings.Count(text, fmt.Sprintf("\n%ds preempt", second)); n > 2*3*preemptionsAtOnce {
			t.Errorf("%d preemptions in second %d", n, second)
		}
	}
}

// The preemption here chooses what DefaultPreemption might choose: of the nodes
// that it draws from, the first by name.
func TestOrderedPreemptionIsOneOfUpstreamsChoices(t *testing.T) {
	several := 0
	rapid.Check(t, func(rt *rapid.T) {
		s, pi := crowded(t, rt)
		handle := s.Profiles["default-scheduler"]
		plugin := func(factory frameworkruntime.PluginFactory) fwk.PostFilterPlugin {
			for _, x := range s.profiles[0].PluginConfig {
				if x.Name == preemptionName {
					p, err := factory(s.ctx, x.Args, handle)
					if err != nil {
						t.Fatal(err)
					}
					return p.(fwk.PostFilterPlugin)
				}
			}
			panic("no arguments of preemption")
		}
		upstreams := plugin(func(ctx context.Context, args runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
			return defaultpreemption.New(ctx, args, h, feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate))
		})
		got := preempt(s, plugin(newPreemption), pi)
		choices := map[string]string{}
		for range 60 {
			x := preempt(s, upstreams, pi)
			choices[x.node] = x.victims
		}
		first := slices.Sorted(maps.Keys(choices))[0]
		if got.node != first || got.victims != choices[first] {
			rt.Fatalf("ours is %v, of upstream's %v", got, choices)
		}
		if len(choices) > 1 {
			several++
		}
	})
	if several == 0 {
		t.Error("upstream never had a choice")
	}
}

// chosen is a node that preemption chose, and its victims.
type chosen struct{ node, victims string }

func preempt(s *Scheduler, p fwk.PostFilterPlugin, pi *framework.QueuedPodInfo) chosen {
	state := framework.NewCycleState()
	_, err := s.SchedulePod(s.ctx, s.Profiles["default-scheduler"], state, pi)
	var fit *framework.FitError
	if !errors.As(err, &fit) {
		return chosen{victims: fmt.Sprint(err)}
	}
	s.calls = nil
	result, _ := p.PostFilter(s.ctx, state, pi.Pod, fit.Diagnosis.NodeToStatus)
	var out chosen
	for _, call := range s.calls {
		if call.patch == nil {
			out.victims += " " + call.pod.Name
		}
	}
	if result != nil && result.NominatingInfo != nil {
		out.node = result.NominatedNodeName
	}
	return out
}

// crowded is a full cluster, and a pod of high priority that finds no place.
func crowded(t testing.TB, rt *rapid.T) (*Scheduler, *framework.QueuedPodInfo) {
	t.Helper()
	configuration, err := Builtin("Default")
	if err != nil {
		t.Fatal(err)
	}
	c := &Config{Configuration: configuration, Pools: []Pool{{Name: "pool", GPUsPerNode: 3, UnitsPerGPU: 1, CPU: "64", Memory: "1Ti"}}}
	for i, priority := range []int{-5, 0, 5, 100} {
		c.Services = append(c.Services, Service{Name: fmt.Sprint("service-", i), Units: 1,
			Template: template(t, fmt.Sprintf("priority: %d\ncontainers: [{name: c, image: i}]", priority))})
	}
	c.Services[1].MaxUnavailable = "1"
	c.Services[3].Units = rapid.IntRange(1, 3).Draw(rt, "GPUs")
	h := &stage{units: []int{1, 1, 1, 1}}
	if h.s, err = New(c, h); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.s.Close)
	for i := range rapid.IntRange(2, 7).Draw(rt, "nodes") {
		n := &cluster.Node{Name: fmt.Sprint("node-", i)}
		h.s.NodeAdded(n)
		for k := range 3 {
			h.now = vtime.At(time.Duration(rapid.IntRange(0, 3).Draw(rt, "start")) * time.Second)
			h.place(&cluster.Pod{Name: fmt.Sprintf("pod-%d-%d", i, k), Service: rapid.IntRange(0, 2).Draw(rt, "service")}, n)
		}
	}
	p := &cluster.Pod{Name: "incoming", Service: 3}
	h.s.PodAdded(p)
	h.s.inCycle = p
	h.s.must(h.s.Cache.UpdateSnapshot(h.s.log(), h.s.snapshot), "update the snapshot for", p.Name)
	h.s.refreshBudgets()
	pi, err := h.s.NextPod(h.s.log())
	if err != nil {
		t.Fatal(err)
	}
	return h.s, pi
}
