package scheduler

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kwatt-sim/kwatt/internal/cluster"
)

var (
	podResource    = v1.SchemeGroupVersion.WithResource("pods")
	nodeResource   = v1.SchemeGroupVersion.WithResource("nodes")
	setResource    = appsv1.SchemeGroupVersion.WithResource("replicasets")
	budgetResource = policyv1.SchemeGroupVersion.WithResource("poddisruptionbudgets")
)

// apiServer is client-go's fake, with what it lacks of an API server: resource
// versions, the binding of pods, and deletion that takes its time.
type apiServer struct {
	t       testing.TB
	client  *fake.Clientset
	objects clienttesting.ObjectTracker
	w       *whole
	budgets []*policyv1.PodDisruptionBudget // by service, nil without one
	service []*v1.Pod                       // template, by service

	mu      sync.Mutex
	version int64
}

func newAPIServer(t testing.TB, w *whole) *apiServer {
	a := &apiServer{t: t, client: &fake.Clientset{}, w: w}
	// What fake.NewClientset does, but without managed fields: they take most of the time.
	a.objects = clienttesting.NewObjectTracker(scheme.Scheme, scheme.Codecs.UniversalDecoder())
	a.client.AddReactor("*", "*", clienttesting.ObjectReaction(a.objects))
	a.client.AddWatchReactor("*", func(action clienttesting.Action) (bool, watch.Interface, error) {
		watched := action.(clienttesting.WatchActionImpl)
		events, err := a.objects.Watch(action.GetResource(), action.GetNamespace(), watched.ListOptions)
		return true, events, err
	})
	a.client.PrependReactor("create", "pods", a.bind)
	a.client.PrependReactor("patch", "pods", a.patch)
	a.client.PrependReactor("delete", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		w.deleted(action.(clienttesting.DeleteAction).GetName())
		return true, nil, nil // the host terminates it
	})
	return a
}

func (a *apiServer) next() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.version++
	return fmt.Sprint(a.version)
}

func (a *apiServer) must(err error) {
	if err != nil {
		a.t.Error(err)
	}
}

func (a *apiServer) add(r schema.GroupVersionResource, o metav1.Object) {
	o.SetResourceVersion(a.next())
	a.must(a.objects.Create(r, o.(runtime.Object), o.GetNamespace()))
	a.client.ClearActions()
}

func (a *apiServer) replace(r schema.GroupVersionResource, o metav1.Object) {
	o.SetResourceVersion(a.next())
	a.must(a.objects.Update(r, o.(runtime.Object), o.GetNamespace()))
}

func (a *apiServer) remove(r schema.GroupVersionResource, ns, name string) {
	a.must(a.objects.Delete(r, ns, name))
}

// pod returns a copy of a pod.
func (a *apiServer) pod(name string) (*v1.Pod, error) {
	o, err := a.objects.Get(podResource, namespace, name)
	if err != nil {
		return nil, err
	}
	return o.(*v1.Pod).DeepCopy(), nil
}

// newPod is the object that the service's ReplicaSet would create.
func (a *apiServer) newPod(p *cluster.Pod) *v1.Pod {
	o := a.service[p.Service].DeepCopy()
	o.Name, o.UID, o.CreationTimestamp = p.Name, types.UID(p.Name), metav1.Now()
	return o
}

// terminate marks a pod as the deletion with a grace period does.
func (a *apiServer) terminate(name string) {
	p, err := a.pod(name)
	if a.must(err); err != nil {
		return
	}
	now := metav1.Now()
	p.DeletionTimestamp = &now
	a.replace(podResource, p)
}

// addService adds the ReplicaSet of a service, and its budget.
func (a *apiServer) addService(s Service) {
	p, err := s.pod()
	a.must(err)
	a.service = append(a.service, p)
	a.add(setResource, s.replicaSet(p))
	b := s.budget(p)
	a.budgets = append(a.budgets, b)
	if b != nil {
		a.add(budgetResource, b)
	}
}

// setBudgets does what the controller of PodDisruptionBudgets does.
func (a *apiServer) setBudgets() {
	for i, b := range a.budgets {
		if b == nil {
			continue
		}
		if allowed := int32(max(a.w.host.Allowed(i), 0)); allowed != b.Status.DisruptionsAllowed {
			a.budgets[i] = b.DeepCopy()
			a.budgets[i].Status.DisruptionsAllowed = allowed
			a.replace(budgetResource, a.budgets[i])
		}
	}
}

// bind serves pods/binding; the kubelet's first status comes with it.
func (a *apiServer) bind(action clienttesting.Action) (bool, runtime.Object, error) {
	if action.GetSubresource() != "binding" {
		return false, nil, nil
	}
	b := action.(clienttesting.CreateAction).GetObject().(*v1.Binding)
	p, err := a.pod(b.Name)
	if err != nil {
		return true, nil, err
	}
	now := metav1.Now().Rfc3339Copy()
	p.Spec.NodeName, p.Status.StartTime = b.Target.Name, &now
	a.w.bound(b.Name, b.Target.Name)
	a.replace(podResource, p)
	return true, nil, nil
}

// patch serves patches of a pod's status.
func (a *apiServer) patch(action clienttesting.Action) (bool, runtime.Object, error) {
	patch := action.(clienttesting.PatchAction)
	p, err := a.pod(patch.GetName())
	if err != nil {
		return true, nil, err
	}
	before, err := json.Marshal(p)
	if err != nil {
		return true, nil, err
	}
	merged, err := strategicpatch.StrategicMergePatch(before, patch.GetPatch(), p)
	if err != nil {
		return true, nil, err
	}
	after := &v1.Pod{}
	if err := json.Unmarshal(merged, after); err != nil {
		return true, nil, err
	}
	a.replace(podResource, after)
	return true, after, nil
}
