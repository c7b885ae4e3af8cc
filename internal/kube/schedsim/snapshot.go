package schedsim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
)

// Snapshot is the simulator's snapshot.ResourcesForSnap: what its GET
// /api/v1/export returns and its POST /api/v1/import takes.
type Snapshot struct {
	Pods            []v1.Pod                     `json:"pods"`
	Nodes           []v1.Node                    `json:"nodes"`
	PVs             []v1.PersistentVolume        `json:"pvs"`
	PVCs            []v1.PersistentVolumeClaim   `json:"pvcs"`
	StorageClasses  []storagev1.StorageClass     `json:"storageClasses"`
	PriorityClasses []schedulingv1.PriorityClass `json:"priorityClasses"`
	// SchedulerConfig is a KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1,
	// as it was written: this version's type has fields that the simulator's lacks.
	SchedulerConfig map[string]any `json:"schedulerConfig"`
	Namespaces      []v1.Namespace `json:"namespaces"`
}

// Snapshot returns the cluster t seconds after the start, what happened at that
// instant included.
func (c *Cluster) Snapshot(t float64) (*Snapshot, error) {
	at, err := c.at(t)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{
		Pods: []v1.Pod{}, Nodes: []v1.Node{}, PVs: []v1.PersistentVolume{}, PVCs: []v1.PersistentVolumeClaim{},
		StorageClasses: []storagev1.StorageClass{}, PriorityClasses: []schedulingv1.PriorityClass{}, Namespaces: []v1.Namespace{},
		SchedulerConfig: c.Scheduler.Configuration.AsWritten(),
	}
	for _, n := range at.nodes {
		o := c.Scheduler.Node(n.pool, n.name, c.Intensity(n.pool, t), n.cordoned)
		forImport(&o.ObjectMeta)
		s.Nodes = append(s.Nodes, *o)
	}
	for _, p := range at.pods {
		o, err := c.object(p)
		if err != nil {
			return nil, err
		}
		s.Pods = append(s.Pods, *o)
		s.class(&o.Spec)
	}
	slices.SortFunc(s.PriorityClasses, func(a, b schedulingv1.PriorityClass) int { return cmp.Compare(a.Name, b.Name) })
	return s, nil
}

// forImport takes away what an API server would refuse in a new object, and the
// owner: without its ReplicaSet a pod would be collected as garbage.
func forImport(m *metav1.ObjectMeta) {
	m.UID, m.ResourceVersion, m.OwnerReferences = "", "", nil
}

// object returns a pod's object.
func (c *Cluster) object(p *pod) (*v1.Pod, error) {
	o, err := c.Scheduler.Pod(p.service, p.name)
	if err != nil {
		return nil, err
	}
	forImport(&o.ObjectMeta)
	o.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	o.CreationTimestamp = scheduler.APITime(p.created)
	if p.terminating != nil {
		since := scheduler.APITime(*p.terminating)
		o.DeletionTimestamp = &since
	}
	condition := func(kind v1.PodConditionType, is bool, reason, message string) {
		status := v1.ConditionFalse
		if is {
			status = v1.ConditionTrue
		}
		o.Status.Conditions = append(o.Status.Conditions, v1.PodCondition{Type: kind, Status: status, Reason: reason, Message: message})
	}
	if last := p.pending(); last != nil {
		condition(v1.PodScheduled, false, v1.PodReasonUnschedulable, last.Reason)
		o.Status.NominatedNodeName = last.Placement.Nominated
	}
	if p.node != "" {
		since := scheduler.APITime(p.bound)
		o.Spec.NodeName, o.Status.StartTime = p.node, &since
		condition(v1.PodScheduled, true, "", "")
		condition(v1.PodReady, p.ready, "", "")
		if p.ready || p.terminating != nil {
			o.Status.Phase = v1.PodRunning
		}
	}
	return o, nil
}

// class adds the PriorityClass that a pod names; those of the system are there
// in every cluster.
func (s *Snapshot) class(p *v1.PodSpec) {
	name := p.PriorityClassName
	if name == "" || strings.HasPrefix(name, "system-") ||
		slices.ContainsFunc(s.PriorityClasses, func(c schedulingv1.PriorityClass) bool { return c.Name == name }) {
		return
	}
	s.PriorityClasses = append(s.PriorityClasses, schedulingv1.PriorityClass{
		TypeMeta:   metav1.TypeMeta{APIVersion: "scheduling.k8s.io/v1", Kind: "PriorityClass"},
		ObjectMeta: metav1.ObjectMeta{Name: name}, Value: *p.Priority, PreemptionPolicy: p.PreemptionPolicy,
	})
}

// Write writes the snapshot as JSON.
func (s *Snapshot) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		return fmt.Errorf("write the snapshot: %w", err)
	}
	return nil
}
