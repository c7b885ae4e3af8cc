package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/kube/plugins/power"
	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
)

// onlooker stands where the scheduler does in a simulation. The real one
// decides elsewhere; this one keeps the Node objects in step with the cluster's
// nodes, and answers the node autoscaler's questions of what would fit.
type onlooker struct {
	*scheduler.Scheduler // hears of everything and schedules nothing
	r                    *replay
}

func (r *replay) newScheduler(h cluster.Host, seed uint64) (cluster.Scheduler, error) {
	config := *r.o.Objects
	config.Seed = seed
	s, err := scheduler.New(&config, h)
	if err != nil {
		return nil, err
	}
	r.host, r.onlooker = h, &onlooker{s, r}
	return r.onlooker, nil
}

// Schedule leaves scheduling to the real one.
func (o *onlooker) Schedule() {}

// NodeAdded creates the Node object.
func (o *onlooker) NodeAdded(n *cluster.Node) {
	o.Scheduler.NodeAdded(n)
	r := o.r
	object := node(r.o.Objects, n.Pool, n.Name, r.o.Namespace, r.o.Guest, r.host.Intensity(n))
	r.nodes[n.Name], r.on[n] = n, r.clock.now()
	r.calls.do("node/"+n.Name, "create node "+n.Name, func(ctx context.Context) error {
		return r.createNode(ctx, object)
	})
}

func (r *replay) createNode(ctx context.Context, object *v1.Node) error {
	_, err := r.client.CoreV1().Nodes().Create(ctx, object, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	there, err := r.client.CoreV1().Nodes().Get(ctx, object.Name, metav1.GetOptions{})
	if err == nil && there.Labels[LabelRun] != object.Labels[LabelRun] {
		return fmt.Errorf("a node of that name exists and is not of this replay")
	}
	return err
}

// NodeUpdated cordons or uncordons the node, and tells the intensity of its grid.
func (o *onlooker) NodeUpdated(n *cluster.Node) {
	o.Scheduler.NodeUpdated(n)
	r := o.r
	patch := mustJSON(map[string]any{
		"metadata": map[string]any{"annotations": map[string]string{power.Intensity: strconv.FormatFloat(r.host.Intensity(n), 'g', -1, 64)}},
		"spec":     map[string]any{"unschedulable": n.Cordoned},
	})
	r.calls.do("node/"+n.Name, "update node "+n.Name, func(ctx context.Context) error {
		_, err := r.client.CoreV1().Nodes().Patch(ctx, n.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
		return err
	})
}

// NodeRemoved deletes the Node object.
func (o *onlooker) NodeRemoved(n *cluster.Node) {
	o.Scheduler.NodeRemoved(n)
	r := o.r
	r.calls.do("node/"+n.Name, "delete node "+n.Name, func(ctx context.Context) error {
		return ignoreNotFound(r.client.CoreV1().Nodes().Delete(ctx, n.Name, metav1.DeleteOptions{}))
	})
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// mustJSON encodes values that always can be.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("replay: encode %v: %v", v, err))
	}
	return b
}
