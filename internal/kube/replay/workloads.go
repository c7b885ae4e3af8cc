package replay

import (
	"context"
	"fmt"
	"strconv"
	"time"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Scale implements cluster.Workloads: at first it creates the Deployment, later
// it sets its replicas through the scale subresource.
func (r *replay) Scale(service, replicas int) {
	s := r.o.Objects.Services[service]
	key := "deployment/" + s.Name
	if r.first == nil {
		r.first = map[int]int{}
	}
	if _, exists := r.first[service]; !exists {
		r.first[service], r.asksFor[service] = replicas, replicas
		r.calls.do(key, "create deployment "+s.Name, func(ctx context.Context) error { return r.createService(ctx, service, replicas) })
		return
	}
	if now := r.world.Queue().Now(); replicas > r.asksFor[service] {
		r.grown[service] = now
	}
	r.asksFor[service] = replicas
	costs := r.deletionCosts(service)
	patch := mustJSON(map[string]any{"spec": map[string]int{"replicas": replicas}})
	r.calls.do(key, fmt.Sprintf("scale deployment %s to %d", s.Name, replicas), func(ctx context.Context) error {
		for name, cost := range costs {
			if err := r.annotate(ctx, name, map[string]string{deletionCost: strconv.Itoa(cost)}); err != nil {
				return err
			}
		}
		_, err := r.client.AppsV1().Deployments(r.o.Namespace).Patch(ctx, s.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "scale")
		return err
	})
}

// deletionCosts are the new costs of the service's pods whose cost has changed,
// when a controller is to set them.
func (r *replay) deletionCosts(service int) map[string]int {
	if !r.o.Config.Cluster.EmptiestFirst {
		return nil
	}
	costs := map[string]int{}
	for _, p := range r.world.Cluster().Pods(service) {
		rec := r.records[p]
		if cost := r.world.Cluster().DeletionCost(p); rec != nil && cost != r.costs[p] {
			r.costs[p] = cost
			costs[rec.name] = cost
		}
	}
	return costs
}

// createService creates what a service is at the API server.
func (r *replay) createService(ctx context.Context, i, replicas int) error {
	s := r.o.Objects.Services[i]
	class, err := priorityClass(s, r.o.Namespace)
	if err != nil {
		return err
	}
	if class != nil {
		_, err := r.client.SchedulingV1().PriorityClasses().Create(ctx, class, metav1.CreateOptions{})
		if err := ignoreExists(err); err != nil {
			return err
		}
	}
	d, err := deployment(s, r.o.Namespace, r.o.Guest, replicas)
	if err != nil {
		return err
	}
	front, err := service(s)
	if err != nil {
		return err
	}
	b, err := budget(s)
	if err != nil {
		return err
	}
	if b != nil {
		_, err := r.client.PolicyV1().PodDisruptionBudgets(r.o.Namespace).Create(ctx, b, metav1.CreateOptions{})
		if err := ignoreExists(err); err != nil {
			return err
		}
	}
	_, err = r.client.CoreV1().Services(r.o.Namespace).Create(ctx, front, metav1.CreateOptions{})
	if err := ignoreExists(err); err != nil {
		return err
	}
	_, err = r.client.AppsV1().Deployments(r.o.Namespace).Create(ctx, d, metav1.CreateOptions{})
	return ignoreExists(err)
}

func ignoreExists(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil // a repeated call that had come through
	}
	return err
}

// Run implements cluster.Workloads: KWOK starts the pod's containers when its
// image is there and makes it ready at the instant.
func (r *replay) Run(p *cluster.Pod, at vtime.Time) {
	rec := r.records[p]
	early := r.early(p, rec)
	rec.ready = r.clock.when(at.Add(-early))
	marks := map[string]string{startedAt: stamp(r.clock.when(p.Pulled.Add(-early))), readyAt: stamp(rec.ready)}
	r.calls.do("pod/"+rec.name, "start pod "+rec.name, func(ctx context.Context) error {
		return r.annotate(ctx, rec.name, marks)
	})
}

// early is by how much a cold start is cut short for what the control plane took
// from the decision, or from when a node came on, to the binding. Its work is not
// compressed: the pods of a rush are created and bound within a fifth of a second
// or so, which at a speed of 15 would be three seconds of the scenario, and they
// would miss a scrape that they had met. All but what it took on the wall is taken
// off. What waited for longer than a scrape waited for something else.
func (r *replay) early(p *cluster.Pod, rec *record) time.Duration {
	if !r.clock.running() {
		return 0
	}
	due := p.Created
	if asked, ok := r.grown[p.Service]; ok && asked <= due && due.Sub(asked) < r.o.Config.Telemetry.ScrapeInterval {
		due = asked
	}
	on := r.on[p.Node]
	if rec.refused && on <= due {
		return 0 // room was made
	}
	late := p.Bound.Sub(max(due, on))
	if late <= 0 || late > r.o.Config.Telemetry.ScrapeInterval {
		return 0
	}
	r.lag.taken.add(late)
	return time.Duration(float64(late) * (1 - 1/float64(r.o.Speed)))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func (r *replay) annotate(ctx context.Context, pod string, marks map[string]string) error {
	patch := mustJSON(map[string]any{"metadata": map[string]any{"annotations": marks}})
	_, err := r.client.CoreV1().Pods(r.o.Namespace).Patch(ctx, pod, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	return ignoreNotFound(err)
}

// Evict implements cluster.Workloads. The API server refuses while the pod's
// budget does not allow it by its books; then it is asked again.
func (r *replay) Evict(p *cluster.Pod) {
	rec := r.records[p]
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: rec.name, Namespace: r.o.Namespace}}
	r.calls.do("pod/"+rec.name, "evict pod "+rec.name, func(ctx context.Context) error {
		return ignoreNotFound(r.client.CoreV1().Pods(r.o.Namespace).EvictV1(ctx, eviction))
	})
}

// Release implements cluster.Workloads: the finalizer goes, and the pod with it.
func (r *replay) Release(p *cluster.Pod) {
	rec := r.records[p]
	if rec == nil {
		return
	}
	delete(r.costs, p)
	patch := mustJSON(map[string]any{"metadata": map[string]any{"$deleteFromPrimitiveList/finalizers": []string{finalizer}}})
	r.calls.do("pod/"+rec.name, "release pod "+rec.name, func(ctx context.Context) error {
		_, err := r.client.CoreV1().Pods(r.o.Namespace).Patch(ctx, rec.name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
		return ignoreNotFound(err)
	})
}
