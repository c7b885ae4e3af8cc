package hpa

import (
	"fmt"
	"maps"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
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

// read returns the object with its defaults.
func (c *Config) read() (*autoscalingv2.HorizontalPodAutoscaler, []policies.Problem) {
	object := c.object
	if c.Spec != nil {
		spec := maps.Clone(c.Spec)
		if _, ok := spec["scaleTargetRef"]; !ok {
			spec["scaleTargetRef"] = map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": "service"}
		}
		object = map[string]any{"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": map[string]any{"name": "inline"}, "spec": spec}
	}
	decoded, problems := manifest.Decode(decoder, object, "HorizontalPodAutoscaler")
	if len(problems) > 0 {
		return nil, problems
	}
	internal, ok := decoded.(*autoscaling.HorizontalPodAutoscaler)
	if !ok {
		return nil, []policies.Problem{{Path: "apiVersion", Message: fmt.Sprintf("want a HorizontalPodAutoscaler of autoscaling/v2, found %T", decoded)}}
	}
	if internal.Namespace == "" {
		internal.Namespace = namespace
	}
	internal.Status = autoscaling.HorizontalPodAutoscalerStatus{}
	problems = manifest.Problems(validation.ValidateHorizontalPodAutoscaler(internal, options(internal)))
	for i := range problems {
		problems[i].Hint = hintFor(problems[i], internal)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	out := &autoscalingv2.HorizontalPodAutoscaler{}
	if err := legacyscheme.Scheme.Convert(internal, out, nil); err != nil {
		return nil, []policies.Problem{{Message: err.Error()}}
	}
	if problems := serveable(out); len(problems) > 0 {
		return nil, problems
	}
	return out, nil
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

// hintFor says how to put a fault right where upstream's message does not.
func hintFor(p policies.Problem, a *autoscaling.HorizontalPodAutoscaler) string {
	for i, m := range a.Spec.Metrics {
		if m.Pods != nil && m.Pods.Target.Type == autoscaling.UtilizationMetricType && strings.HasPrefix(p.Path, fmt.Sprintf("spec.metrics[%d].pods.target", i)) {
			return "use AverageValue"
		}
	}
	switch {
	case strings.HasSuffix(p.Path, "minReplicas"):
		return "scale to zero needs Kubernetes' alpha feature HPAScaleToZero, which is off"
	case strings.HasSuffix(p.Path, ".value") && strings.Contains(p.Path, "policies"):
		return "use selectPolicy: Disabled to forbid scaling in this direction"
	}
	return ""
}
