package hpa

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

// manifestOf makes the configuration that names a manifest file with this text.
func manifestOf(t *testing.T, text string) *Config {
	t.Helper()
	object, _, errs := schema.DecodeOpen([]byte(text), "test")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	c := newConfig().(*Config)
	c.File = "test"
	c.SetManifest(object)
	return c
}

func lines(problems []policies.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%s: %s", p.Path, p.Message)
		if p.Hint != "" {
			fmt.Fprintf(&b, " (hint: %s)", p.Hint)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

const (
	top    = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: ranker}\nspec:\n"
	head   = top + "  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ranker}\n"
	metric = "{type: Pods, pods: {metric: {name: requests_per_second}, target: {type: AverageValue, averageValue: \"400\"}}}"
)

// What kubectl prints can be given back to it, and to kwatt: what the API server
// sets itself is taken and left.
func TestWhatKubectlPrints(t *testing.T) {
	text, err := os.ReadFile("testdata/kubectl-get.yaml")
	if err != nil {
		t.Fatal(err)
	}
	plain := head + "  minReplicas: 2\n  maxReplicas: 20\n  metrics: [" + metric + "]\n  behavior: {scaleDown: {stabilizationWindowSeconds: 120}}\n"
	want, problems := manifestOf(t, plain).read()
	if problems != nil {
		t.Fatal(lines(problems))
	}
	list := "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: \"\"}\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: ranker}}\n- " + strings.ReplaceAll(string(text), "\n", "\n  ")
	typed := "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscalerList\nitems:\n- metadata: {name: ranker}\n  spec:\n" +
		indent(strings.TrimPrefix(plain, top), "  ")
	for name, manifest := range map[string]string{"object": string(text), "list": list, "typed list": typed} {
		t.Run(name, func(t *testing.T) {
			have, problems := manifestOf(t, manifest).read()
			if problems != nil {
				t.Fatal(lines(problems))
			}
			if diff := cmp.Diff(want.Spec, have.Spec); diff != "" {
				t.Errorf("- as written, + as printed\n%s", diff)
			}
		})
	}
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

// An autoscaling/v1 object is converted as the API server converts it.
func TestVersion1(t *testing.T) {
	v1 := func(annotations, spec string) string {
		return "{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: ranker, annotations: {" + annotations + "}}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ranker}, maxReplicas: 5" + spec + "}}"
	}
	for _, c := range []struct{ name, old, spec string }{
		{"target", v1("", ", minReplicas: 2, targetCPUUtilizationPercentage: 60"), "  minReplicas: 2\n  maxReplicas: 5\n  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]\n"},
		{"no target", v1("", ""), "  maxReplicas: 5\n  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]\n"},
		{"annotations", v1(`autoscaling.alpha.kubernetes.io/metrics: '[{"type":"Pods","pods":{"metricName":"requests_per_second","targetAverageValue":"400"}}]', `+
			`autoscaling.alpha.kubernetes.io/behavior: '{"ScaleUp":{"Policies":[{"Type":"Pods","Value":1,"PeriodSeconds":60}]}}'`, ""),
			"  maxReplicas: 5\n  metrics: [" + metric + "]\n  behavior: {scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 60}]}}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, problems := manifestOf(t, head+c.spec).read()
			if problems != nil {
				t.Fatal(lines(problems))
			}
			have, problems := manifestOf(t, c.old).read()
			if problems != nil {
				t.Fatal(lines(problems))
			}
			if diff := cmp.Diff(want.Spec, have.Spec); diff != "" {
				t.Errorf("- v2, + v1\n%s", diff)
			}
		})
	}
}

// An inline spec need not name its target; everything else is as in a file.
func TestInlineSpec(t *testing.T) {
	c := configOf(t, "spec: {maxReplicas: 20, metrics: ["+metric+"]}")
	a, problems := c.read()
	if problems != nil {
		t.Fatal(lines(problems))
	}
	if *a.Spec.MinReplicas != 1 || a.Spec.ScaleTargetRef.Kind != "Deployment" || a.Namespace != "default" {
		t.Errorf("%+v", a)
	}
	if c.Spec["scaleTargetRef"] != nil {
		t.Error("reading the spec changed it")
	}
	if problems := c.check(); problems != nil {
		t.Error(lines(problems))
	}
}

// Kubernetes' defaults fill in what a behavior leaves out.
func TestDefaults(t *testing.T) {
	a, problems := configOf(t, "spec: {maxReplicas: 20, behavior: {scaleUp: {selectPolicy: Min}}}").read()
	if problems != nil {
		t.Fatal(lines(problems))
	}
	up, down := a.Spec.Behavior.ScaleUp, a.Spec.Behavior.ScaleDown
	wantUp := []autoscalingv2.HPAScalingPolicy{{Type: "Pods", Value: 4, PeriodSeconds: 15}, {Type: "Percent", Value: 100, PeriodSeconds: 15}}
	wantDown := []autoscalingv2.HPAScalingPolicy{{Type: "Percent", Value: 100, PeriodSeconds: 15}}
	if diff := cmp.Diff(wantUp, up.Policies) + cmp.Diff(wantDown, down.Policies); diff != "" {
		t.Error(diff)
	}
	if *up.StabilizationWindowSeconds != 0 || *up.SelectPolicy != "Min" || down.StabilizationWindowSeconds != nil || *down.SelectPolicy != "Max" {
		t.Errorf("%+v\n%+v", up, down)
	}
	if r := a.Spec.Metrics[0].Resource; r.Name != "cpu" || *r.Target.AverageUtilization != 80 {
		t.Errorf("without metrics: %+v, want 80 %% of the CPU", r)
	}
}

// The window that a behavior leaves out is the controller's flag, cut to seconds.
func TestScaleDownWindowOfTheFlag(t *testing.T) {
	c := configOf(t, "{downscaleStabilization: 90500ms, spec: {maxReplicas: 20, metrics: ["+metric+"], behavior: {}}}")
	s, err := NewScaler(c, model())
	if err != nil {
		t.Fatal(err)
	}
	if window := *s.object.Spec.Behavior.ScaleDown.StabilizationWindowSeconds; window != 90 {
		t.Errorf("%d s", window)
	}
}
