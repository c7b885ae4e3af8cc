package replay

import (
	"fmt"
	"maps"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
)

// LabelRun marks what a run makes that has no namespace: its value is that of the run.
const LabelRun = "replay.kwatt.dev/run"

// The other marks that a replay leaves on objects.
const (
	labelService   = "replay.kwatt.dev/service"    // on pods
	startedAt      = "replay.kwatt.dev/started-at" // when KWOK is to start the containers
	readyAt        = "replay.kwatt.dev/ready-at"   // and when to make the pod ready
	finalizer      = "replay.kwatt.dev/serving"    // held until the last request is answered
	kwokAnnotation = "kwok.x-k8s.io/node"
	deletionCost   = "controller.kubernetes.io/pod-deletion-cost"
)

// deployment is the Deployment of a service.
func deployment(s scheduler.Service, run string, guest bool, replicas int) (*appsv1.Deployment, error) {
	template, selector, err := s.PodTemplate()
	if err != nil {
		return nil, err
	}
	template.Labels[labelService] = s.Name
	template.Finalizers = []string{finalizer}
	if p := template.Spec.Priority; p != nil {
		if *p != 0 {
			template.Spec.PriorityClassName = priorityClassName(run, *p)
		}
		template.Spec.Priority = nil // the API server looks it up
	}
	if guest {
		keepToOneself(&template.Spec, run)
	}
	// A pod that is told to stop is not killed before its requests are answered.
	grace := int64(24 * 3600)
	template.Spec.TerminationGracePeriodSeconds = &grace
	n := int32(replicas)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: s.Name, Labels: map[string]string{labelService: s.Name}},
		Spec:       appsv1.DeploymentSpec{Replicas: &n, Selector: &metav1.LabelSelector{MatchLabels: selector}, Template: template},
	}, nil
}

// keepToOneself binds pods to the run's nodes and to its scheduler.
func keepToOneself(p *v1.PodSpec, run string) {
	p.SchedulerName = guestScheduler(p.SchedulerName)
	p.Tolerations = append(p.Tolerations, v1.Toleration{Key: LabelRun, Operator: v1.TolerationOpEqual, Value: run, Effect: v1.TaintEffectNoSchedule})
	selector := map[string]string{LabelRun: run}
	maps.Copy(selector, p.NodeSelector)
	p.NodeSelector = selector
}

// guestScheduler is the name of a profile in a cluster that has a scheduler.
func guestScheduler(profile string) string {
	if profile == "" {
		profile = v1.DefaultSchedulerName
	}
	return "kwatt-replay-" + profile
}

func priorityClassName(run string, priority int32) string {
	return run + "-" + strconv.Itoa(int(priority))
}

// priorityClass is what a service's pods name for their priority; nil when that
// is 0 or one of Kubernetes' own.
func priorityClass(s scheduler.Service, run string) (*schedulingv1.PriorityClass, error) {
	template, _, err := s.PodTemplate()
	if err != nil {
		return nil, err
	}
	p := template.Spec.Priority
	if p == nil || *p == 0 {
		return nil, nil
	}
	if *p > 1_000_000_000 {
		return nil, fmt.Errorf("service %s: priority %d is reserved for Kubernetes' own pods", s.Name, *p)
	}
	return &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: priorityClassName(run, *p), Labels: map[string]string{LabelRun: run}}, Value: *p}, nil
}

// service is the Service in front of a service's pods. Nobody calls it: requests
// are the data plane's.
func service(s scheduler.Service) (*v1.Service, error) {
	_, selector, err := s.PodTemplate()
	if err != nil {
		return nil, err
	}
	return &v1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: s.Name},
		Spec:       v1.ServiceSpec{Selector: selector, Ports: []v1.ServicePort{{Name: "http", Port: 80}}},
	}, nil
}

// budget is the service's PodDisruptionBudget, nil when it has none.
func budget(s scheduler.Service) (*policyv1.PodDisruptionBudget, error) {
	if s.MinAvailable == "" && s.MaxUnavailable == "" {
		return nil, nil
	}
	_, selector, err := s.PodTemplate()
	if err != nil {
		return nil, err
	}
	b := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: s.Name},
		Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: selector}},
	}
	set := func(text string) *intstr.IntOrString {
		if text == "" {
			return nil
		}
		v := intstr.Parse(text)
		return &v
	}
	b.Spec.MinAvailable, b.Spec.MaxUnavailable = set(s.MinAvailable), set(s.MaxUnavailable)
	return b, nil
}

// node is the Node object of a pool's node for KWOK to play.
func node(c *scheduler.Config, pool int, name, run string, guest bool, intensity float64) *v1.Node {
	n := c.Node(pool, name, intensity, false)
	n.UID, n.ResourceVersion = "", ""
	n.Annotations[kwokAnnotation] = "fake"
	if guest {
		n.Annotations[kwokAnnotation] = "kwatt" // not another kwok's
		n.Spec.Taints = append(n.Spec.Taints, v1.Taint{Key: LabelRun, Value: run, Effect: v1.TaintEffectNoSchedule})
	}
	n.Labels[LabelRun], n.Labels["type"] = run, "kwok"
	n.Status.Conditions = nil // KWOK makes it ready
	return n
}

// systemNode is one without GPUs, as every cluster has for its own pods. With
// it a service's pod is always refused for want of a GPU, never for want of any
// node, as in the simulation.
func systemNode(run string) *v1.Node {
	return &v1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: run + "-system", Annotations: map[string]string{kwokAnnotation: "fake"},
			Labels: map[string]string{v1.LabelHostname: run + "-system", LabelRun: run, "type": "kwok"},
		},
		Spec: v1.NodeSpec{Taints: []v1.Taint{{Key: "CriticalAddonsOnly", Value: "true", Effect: v1.TaintEffectNoSchedule}}},
	}
}
