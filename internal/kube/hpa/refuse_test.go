package hpa

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	configv1alpha1 "k8s.io/kube-controller-manager/config/v1alpha1"
	upstream "k8s.io/kubernetes/pkg/controller/podautoscaler/config/v1alpha1"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// What the API server refuses is refused with its message; what kwatt cannot
// serve, with what it can. A hint stands where upstream's message has none.
func TestRefusals(t *testing.T) {
	metrics := func(m string) string { return "{maxReplicas: 9, metrics: [" + m + "]}" }
	behavior := func(b string) string { return "{maxReplicas: 9, metrics: [" + metric + "], behavior: " + b + "}" }
	for _, c := range []struct{ name, spec, want string }{
		{"scale to zero", "{minReplicas: 0, maxReplicas: 9, metrics: [{type: External, external: {metric: {name: service_requests_per_second}, target: {type: Value, value: 1}}}]}",
			"spec.minReplicas: Invalid value: 0: must be greater than or equal to 1 (hint: scale to zero needs Kubernetes' alpha feature HPAScaleToZero, which is off)\n"},
		{"bounds", "{minReplicas: 9, maxReplicas: 2, metrics: [" + metric + "]}", "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`\n"},
		{"no bounds", "{metrics: [" + metric + "]}", "spec.maxReplicas: Required value: must be set and greater than 0\nspec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`\n"},
		{"utilization of pods", metrics("{type: Pods, pods: {metric: {name: requests_per_second}, target: {type: Utilization, averageUtilization: 60}}}"),
			"spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue (hint: use AverageValue)\n"},
		{"target of nothing", metrics("{type: Pods, pods: {metric: {name: requests_per_second}, target: {type: AverageValue, averageValue: 0}}}"),
			"spec.metrics[0].pods.target.averageValue: Invalid value: \"0\": must be positive\n"},
		{"two targets", metrics("{type: External, external: {metric: {name: service_requests_per_second}, target: {type: Value, value: 1, averageValue: 1}}}"),
			"spec.metrics[0].external.target.value: Forbidden: may not set both a target value for metric and a per-pod target\n"},
		{"other member", metrics("{type: Pods, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}"),
			"spec.metrics[0].pods: Required value: must populate information for the given metric source\n"},
		{"unknown type", metrics("{type: Custom}"), "spec.metrics[0].type: Unsupported value: \"Custom\": supported values: \"ContainerResource\", \"External\", \"Object\", \"Pods\", \"Resource\"\n" +
			"spec.metrics[0].type: Unsupported value: \"Custom\": supported values: \"ContainerResource\", \"External\", \"Object\", \"Pods\", \"Resource\"\n"},
		{"policy of nothing", behavior("{scaleUp: {policies: [{type: Pods, value: 0, periodSeconds: 60}]}}"),
			"spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero (hint: use selectPolicy: Disabled to forbid scaling in this direction)\n"},
		{"no policies", behavior("{scaleUp: {policies: []}}"), "spec.behavior.scaleUp.policies: Required value: must specify at least one Policy\n"},
		{"long times", behavior("{scaleDown: {stabilizationWindowSeconds: 3601, policies: [{type: Percent, value: 10, periodSeconds: 1801}]}}"),
			"spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600\n" +
				"spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800\n"},
		{"select policy", behavior("{scaleDown: {selectPolicy: None}}"), "spec.behavior.scaleDown.selectPolicy: Unsupported value: \"None\": supported values: \"Disabled\", \"Max\", \"Min\"\n"},
		{"tolerance", behavior("{scaleDown: {tolerance: -0.1}}"), "spec.behavior.scaleDown.tolerance: Invalid value: \"-100m\": must be greater than or equal to 0\n"},
		{"target of the v1 group", "{scaleTargetRef: {kind: Deployment, name: ranker}, maxReplicas: 9, metrics: [" + metric + "]}",
			"spec.scaleTargetRef.apiVersion: Invalid value: \"\": apiVersion must specify API group\n"},
		{"quantities", "{maxReplicas: 9, metrics: [{type: Pods, pods: {metric: {name: requests_per_second}, target: {type: AverageValue, averageValue: 4oo}}}], behavior: {scaleUp: {tolerance: 5%}}}",
			"spec.behavior.scaleUp.tolerance: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' (hint: write 250m, 0.25 or \"250\")\n" +
				"spec.metrics[0].pods.target.averageValue: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' (hint: write 250m, 0.25 or \"250\")\n"},
		{"wrong type", "{maxReplicas: ten}", "spec.maxReplicas: json: cannot unmarshal string into Go struct field HorizontalPodAutoscalerSpec.spec.maxReplicas of type int32\n"},
		{"unknown pod metric", metrics("{type: Pods, pods: {metric: {name: rps}, target: {type: AverageValue, averageValue: 400}}}"),
			"spec.metrics[0].pods.metric.name: unknown metric \"rps\": want one of " + names(PodMetrics()) + "\n"},
		{"service's metric of a pod", metrics("{type: External, external: {metric: {name: requests_per_second}, target: {type: Value, value: 1}}}"),
			"spec.metrics[0].external.metric.name: unknown metric \"requests_per_second\": want one of " + names(ServiceMetrics()) + "\n"},
		{"unknown resource", metrics("{type: ContainerResource, containerResource: {name: memory, container: server, target: {type: Utilization, averageUtilization: 60}}}"),
			"spec.metrics[0].containerResource.name: unknown resource \"memory\": want cpu or nvidia.com/gpu\n"},
		{"selectors", metrics("{type: Pods, pods: {metric: {name: requests_per_second, selector: {matchLabels: {zone: a, verb: GET}, matchExpressions: [{key: verb, operator: Exists}]}}, target: {type: AverageValue, averageValue: 400}}}"),
			"spec.metrics[0].pods.metric.selector: match expressions are not offered (hint: use matchLabels: {service: NAME} or no selector)\n" +
				"spec.metrics[0].pods.metric.selector: simulated metrics carry no label \"verb\" (hint: use matchLabels: {service: NAME} or no selector)\n" +
				"spec.metrics[0].pods.metric.selector: simulated metrics carry no label \"zone\" (hint: use matchLabels: {service: NAME} or no selector)\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if have := lines(configOf(t, "spec: "+c.spec).check()); have != c.want {
				t.Errorf("have\n%swant\n%s", have, c.want)
			}
		})
	}
}

// One look at a manifest finds all that is wrong with it: unknown fields, what
// validation refuses, what kwatt cannot serve. Paths in a list begin with its item.
func TestAllFaultsAtOnce(t *testing.T) {
	const faulty = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: Ranker, lables: {}}\nspec:\n" +
		"  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ranker}\n  minReplicas: 0\n  maxReplicas: 9\n" +
		"  metrics: [{type: Pods, pods: {metric: {name: rps}, target: {type: Utilization, averageUtilisation: 60}}}]\n"
	want := []string{
		`metadata.lables: unknown field "metadata.lables"`,
		`metadata.name: Invalid value: "Ranker"`,
		"spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas",
		`spec.metrics[0].pods.metric.name: unknown metric "rps"`,
		"spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue (hint: use AverageValue)",
		`spec.metrics[0].pods.target.averageUtilisation: unknown field "spec.metrics[0].pods.target.averageUtilisation"`,
		"spec.minReplicas: Invalid value: 0: must be greater than or equal to 1 (hint: scale to zero",
	}
	for prefix, text := range map[string]string{"": faulty, "items[0].": "apiVersion: v1\nkind: List\nitems:\n- " + strings.TrimPrefix(indent(faulty, "  "), "  ")} {
		have := strings.Split(strings.TrimSpace(lines(manifestOf(t, text).check())), "\n")
		if len(have) != len(want) {
			t.Errorf("%d faults, want %d", len(have), len(want))
		}
		for _, w := range want {
			if !slices.ContainsFunc(have, func(h string) bool { return strings.HasPrefix(h, prefix+w) }) {
				t.Errorf("no fault %s%s in\n%s", prefix, w, strings.Join(have, "\n"))
			}
		}
	}
}

// Objects that are no HorizontalPodAutoscaler, or not quite.
func TestOtherObjects(t *testing.T) {
	item := "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: a}, spec: {}}"
	for _, c := range []struct{ name, text, want string }{
		{"another kind", "{apiVersion: apps/v1, kind: Deployment}", "kind: want a HorizontalPodAutoscaler, found Deployment\n"},
		{"no kind", "{apiVersion: autoscaling/v2, spec: {maxReplicas: 9}}", "kind: Object 'Kind' is missing (hint: head the file with apiVersion and kind)\n"},
		{"no version", "{kind: HorizontalPodAutoscaler}", "apiVersion: Object 'apiVersion' is missing (hint: head the file with apiVersion and kind)\n"},
		{"an old version", "{apiVersion: autoscaling/v2beta2, kind: HorizontalPodAutoscaler}",
			"apiVersion: no kind \"HorizontalPodAutoscaler\" is registered for version \"autoscaling/v2beta2\" in scheme \"pkg/runtime/scheme.go:111\" (hint: write apiVersion: autoscaling/v2)\n"},
		{"two in a list", "{apiVersion: v1, kind: List, items: [" + item + ", " + item + "]}", "items: want one HorizontalPodAutoscaler, found 2 (hint: keep the one that scales the service)\n"},
		{"none in a list", "{apiVersion: v1, kind: List, items: [{kind: Service}]}", "items: want one HorizontalPodAutoscaler, found 0 (hint: keep the one that scales the service)\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if have := lines(manifestOf(t, c.text).check()); have != c.want {
				t.Errorf("have\n%swant\n%s", have, c.want)
			}
		})
	}
}

func TestExactlyOneOfManifestAndSpec(t *testing.T) {
	both := configOf(t, "{manifest: hpa.yaml, spec: {maxReplicas: 9}}")
	if have := lines(both.check()); have != "spec: manifest and spec are both set (hint: keep one of them)\n" {
		t.Error(have)
	}
	if have := lines(newConfig().(*Config).check()); have != ": neither manifest nor spec is set (hint: name a manifest file or write a spec)\n" {
		t.Error(have)
	}
}

// What a metric wants of the service that it does not have.
func TestSuits(t *testing.T) {
	cpuOf := func(container string) string {
		return "{type: ContainerResource, containerResource: {name: cpu, container: " + container + ", target: {type: Utilization, averageUtilization: 60}}}"
	}
	selecting := func(source, labels string) string {
		return map[string]string{
			"pods":     "{type: Pods, pods: {metric: {name: requests_per_second, selector: {matchLabels: {" + labels + "}}}, target: {type: AverageValue, averageValue: 400}}}",
			"external": "{type: External, external: {metric: {name: service_requests_per_second, selector: {matchLabels: {" + labels + "}}}, target: {type: Value, value: 400}}}",
			"object":   "{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: ranker}, metric: {name: service_requests_per_second, selector: {matchLabels: {" + labels + "}}}, target: {type: Value, value: 400}}}",
		}[source]
	}
	without := model()
	without.HasCPU = false
	other := `.metric.selector: the selector names service "other", the scaler is for "ranker" (hint: use scalers to give each service its own)` + "\n"
	for _, c := range []struct {
		name, metric string
		model        policies.Model
		want         string
	}{
		{"all is there", cpuOf("proxy"), model(), ""},
		{"no CPU", "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}", without,
			"spec.metrics[0].resource.name: service ranker states no CPU use to scale on (hint: set the service's cpu field, or choose another metric)\n"},
		{"GPU without CPU", "{type: Resource, resource: {name: nvidia.com/gpu, target: {type: Utilization, averageUtilization: 60}}}", without, ""},
		{"no container", cpuOf("sidecar"), model(), "spec.metrics[0].containerResource.container: the pods of service ranker have no container \"sidecar\"\n"},
		{"own service", selecting("pods", "service: ranker"), model(), ""},
		{"other service, pods", selecting("pods", "service: other"), model(), "spec.metrics[0].pods" + other},
		{"other service, external", selecting("external", "service: other"), model(), "spec.metrics[0].external" + other},
		{"other service, object", selecting("object", "service: other"), model(), "spec.metrics[0].object" + other},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := configOf(t, "spec: {maxReplicas: 9, metrics: ["+c.metric+"]}")
			if have := lines(config.suits(c.model)); have != c.want {
				t.Errorf("have\n%swant\n%s", have, c.want)
			}
			if _, err := NewScaler(config, c.model); (err != nil) != (c.want != "") {
				t.Errorf("NewScaler: %v", err)
			}
		})
	}
}

// The defaults of the flags are those of kube-controller-manager.
func TestFlagsAreUpstreams(t *testing.T) {
	var want configv1alpha1.HPAControllerConfiguration
	upstream.RecommendedDefaultHPAControllerConfiguration(&want)
	c := newConfig().(*Config)
	have := configv1alpha1.HPAControllerConfiguration{
		ConcurrentHorizontalPodAutoscalerSyncs:              want.ConcurrentHorizontalPodAutoscalerSyncs,
		HorizontalPodAutoscalerSyncPeriod:                   metav1.Duration{Duration: c.SyncPeriod.D()},
		HorizontalPodAutoscalerDownscaleStabilizationWindow: metav1.Duration{Duration: c.DownscaleStabilization.D()},
		HorizontalPodAutoscalerTolerance:                    c.Tolerance,
		HorizontalPodAutoscalerCPUInitializationPeriod:      metav1.Duration{Duration: c.CPUInitializationPeriod.D()},
		HorizontalPodAutoscalerInitialReadinessDelay:        metav1.Duration{Duration: c.InitialReadinessDelay.D()},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("- kube-controller-manager, + kwatt\n%s", diff)
	}
}
