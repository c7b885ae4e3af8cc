package controlplane

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// NodeAnnotation marks a Node as one that kwok plays; kwok itself looks at it
// only when it is told to, but people and Existing go by it.
const NodeAnnotation = "kwok.x-k8s.io/node"

// gpuResource is the extended resource that stands for whole GPUs.
const gpuResource = "nvidia.com/gpu"

// parallelCalls is how many calls to the API server run at once.
const parallelCalls = 32

// FakeNodes are plain nodes for trying things out: prefix-00000 and so on.
func FakeNodes(prefix string, count, gpus int) []*v1.Node {
	nodes := make([]*v1.Node, count)
	for i := range nodes {
		nodes[i] = FakeNode(fmt.Sprintf("%s-%05d", prefix, i), gpus)
	}
	return nodes
}

// FakeNode is a plain node for trying things out, with so many whole GPUs, and
// CPU and memory that bind later than those. It carries no taint.
func FakeNode(name string, gpus int) *v1.Node {
	room := v1.ResourceList{
		v1.ResourceCPU: resource.MustParse("192"), v1.ResourceMemory: resource.MustParse("2Ti"), v1.ResourcePods: resource.MustParse("110"),
		gpuResource: *resource.NewQuantity(int64(gpus), resource.DecimalSI),
	}
	return &v1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Annotations: map[string]string{NodeAnnotation: "fake"},
			Labels: map[string]string{
				"type": "kwok", v1.LabelHostname: name, v1.LabelOSStable: "linux", v1.LabelArchStable: "amd64",
				"nvidia.com/gpu.count": strconv.Itoa(gpus),
			},
		},
		Status: v1.NodeStatus{Capacity: room, Allocatable: room},
	}
}

// CreateNodes creates nodes; one that is there already is left as it is.
func (c *Cluster) CreateNodes(ctx context.Context, nodes []*v1.Node) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelCalls)
	for _, node := range nodes {
		g.Go(func() error {
			_, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
			if err != nil && !apierrors.IsAlreadyExists(err) {
				return fmt.Errorf("create node %s: %w", node.Name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// AwaitNodes waits until so many nodes are Ready and without the taint that
// keeps pods off those that are not.
func (c *Cluster) AwaitNodes(ctx context.Context, count int) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	ready := 0
	for {
		list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"}) // from memory
		if err == nil {
			ready = 0
			for i := range list.Items {
				if usable(&list.Items[i]) {
					ready++
				}
			}
			if ready >= count {
				return nil
			}
		} else if ctx.Err() == nil {
			return fmt.Errorf("wait for nodes: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for nodes: %d of %d are ready: %w", ready, count, context.Cause(ctx))
		case <-time.After(probePeriod):
		}
	}
}

func usable(n *v1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c v1.NodeCondition) bool { return c.Type == v1.NodeReady && c.Status == v1.ConditionTrue }) &&
		!slices.ContainsFunc(n.Spec.Taints, func(t v1.Taint) bool { return t.Key == v1.TaintNodeNotReady || t.Key == v1.TaintNodeUnreachable })
}

func (c *Cluster) client() (*kubernetes.Clientset, error) {
	config, err := c.RESTConfig()
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}
