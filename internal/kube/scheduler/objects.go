package scheduler

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/core"
	corev1 "k8s.io/kubernetes/pkg/apis/core/v1"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"

	"github.com/kwatt-sim/kwatt/internal/kube/manifest"
	"github.com/kwatt-sim/kwatt/internal/kube/plugins/power"
	"github.com/kwatt-sim/kwatt/internal/policies"
)

// namespace of all pods.
const namespace = "default"

// The labels that NVIDIA's GPU feature discovery sets, and the resource that
// its device plugin advertises.
const (
	gpuResource   = "nvidia.com/gpu"
	labelPresent  = "nvidia.com/gpu.present"
	labelProduct  = "nvidia.com/gpu.product"
	labelCount    = "nvidia.com/gpu.count"
	labelReplicas = "nvidia.com/gpu.replicas"
)

// Taint of a node.
type Taint struct{ Key, Value, Effect string }

// Watts are what a pool's nodes draw; see package power for their meaning.
type Watts struct{ Base, Empty, Bare, Context, Busy float64 }

// Pool is a node pool as its Node objects show it.
type Pool struct {
	Name, Zone, Product      string
	Resource                 string         // that stands for its devices; "" is nvidia.com/gpu
	GPUsPerNode, UnitsPerGPU int            // units of the resource; more than 1 is time-slicing
	MIG                      map[string]int // slices per GPU by profile
	CPU, Memory              string         // quantities
	Labels                   map[string]string
	Taints                   []Taint
	Watts                    Watts
}

// Check returns what an API server would not accept of the pool's nodes, with
// paths in the pool: labels, taints[0].key, memory, zone.
func (p Pool) Check() []policies.Problem {
	var all []policies.Problem
	for _, q := range []struct{ path, text string }{{"cpu", p.CPU}, {"memory", p.Memory}} {
		if v, err := resource.ParseQuantity(q.text); err != nil {
			all = append(all, policies.Problem{Path: q.path, Message: fmt.Sprintf("%q: %v", q.text, err), Hint: "for example 512Gi"})
		} else if v.Sign() < 0 {
			all = append(all, policies.Problem{Path: q.path, Message: fmt.Sprintf("must not be negative, found %s", q.text)})
		}
	}
	errs := metavalidation.ValidateLabels(p.Labels, field.NewPath("labels"))
	if p.Zone != "" {
		errs = append(errs, metavalidation.ValidateLabels(map[string]string{v1.LabelTopologyZone: p.Zone}, field.NewPath("zone"))...)
	}
	var taints []core.Taint
	for _, t := range p.Taints {
		taints = append(taints, core.Taint{Key: t.Key, Value: t.Value, Effect: core.TaintEffect(t.Effect)})
	}
	errs = append(errs, validateTaints(taints)...)
	all = append(all, manifest.Problems(errs)...)
	for _, key := range slices.Sorted(maps.Keys(p.Labels)) {
		if strings.HasPrefix(key, "nvidia.com/gpu") || key == v1.LabelHostname || key == v1.LabelTopologyZone {
			all = append(all, policies.Problem{Path: "labels." + key, Message: "is set by kwatt from the pool's other fields", Hint: "leave it out"})
		}
	}
	return all
}

// validateTaints asks upstream's validation of Node objects.
func validateTaints(taints []core.Taint) field.ErrorList {
	errs := corevalidation.ValidateNode(&core.Node{ObjectMeta: metav1.ObjectMeta{Name: "node"}, Spec: core.NodeSpec{Taints: taints}})
	for _, e := range errs {
		e.Field = strings.TrimPrefix(strings.TrimPrefix(e.Field, "spec."), "metadata.")
	}
	return errs
}

// node returns the Node object called name.
func (p Pool) node(name string, intensity float64) *v1.Node {
	n := &v1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: types.UID(name), ResourceVersion: "1",
			Labels: map[string]string{
				v1.LabelHostname: name, v1.LabelOSStable: "linux", v1.LabelArchStable: "amd64", v1.LabelInstanceTypeStable: p.Name,
				"karpenter.sh/nodepool": p.Name,
			},
			Annotations: map[string]string{
				power.NodeBase: watts(p.Watts.Base), power.NodeEmpty: watts(p.Watts.Empty), power.GPUBare: watts(p.Watts.Bare),
				power.GPUContext: watts(p.Watts.Context), power.GPUBusy: watts(p.Watts.Busy), power.Intensity: watts(intensity),
			},
		},
	}
	device := resourceOf(p.Resource)
	if device == gpuResource { // what NVIDIA's feature discovery finds
		maps.Copy(n.Labels, map[string]string{
			labelPresent: "true", labelProduct: p.Product, labelCount: strconv.Itoa(p.GPUsPerNode), labelReplicas: strconv.Itoa(max(p.UnitsPerGPU, 1)),
		})
	} else {
		n.Annotations[power.Accelerator] = power.EncodeAccelerator(power.AcceleratorOf{Resource: string(device), Product: p.Product, Count: p.GPUsPerNode})
	}
	maps.Copy(n.Labels, p.Labels)
	if p.Zone != "" {
		n.Labels[v1.LabelTopologyZone] = p.Zone
	}
	n.Spec.Taints = p.taints()
	n.Status.Capacity = v1.ResourceList{
		v1.ResourceCPU: resource.MustParse(p.CPU), v1.ResourceMemory: resource.MustParse(p.Memory), v1.ResourcePods: resource.MustParse("110"),
		device: *resource.NewQuantity(int64(p.GPUsPerNode*max(p.UnitsPerGPU, 1)), resource.DecimalSI),
	}
	for profile, perGPU := range p.MIG {
		n.Status.Capacity[migResource(profile)] = *resource.NewQuantity(int64(p.GPUsPerNode*perGPU), resource.DecimalSI)
		n.Labels["nvidia.com/mig-"+profile+".count"] = strconv.Itoa(p.GPUsPerNode * perGPU)
	}
	n.Status.Allocatable = n.Status.Capacity
	n.Status.Conditions = []v1.NodeCondition{{Type: v1.NodeReady, Status: v1.ConditionTrue}}
	return n
}

func (p Pool) taints() []v1.Taint {
	var taints []v1.Taint
	for _, t := range p.Taints {
		taints = append(taints, v1.Taint{Key: t.Key, Value: t.Value, Effect: v1.TaintEffect(t.Effect)})
	}
	return taints
}

// cordon makes a node unschedulable, or schedulable again.
func (p Pool) cordon(n *v1.Node, cordoned bool) {
	n.Spec.Unschedulable, n.Spec.Taints = cordoned, p.taints()
	if cordoned { // the node lifecycle controller's taint
		n.Spec.Taints = append(n.Spec.Taints, v1.Taint{Key: v1.TaintNodeUnschedulable, Effect: v1.TaintEffectNoSchedule})
	}
}

func watts(w float64) string { return strconv.FormatFloat(w, 'g', -1, 64) }

func migResource(profile string) v1.ResourceName { return v1.ResourceName("nvidia.com/mig-" + profile) }

// defaultContainer is the name of the container of a service without a template.
const defaultContainer = "server"

// Service is a service as its Pod objects show it.
type Service struct {
	Name                         string
	Template                     *PodTemplate       // nil: one container that asks for its GPU only
	Resource                     string             // that stands for its devices; "" is nvidia.com/gpu
	Units                        int                // of the resource
	MIG                          string             // a slice's profile instead
	BusyWatts                    map[string]float64 // of a whole GPU, by product
	MinAvailable, MaxUnavailable string             // of its PodDisruptionBudget: "2", "25%" or ""
}

// gpu is the resource that a pod asks for, and how much of it.
func (s Service) gpu() (v1.ResourceName, int64) {
	if s.MIG != "" {
		return migResource(s.MIG), 1
	}
	return resourceOf(s.Resource), int64(s.Units)
}

// resourceOf is a resource by its name, "" for NVIDIA's.
func resourceOf(name string) v1.ResourceName {
	if name == "" {
		return gpuResource
	}
	return v1.ResourceName(name)
}

// pod returns the template of the service's pods with the GPU filled in.
func (s Service) pod() (*v1.Pod, error) {
	t := v1.PodTemplateSpec{Spec: v1.PodSpec{
		Containers: []v1.Container{{Name: defaultContainer, Image: s.Name}}, Priority: new(int32), SchedulerName: v1.DefaultSchedulerName,
		Tolerations: []v1.Toleration{{Key: string(resourceOf(s.Resource)), Operator: v1.TolerationOpExists, Effect: v1.TaintEffectNoSchedule}},
	}}
	if s.Template != nil {
		t = *s.Template.template.DeepCopy()
	}
	if len(t.Labels) == 0 {
		t.Labels = map[string]string{"app": s.Name}
	}
	t.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = s.hash()
	if err := s.askForGPU(&t.Spec); err != nil {
		return nil, err
	}
	if t.Annotations == nil {
		t.Annotations = map[string]string{}
	}
	if _, own := t.Annotations[power.PodBusy]; !own && len(s.BusyWatts) > 0 {
		t.Annotations[power.PodBusy] = power.EncodeBusy(s.BusyWatts)
	}
	controller := true
	p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Labels: t.Labels, Annotations: t.Annotations, ResourceVersion: "1",
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: s.Name, UID: types.UID("rs-" + s.Name), Controller: &controller}},
	}, Spec: t.Spec, Status: v1.PodStatus{Phase: v1.PodPending}}
	corev1.SetObjectDefaults_Pod(p) // as the API server does: requests that are missing are the limits, for one
	return p, nil
}

// hash stands for the pod-template-hash of the service's ReplicaSet.
func (s Service) hash() string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.Name)) // a hash never fails
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}

// askForGPU makes the pod ask for its part of a GPU, unless its containers do:
// then for just that much.
func (s Service) askForGPU(spec *v1.PodSpec) error {
	name, want := s.gpu()
	asked := false
	for _, c := range spec.Containers {
		for r, q := range c.Resources.Limits {
			if r != name && !strings.HasPrefix(string(r), "nvidia.com/") {
				continue
			}
			if asked || r != name || q.Value() != want {
				return fmt.Errorf("service %s: container %s of its pod template asks for %s of %s, the service's gpu field for %d of %s: leave it out of the template", s.Name, c.Name, q.String(), r, want, name)
			}
			asked = true
		}
	}
	if asked {
		return nil
	}
	c := &spec.Containers[0]
	for _, list := range []*v1.ResourceList{&c.Resources.Limits, &c.Resources.Requests} {
		if *list == nil {
			*list = v1.ResourceList{}
		}
		(*list)[name] = *resource.NewQuantity(want, resource.DecimalSI)
	}
	return nil
}

// Containers returns what the service's containers ask for, in thousandths.
func (s Service) Containers() ([]policies.Container, error) {
	p, err := s.pod()
	if err != nil {
		return nil, err
	}
	var out []policies.Container
	for _, c := range p.Spec.Containers {
		requests := map[string]int64{}
		for name, q := range c.Resources.Requests {
			requests[string(name)] = q.MilliValue()
		}
		out = append(out, policies.Container{Name: c.Name, Requests: requests})
	}
	return out, nil
}

// replicaSet is the owner of the service's pods. The default spreading of
// kube-scheduler finds a pod's siblings through it.
func (s Service) replicaSet(pod *v1.Pod) *appsv1.ReplicaSet {
	selector := map[string]string{"app": s.Name}
	if s.Template != nil && s.Template.selector != nil {
		selector = maps.Clone(s.Template.selector)
	} else if len(pod.Labels) > 1 {
		selector = maps.Clone(pod.Labels)
	}
	selector[appsv1.DefaultDeploymentUniqueLabelKey] = s.hash()
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: s.Name, UID: types.UID("rs-" + s.Name)},
		Spec:       appsv1.ReplicaSetSpec{Selector: &metav1.LabelSelector{MatchLabels: selector}},
	}
}

// budget is the service's PodDisruptionBudget, nil when it has none.
func (s Service) budget(pod *v1.Pod) *policyv1.PodDisruptionBudget {
	if s.MinAvailable == "" && s.MaxUnavailable == "" {
		return nil
	}
	b := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: s.Name},
		Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: s.replicaSet(pod).Spec.Selector.MatchLabels}},
	}
	if s.MinAvailable != "" {
		v := intstr.Parse(s.MinAvailable)
		b.Spec.MinAvailable = &v
	} else {
		v := intstr.Parse(s.MaxUnavailable)
		b.Spec.MaxUnavailable = &v
	}
	return b
}
