package scheduler

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	upstream "k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// TestMemoChangesNothing holds the memo to its slow twin: in generated clusters
// with generated profiles, pods and events both decide the same, look at as
// many nodes, find as many feasible, and stop at the same node of the list.
func TestMemoChangesNothing(t *testing.T) {
	remembered, cycles := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		w := generatedWorld(t, rt)
		script := rapid.SliceOfN(rapid.Custom(anyStep), 5, 25).Draw(rt, "script")
		w.config.Forgetful = true
		slow, slowNext := perform(t, w, script, nil)
		w.config.Forgetful = false
		fast, fastNext := perform(t, w, script, func(s *Scheduler) { countCycles(s, &remembered, &cycles) })
		if d := difference(slow.lines, fast.lines); d != "" {
			rt.Fatalf("%s\nprofile %s", d, w.profile)
		}
		if fmt.Sprint(slow.placements) != fmt.Sprint(fast.placements) {
			rt.Fatalf("evaluated and feasible nodes: slow\n%v\nfast\n%v", slow.placements, fast.placements)
		}
		if slowNext != fastNext {
			rt.Fatalf("the next cycle begins at node %d, not %d", fastNext, slowNext)
		}
	})
	if remembered < cycles/5 || remembered > cycles*19/20 {
		t.Errorf("%d of %d cycles went by the memo: both ways are to be tried", remembered, cycles)
	}
	t.Logf("%d of %d cycles went by the memo alone", remembered, cycles)
}

// countCycles counts the cycles, and those that upstream's schedulePod did not see.
func countCycles(s *Scheduler, remembered, all *int) {
	next, schedule := s.NextPod, s.SchedulePod
	s.NextPod = func(l klog.Logger) (*framework.QueuedPodInfo, error) {
		*all++
		*remembered++
		return next(l)
	}
	s.SchedulePod = func(ctx context.Context, f framework.Framework, state fwk.CycleState, pi *framework.QueuedPodInfo) (upstream.ScheduleResult, error) {
		*remembered--
		return schedule(ctx, f, state, pi)
	}
}

// step is something that happens.
type step struct {
	after   time.Duration
	service int
	scale   int
	pool    int
	grams   float64 // of the pool's grid; 0 leaves it and scales the service
}

func anyStep(rt *rapid.T) step {
	return step{
		after:   time.Duration(rapid.IntRange(0, 200_000).Draw(rt, "after")) * time.Millisecond,
		service: rapid.IntRange(0, 9).Draw(rt, "service"), scale: rapid.IntRange(0, 25).Draw(rt, "scale"),
		pool: rapid.IntRange(0, 9).Draw(rt, "pool"), grams: float64(50 * max(rapid.IntRange(-12, 4).Draw(rt, "grams"), 0)),
	}
}

// perform plays the script, and returns also where the next cycle would begin.
func perform(t testing.TB, w *world, script []step, edit func(*Scheduler)) (*diary, int) {
	t.Helper()
	var s *Scheduler
	c, d := w.startWith(t, func(h cluster.Host, seed uint64) (cluster.Scheduler, error) {
		config := w.config
		config.Seed = seed
		var err error
		if s, err = New(&config, h); err == nil && edit != nil {
			edit(s)
		}
		return s, err
	})
	defer c.Close()
	now := time.Duration(0)
	for _, x := range script {
		now += x.after
		d.runTo(now)
		if x.grams > 0 {
			c.SetIntensity(x.pool%len(w.cluster.Pools), x.grams)
			continue
		}
		c.Scale(x.service%len(w.cluster.Services), x.scale)
	}
	d.runTo(now + time.Hour)
	return d, *nextStart(s.Scheduler)
}

// generatedWorld draws a cluster, a configuration and services.
func generatedWorld(t testing.TB, rt *rapid.T) *world {
	t.Helper()
	w := newWorld(t, "Default")
	w.profile = generatedConfig(rt)
	var object map[string]any
	if err := yaml.Unmarshal([]byte(w.profile), &object); err != nil {
		t.Fatal(err)
	}
	configuration, problems := ParseConfig(object)
	if len(problems) > 0 {
		t.Fatalf("%v in\n%s", problems, w.profile)
	}
	w.config.Configuration = configuration
	w.config.SeededTies = rapid.Bool().Draw(rt, "seeded ties")
	w.config.Devices = rapid.Bool().Draw(rt, "devices")
	w.cluster.Pools, w.config.Pools, w.cluster.Services, w.config.Services = nil, nil, nil, nil
	few := rapid.Bool().Draw(rt, "few nodes")
	for i := range rapid.IntRange(1, 3).Draw(rt, "pools") {
		most := rapid.IntRange(1, 4).Draw(rt, "nodes")
		if !few {
			most *= 30
		}
		p := w.pool(t, fmt.Sprint("pool", i), rapid.SampledFrom([]string{"nvidia-a100-sxm4-80gb", "nvidia-t4"}).Draw(rt, "gpu"), rapid.IntRange(1, 4).Draw(rt, "GPUs"), most)
		p.Zone = rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "zone")
		for _, effect := range []string{"NoSchedule", "PreferNoSchedule"} {
			if rapid.IntRange(0, 3).Draw(rt, effect) == 0 {
				p.Taints = append(p.Taints, Taint{Key: "dedicated", Value: fmt.Sprint(i), Effect: effect})
			}
		}
		pool := &w.cluster.Pools[i]
		pool.Min = rapid.IntRange(0, most).Draw(rt, "least")
		pool.Initial = rapid.IntRange(pool.Min, most).Draw(rt, "initial")
	}
	for i := range rapid.IntRange(1, 4).Draw(rt, "services") {
		generatedService(t, rt, w, i)
	}
	w.cluster.Autoscaler = cluster.Autoscaler{
		Enabled: rapid.Bool().Draw(rt, "autoscale"), Underutilized: rapid.Bool().Draw(rt, "consolidate"), Expander: cluster.LeastWaste, ConsolidateAfter: time.Minute,
	}
	return w
}

func generatedService(t testing.TB, rt *rapid.T, w *world, i int) {
	s := w.service(fmt.Sprint("service", i), 1)
	if w.config.Devices {
		s.Units = rapid.SampledFrom([]int{1, 2, 4}).Draw(rt, "units")
		for k := range w.config.Pools {
			w.config.Pools[k].UnitsPerGPU = 4
			w.cluster.Services[i].Needs[k].Part = float64(s.Units) / 4
		}
	}
	var spec strings.Builder
	fmt.Fprintf(&spec, "priority: %d\n", rapid.SampledFrom([]int{0, 0, 0, -1, 10}).Draw(rt, "priority"))
	spec.WriteString(rapid.SampledFrom([]string{
		"containers: [{name: c, image: i}]\n",
		"containers: [{name: c, image: i, resources: {requests: {cpu: 7}}}]\n",
		"containers: [{name: c, image: i, resources: {requests: {cpu: 20, memory: 200Gi}}}]\n",
		"containers: [{name: c, image: i, ports: [{containerPort: 80, hostPort: 80}]}]\n",
	}).Draw(rt, "containers"))
	spec.WriteString(rapid.SampledFrom([]string{"", "tolerations: [{operator: Exists}]\n", "tolerations: [{key: dedicated, operator: Equal, value: '1'}]\n"}).Draw(rt, "tolerations"))
	spec.WriteString(rapid.SampledFrom([]string{"", "", "nodeSelector: {topology.kubernetes.io/zone: a}\n"}).Draw(rt, "selector"))
	spec.WriteString(rapid.SampledFrom(affinities).Draw(rt, "affinity"))
	spec.WriteString(rapid.SampledFrom(spreads).Draw(rt, "spread"))
	s.Template = template(t, spec.String())
	if rapid.IntRange(0, 3).Draw(rt, "budget") == 0 {
		s.MaxUnavailable, w.cluster.Services[i].Budget = "1", &cluster.Budget{MaxUnavailable: &units.Share{N: 1}}
	}
}

var affinities = []string{
	"", "", "",
	"affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 7, preference: {matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [b]}]}}]}}\n",
	"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [pool0-0]}]}]}}}\n",
	"affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: service0}}}]}}\n",
	"affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 9, podAffinityTerm: {topologyKey: topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: service1}}}}]}}\n",
}

var spreads = []string{
	"", "", "",
	"topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: service0}}}]\n",
	"topologySpreadConstraints: [{maxSkew: 2, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchExpressions: [{key: app, operator: Exists}]}}, {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway}]\n",
	"topologySpreadConstraints: [{maxSkew: 1, topologyKey: karpenter.sh/nodepool, whenUnsatisfiable: ScheduleAnyway, nodeTaintsPolicy: Honor, labelSelector: {matchLabels: {app: service0}}}]\n",
	"topologySpreadConstraints: [{maxSkew: 2, topologyKey: karpenter.sh/nodepool, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: service1}}}]\n",
}

// generatedConfig draws a KubeSchedulerConfiguration.
func generatedConfig(rt *rapid.T) string {
	header := "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
	if percent := rapid.SampledFrom([]int{-1, -1, 0, 1, 30, 100}).Draw(rt, "percentage"); percent >= 0 {
		header += fmt.Sprintf("percentageOfNodesToScore: %d\n", percent)
	}
	return header + rapid.SampledFrom([]string{
		"", "",
		"profiles: [{plugins: {multiPoint: {enabled: [{name: EnergyAware, weight: 100}]}}}]\n",
		"profiles: [{plugins: {multiPoint: {enabled: [{name: EnergyAware, weight: 9}]}}, pluginConfig: [{name: EnergyAware, args: {scoringStrategy: {type: InversePower}}}]}]\n",
		"profiles: [{plugins: {multiPoint: {enabled: [{name: CarbonAware, weight: 3}]}}, pluginConfig: [{name: CarbonAware, args: {pue: 1.3, embodiedGramsPerHour: 20}}]}]\n",
		"profiles: [{percentageOfNodesToScore: 60, pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: MostAllocated, resources: [{name: nvidia.com/gpu, weight: 5}, {name: cpu, weight: 1}]}}}]}]\n",
		"profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: RequestedToCapacityRatio, resources: [{name: nvidia.com/gpu, weight: 1}], requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 70, score: 10}, {utilization: 100, score: 3}]}}}}]}]\n",
		"profiles: [{pluginConfig: [{name: PodTopologySpread, args: {defaultingType: List, defaultConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway}]}}]}]\n",
		"profiles: [{pluginConfig: [{name: PodTopologySpread, args: {defaultingType: List, defaultConstraints: [{maxSkew: 2, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule}]}}]}]\n",
		"profiles: [{plugins: {score: {disabled: [{name: '*'}]}}}]\n",
		"profiles: [{plugins: {multiPoint: {disabled: [{name: PodTopologySpread}, {name: DefaultPreemption}]}}}]\n",
		"profiles: [{pluginConfig: [{name: NodeAffinity, args: {addedAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 2, preference: {matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [a]}]}}]}}}]}]\n",
	}).Draw(rt, "profile")
}
