package hpa

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install" // the scheme decodes HorizontalPodAutoscalers
	"k8s.io/kubernetes/pkg/apis/autoscaling/validation"

	"github.com/kwatt-sim/kwatt/internal/kube/manifest"
	"github.com/kwatt-sim/kwatt/internal/policies"
)

// decoder reads objects strictly and fills in upstream's defaults.
var decoder = serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict).UniversalDecoder()

// check says what the API server would refuse, in its words, and then what
// kwatt cannot serve.
func (c *Config) check() []policies.Problem {
	switch {
	case c.File != "" && c.Spec != nil:
		return []policies.Problem{{Path: "spec", Message: "manifest and spec are both set", Hint: "keep one of them"}}
	case c.File == "" && c.Spec == nil:
		return []policies.Problem{{Message: "neither manifest nor spec is set", Hint: "name a manifest file or write a spec"}}
	}
	_, problems := c.read()
	return problems
}

// read returns the object with its defaults, as autoscaling/v2, or all that is
// wrong with it.
func (c *Config) read() (*autoscalingv2.HorizontalPodAutoscaler, []policies.Problem) {
	object, prefix, problems := c.find()
	if len(problems) > 0 {
		return nil, problems
	}
	out, problems := readObject(object, c.served)
	for i := range problems {
		problems[i].Path = prefix + problems[i].Path
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return out, nil
}

// find returns the object that is configured, and what stands before paths in it.
func (c *Config) find() (object map[string]any, prefix string, problems []policies.Problem) {
	if c.Spec == nil {
		return fromList(c.object)
	}
	spec := maps.Clone(c.Spec)
	if _, ok := spec["scaleTargetRef"]; !ok {
		spec["scaleTargetRef"] = map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": "service"}
	}
	return map[string]any{"apiVersion": "autoscaling/v2", "kind": kind, "metadata": map[string]any{"name": "inline"}, "spec": spec}, "", nil
}

const kind = "HorizontalPodAutoscaler"

// fromList returns the one autoscaler of a list, such as kubectl get prints
// without a name and kubectl apply takes; an object that is no list as it is.
func fromList(object map[string]any) (_ map[string]any, prefix string, problems []policies.Problem) {
	if is := object["kind"]; is != "List" && is != kind+"List" {
		return object, "", nil
	}
	items, _ := object["items"].([]any)
	var found []int
	for i, x := range items {
		if item, ok := x.(map[string]any); ok && (item["kind"] == kind || object["kind"] == kind+"List") {
			found = append(found, i)
		}
	}
	if len(found) != 1 {
		return nil, "", []policies.Problem{{Path: "items", Message: fmt.Sprintf("want one %s, found %d", kind, len(found)), Hint: "keep the one that scales the service"}}
	}
	item := items[found[0]].(map[string]any)
	if item["kind"] == nil { // the items of a typed list may go without
		item = maps.Clone(item)
		item["kind"], item["apiVersion"] = kind, object["apiVersion"]
	}
	return item, fmt.Sprintf("items[%d].", found[0]), nil
}

// readObject does what the API server does to a new object, and looks for what
// kwatt cannot serve. All that can be found at once is.
func readObject(object map[string]any, served []Metric) (*autoscalingv2.HorizontalPodAutoscaler, []policies.Problem) {
	decoded, problems := manifest.Decode(decoder, object, kind)
	if decoded == nil {
		if bad := quantities(object["spec"], "spec"); len(bad) > 0 {
			return nil, bad // the decoder tells of one, and not where
		}
		return nil, hinted(problems, nil)
	}
	internal, ok := decoded.(*autoscaling.HorizontalPodAutoscaler)
	if !ok {
		return nil, []policies.Problem{{Path: "apiVersion", Message: fmt.Sprintf("want a %s of autoscaling/v2, found %T", kind, decoded)}}
	}
	if internal.Namespace == "" {
		internal.Namespace = namespace
	}
	internal.Status = autoscaling.HorizontalPodAutoscalerStatus{}
	problems = append(problems, manifest.Problems(validation.ValidateHorizontalPodAutoscaler(internal, options(internal)))...)
	problems = hinted(problems, internal.Spec.Metrics)
	out := &autoscalingv2.HorizontalPodAutoscaler{}
	if err := legacyscheme.Scheme.Convert(internal, out, nil); err != nil {
		return nil, append(problems, policies.Problem{Message: err.Error()})
	}
	legacyscheme.Scheme.Default(out) // v1 has a behavior in an annotation, without defaults
	return out, append(problems, serveable(out, served)...)
}

// quantities finds what does not read as one, in upstream's words.
func quantities(v any, path string) (bad []policies.Problem) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			target := strings.HasSuffix(path, ".target") && (key == "value" || key == "averageValue")
			if text, ok := v[key].(string); ok && (target || strings.HasPrefix(path, "spec.behavior.") && key == "tolerance") {
				if _, err := resource.ParseQuantity(text); err != nil {
					bad = append(bad, policies.Problem{Path: path + "." + key, Message: err.Error(), Hint: `write 250m, 0.25 or "250"`})
				}
			}
			bad = append(bad, quantities(v[key], path+"."+key)...)
		}
	case []any:
		for i, x := range v {
			bad = append(bad, quantities(x, fmt.Sprintf("%s[%d]", path, i))...)
		}
	}
	return bad
}

// options are those of the API server for a new object
// (pkg/registry/autoscaling/horizontalpodautoscaler).
func options(a *autoscaling.HorizontalPodAutoscaler) validation.HorizontalPodAutoscalerSpecValidationOptions {
	return validation.HorizontalPodAutoscalerSpecValidationOptions{
		MinReplicasLowerBound:           1,
		ScaleTargetRefValidationOptions: validation.CrossVersionObjectReferenceValidationOptions{AllowEmptyAPIGroup: a.Spec.ScaleTargetRef.Kind == "ReplicationController"},
		ObjectMetricsValidationOptions:  validation.CrossVersionObjectReferenceValidationOptions{AllowEmptyAPIGroup: true},
	}
}

// hinted says how to put faults right where upstream's messages do not.
func hinted(problems []policies.Problem, metrics []autoscaling.MetricSpec) []policies.Problem {
	for i := range problems {
		if p := &problems[i]; p.Hint == "" {
			p.Hint = hintFor(p.Path, metrics)
		}
	}
	return problems
}

func hintFor(path string, metrics []autoscaling.MetricSpec) string {
	for i, m := range metrics {
		if m.Pods != nil && m.Pods.Target.Type == autoscaling.UtilizationMetricType && strings.HasPrefix(path, fmt.Sprintf("spec.metrics[%d].pods.target", i)) {
			return "use AverageValue"
		}
	}
	switch {
	case path == "apiVersion":
		return "write apiVersion: autoscaling/v2"
	case strings.HasSuffix(path, "minReplicas"):
		return "scale to zero needs Kubernetes' alpha feature HPAScaleToZero, which is off"
	case strings.HasSuffix(path, ".value") && strings.Contains(path, "policies"):
		return "use selectPolicy: Disabled to forbid scaling in this direction"
	}
	return ""
}
