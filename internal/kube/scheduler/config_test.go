package scheduler

import (
	"strings"
	"testing"

	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"sigs.k8s.io/yaml"
)

// parse reads a configuration in YAML, headed as a KubeSchedulerConfiguration.
func parse(t testing.TB, text string) (*Configuration, []string) {
	t.Helper()
	if !strings.Contains(text, "apiVersion:") {
		text = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n" + text
	}
	var object map[string]any
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	c, problems := ParseConfig(object)
	var all []string
	for _, p := range problems {
		all = append(all, p.Path+": "+p.Message)
	}
	return c, all
}

// configured is a world with this configuration.
func configured(t testing.TB, text string) *world {
	t.Helper()
	c, problems := parse(t, text)
	if len(problems) > 0 {
		t.Fatalf("%q\n%s", problems, text)
	}
	w := newWorld(t, "Default")
	w.config.Configuration = c
	return w
}

func TestBuiltinProfiles(t *testing.T) {
	for _, name := range Profiles() {
		c, err := Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.internal.Profiles) != 1 || !c.serves("default-scheduler") {
			t.Errorf("%s: %d profiles, of which none is the default scheduler's", name, len(c.internal.Profiles))
		}
	}
	if _, err := Builtin("BinPaking"); err == nil || err.Error() != `unknown scheduler profile "BinPaking": want one of Default, BinPacking, EnergyAware, CarbonAware` {
		t.Error(err)
	}
}

// A configuration that says nothing is kube-scheduler's own.
func TestConfigDefaults(t *testing.T) {
	c, problems := parse(t, "")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if c.internal.PodInitialBackoffSeconds != 1 || c.internal.PodMaxBackoffSeconds != 10 {
		t.Errorf("backoff from %d to %d s, want 1 to 10", c.internal.PodInitialBackoffSeconds, c.internal.PodMaxBackoffSeconds)
	}
	for _, x := range c.internal.Profiles[0].PluginConfig {
		switch args := x.Args.(type) {
		case *config.DefaultPreemptionArgs:
			if args.MinCandidateNodesPercentage != 10 || args.MinCandidateNodesAbsolute != 100 {
				t.Errorf("%+v", args)
			}
		case *config.NodeResourcesFitArgs:
			if args.ScoringStrategy.Type != config.LeastAllocated || len(args.ScoringStrategy.Resources) != 2 {
				t.Errorf("%+v", args.ScoringStrategy)
			}
		}
	}
}

// What kube-scheduler would not start with is refused, in its words.
func TestConfigProblems(t *testing.T) {
	for text, want := range map[string]string{
		"percentageOfNodesToscore: 5":                                                                           `percentageOfNodesToscore: unknown field "percentageOfNodesToscore"`,
		"profiles: [{plugins: {score: {enable: []}}}]":                                                          `profiles[0].plugins.score.enable: unknown field "profiles[0].plugins.score.enable"`,
		"kind: Deployment\napiVersion: apps/v1":                                                                 "kind: want a KubeSchedulerConfiguration, found Deployment",
		"apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration":                     `apiVersion: no kind "KubeSchedulerConfiguration" is registered for version "kubescheduler.config.k8s.io/v1beta3"`,
		"percentageOfNodesToScore: 101":                                                                         "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]",
		"podInitialBackoffSeconds: 0":                                                                           "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0",
		"podInitialBackoffSeconds: 20":                                                                          "podMaxBackoffSeconds: Invalid value: 10: must be greater than or equal to PodInitialBackoffSeconds",
		"profiles: [{}, {}]":                                                                                    `profiles[0].schedulerName: Required value`,
		"profiles: [{plugins: {score: {enabled: [{name: EnergyAwar}]}}}]":                                       "EnergyAwar",
		"profiles: [{plugins: {filter: {enabled: [{name: EnergyAware}]}}}]":                                     `plugin "EnergyAware" does not extend FilterPlugin plugin`,
		"profiles: [{plugins: {multiPoint: {disabled: [{name: PrioritySort}]}}}]":                               "queue sort",
		"profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: MostAllocatd}}}]}]": "scoringStrategy.type",
		"profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: RequestedToCapacityRatio, resources: [{name: cpu, weight: 1}], requestedToCapacityRatio: {shape: [{utilization: 50, score: 11}]}}}}]}]": "shape[0].score: Invalid value: 11: not in valid range [0, 10]",
		"profiles: [{plugins: {multiPoint: {enabled: [{name: EnergyAware}]}}, pluginConfig: [{name: EnergyAware, args: {wakeCosts: 1}}]}]":                                                                                          `args of plugin EnergyAware: json: unknown field "wakeCosts"`,
		"profiles: [{plugins: {multiPoint: {enabled: [{name: EnergyAware}]}}, pluginConfig: [{name: EnergyAware, args: {wakeCost: -1}}]}]":                                                                                          "args of plugin EnergyAware: wakeCost is -1, want 0 to 1000",
		"profiles: [{plugins: {multiPoint: {enabled: [{name: EnergyAware}]}}, pluginConfig: [{name: EnergyAware, args: {scoringStrategy: {type: Inverse}}}]}]":                                                                      `scoringStrategy.type is "Inverse", want one of [MarginalWatts InversePower InversePowerTruncated]`,
		"profiles: [{plugins: {multiPoint: {enabled: [{name: EnergyAware}]}}, pluginConfig: [{name: EnergyAware, args: {wakeCost: 1, scoringStrategy: {type: InversePower}}}]}]":                                                    "wakeCost belongs to scoringStrategy.type MarginalWatts",
		"profiles: [{plugins: {multiPoint: {enabled: [{name: CarbonAware}]}}, pluginConfig: [{name: CarbonAware, args: {pue: 0.9}}]}]":                                                                                              "args of plugin CarbonAware: pue is 0.9, want 1 to 10",
		"extenders: [{urlPrefix: http://127.0.0.1:1234, filterVerb: filter}]":                                                                                                                                                       "extenders: extenders are called over HTTP, which a simulation cannot do",
	} {
		_, problems := parse(t, text)
		if len(problems) == 0 || !strings.Contains(strings.Join(problems, "\n"), want) {
			t.Errorf("%s:\n%q\nwant %q", text, problems, want)
		}
	}
}

// Pods that ask for a scheduler that the configuration does not have would wait
// for ever.
func TestPodsOfAnUnknownScheduler(t *testing.T) {
	w := newWorld(t, "Default")
	w.config.Services[0].Template = template(t, "schedulerName: batch\ncontainers: [{name: c, image: i}]")
	if err := w.config.Check(); err == nil || err.Error() != `service ranker: its pods ask for the scheduler "batch", which the configuration has no profile for` {
		t.Error(err)
	}
}

// Each pod meets the profile that it asks for.
func TestSeveralProfiles(t *testing.T) {
	w := configured(t, `
profiles:
  - schedulerName: default-scheduler
  - schedulerName: pack
    pluginConfig:
      - {name: NodeResourcesFit, args: {scoringStrategy: {type: MostAllocated, resources: [{name: nvidia.com/gpu, weight: 1}]}}}
    plugins: {multiPoint: {enabled: [{name: NodeResourcesFit, weight: 100}]}}`)
	w.service("packed", 1).Template = template(t, "schedulerName: pack\ncontainers: [{name: c, image: i}]")
	c, d := w.start(t)
	c.Scale(0, 1)
	c.Scale(1, 1)
	d.expect(t, "0s ranker-1 on a100-0/0", "0s packed-1 on a100-0/1")
	c.Scale(1, 0)
	c.Scale(0, 2)
	d.expect(t, "0s ranker-2 on a100-1/0")
}

func TestScoringStrategies(t *testing.T) {
	const fit = "profiles: [{plugins: {score: {disabled: [{name: '*'}], enabled: [{name: NodeResourcesFit, weight: 1}]}}, pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {%}}}]}]"
	for strategy, want := range map[string][]string{
		"type: LeastAllocated, resources: [{name: nvidia.com/gpu, weight: 1}]": {"0s ranker-1 on a100-0/0", "0s ranker-2 on a100-1/0", "0s ranker-3 on a100-0/1"},
		"type: MostAllocated, resources: [{name: nvidia.com/gpu, weight: 1}]":  {"0s ranker-1 on a100-0/0", "0s ranker-2 on a100-0/1", "0s ranker-3 on a100-0/2"},
		// Half full is best.
		"type: RequestedToCapacityRatio, resources: [{name: nvidia.com/gpu, weight: 1}], requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 50, score: 10}, {utilization: 75, score: 0}]}": {
			"0s ranker-1 on a100-0/0", "0s ranker-2 on a100-0/1", "0s ranker-3 on a100-1/0"},
	} {
		w := configured(t, strings.Replace(fit, "%", strategy, 1))
		w.cluster.Pools, w.config.Pools = nil, nil
		w.cluster.Services[0].Needs = w.cluster.Services[0].Needs[:1]
		w.pool(t, "a100", "nvidia-a100-sxm4-80gb", 4, 2)
		w.cluster.Services[0].Needs = w.cluster.Services[0].Needs[:1]
		c, d := w.start(t)
		c.Scale(0, 3)
		t.Log(strategy)
		d.expect(t, want...)
	}
}

// Of two plugins that want different nodes the weights decide.
func TestWeights(t *testing.T) {
	for weights, want := range map[string]string{
		"[{name: NodeResourcesFit, weight: 1}, {name: NodeAffinity, weight: 5}]": "0s ranker-2 on a100-0/1",
		"[{name: NodeResourcesFit, weight: 5}, {name: NodeAffinity, weight: 1}]": "0s ranker-2 on a100-1/0",
	} {
		w := configured(t, "profiles: [{plugins: {score: {disabled: [{name: '*'}], enabled: "+weights+"}}, pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: LeastAllocated, resources: [{name: nvidia.com/gpu, weight: 1}]}}}]}]")
		w.config.Services[0].Template = template(t, `
containers: [{name: c, image: i}]
affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [a100-0]}]}}]}}`)
		c, d := w.start(t)
		c.Scale(0, 1)
		d.expect(t, "0s ranker-1 on a100-0/0")
		c.Scale(0, 2)
		d.expect(t, want)
	}
}

// A plugin that is turned off has no say.
func TestDisabledPlugins(t *testing.T) {
	for text, want := range map[string]string{
		"": "0s ranker-1: 0/2 nodes are available: 2 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
		"profiles: [{plugins: {multiPoint: {disabled: [{name: TaintToleration}]}}}]":   "0s ranker-1 on a100-0/0",
		"profiles: [{plugins: {filter: {disabled: [{name: TaintToleration}]}}}]":       "0s ranker-1 on a100-0/0",
		"profiles: [{plugins: {postFilter: {disabled: [{name: DefaultPreemption}]}}}]": "0s ranker-1: 0/2 nodes are available: 2 node(s) had untolerated taint(s). no new claims to deallocate",
	} {
		w := configured(t, text)
		w.config.Pools[0].Taints = []Taint{{Key: "dedicated", Value: "x", Effect: "NoSchedule"}}
		c, d := w.start(t)
		c.Scale(0, 1)
		d.expect(t, want)
	}
}
