package scheduler

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install" // the scheme decodes Deployments
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	corev1 "k8s.io/kubernetes/pkg/apis/core/v1"

	"github.com/kwatt-sim/kwatt/internal/kube/manifest"
	"github.com/kwatt-sim/kwatt/internal/policies"
)

// PodTemplate is a pod template that an API server would accept.
type PodTemplate struct {
	template v1.PodTemplateSpec
	selector map[string]string // of the Deployment; nil for a template of its own
}

var strictDecoder = serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict).UniversalDecoder()

// ParseDeployment returns the pod template of an apps/v1 Deployment, after
// upstream's strict decoding, defaulting and validation. Paths of problems are
// those in the Deployment.
func ParseDeployment(object map[string]any) (*PodTemplate, []policies.Problem) {
	decoded, problems := manifest.Decode(strictDecoder, object, "Deployment")
	if len(problems) > 0 {
		return nil, problems
	}
	d, ok := decoded.(*apps.Deployment)
	if !ok {
		return nil, []policies.Problem{{Path: "apiVersion", Message: fmt.Sprintf("want a Deployment of apps/v1, found %T", decoded)}}
	}
	d.Namespace = namespace
	options := podutil.GetValidationOptionsFromPodTemplate(&d.Spec.Template, nil)
	if errs := appsvalidation.ValidateDeployment(d, options); len(errs) > 0 {
		return nil, manifest.Problems(errs)
	}
	t := &PodTemplate{selector: d.Spec.Selector.MatchLabels}
	if err := corev1.Convert_core_PodTemplateSpec_To_v1_PodTemplateSpec(&d.Spec.Template, &t.template, nil); err != nil {
		return nil, []policies.Problem{{Path: "spec.template", Message: err.Error()}}
	}
	return t, t.unsupported("spec.template.")
}

// ParsePodTemplate returns a PodTemplateSpec that a Deployment could have.
// Paths of problems are those in the template.
func ParsePodTemplate(object map[string]any) (*PodTemplate, []policies.Problem) {
	const app = "service" // stands for the service's name where the template has no labels
	object = maps.Clone(object)
	meta, _ := object["metadata"].(map[string]any)
	labels, _ := meta["labels"].(map[string]any)
	if len(labels) == 0 {
		meta = maps.Clone(meta)
		if meta == nil {
			meta = map[string]any{}
		}
		labels = map[string]any{"app": app}
		meta["labels"] = labels
		object["metadata"] = meta
		defer func() { delete(labels, "app") }()
	}
	t, problems := ParseDeployment(map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": app},
		"spec": map[string]any{"selector": map[string]any{"matchLabels": labels}, "template": object},
	})
	for i := range problems {
		problems[i].Path = strings.TrimPrefix(problems[i].Path, "spec.template.")
	}
	if t != nil && t.template.Labels["app"] == app {
		t.template.Labels, t.selector = nil, nil
	}
	return t, problems
}

// Containers returns the names of the template's containers; of the default
// template for nil.
func (t *PodTemplate) Containers() []string {
	if t == nil {
		return []string{defaultContainer}
	}
	var names []string
	for _, c := range t.template.Spec.Containers {
		names = append(names, c.Name)
	}
	return names
}

// unsupported names what a template may have in a cluster but not here.
func (t *PodTemplate) unsupported(prefix string) []policies.Problem {
	var all []policies.Problem
	refuse := func(path, message, hint string) {
		all = append(all, policies.Problem{Path: prefix + path, Message: message, Hint: hint})
	}
	s := &t.template.Spec
	if len(s.SchedulingGates) > 0 {
		refuse("spec.schedulingGates", "nothing would ever remove a gate: the pods would wait for ever", "leave them out")
	}
	if slices.ContainsFunc(s.Volumes, func(v v1.Volume) bool { return v.PersistentVolumeClaim != nil || v.Ephemeral != nil }) {
		refuse("spec.volumes", "persistent volumes are not simulated", "leave them out: they do not bear on power or latency here")
	}
	if len(s.ResourceClaims) > 0 {
		refuse("spec.resourceClaims", "dynamic resource allocation is not simulated", "ask for nvidia.com/gpu")
	}
	if s.NodeName != "" {
		refuse("spec.nodeName", "a pod with a node passes the scheduler by", "use nodeSelector")
	}
	if len(namedNodes(s.Affinity)) > 1 {
		refuse("spec.affinity.nodeAffinity", "which of several nodes named by matchFields is looked at first kube-scheduler leaves to chance", "match a label")
	}
	known := map[string]int32{"": 0, "system-cluster-critical": 2000000000, "system-node-critical": 2000001000}
	priority, ok := known[s.PriorityClassName]
	switch {
	case s.Priority == nil && ok:
		s.Priority = &priority
	case s.Priority == nil:
		refuse("spec.priorityClassName", fmt.Sprintf("the value of PriorityClass %q is not known", s.PriorityClassName), "write spec.priority beside it")
	}
	return all
}

// namedNodes are the nodes that a required node affinity names by metadata.name.
func namedNodes(a *v1.Affinity) map[string]bool {
	names := map[string]bool{}
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return names
	}
	for _, term := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, field := range term.MatchFields {
			if field.Operator == v1.NodeSelectorOpIn {
				for _, name := range field.Values {
					names[name] = true
				}
			}
		}
	}
	return names
}
