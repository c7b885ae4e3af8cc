package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// Clean removes what a replay has made: its namespace with all in it, its nodes
// and priority classes. Nothing without the run's label is touched.
func Clean(ctx context.Context, client kubernetes.Interface, namespace string) error {
	policy := metav1.DeletePropagationBackground
	err := ignoreNotFound(client.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{PropagationPolicy: &policy}))
	if err != nil {
		return fmt.Errorf("delete namespace %s: %w", namespace, err)
	}
	// The namespace goes when its pods are gone, and they when nobody holds them.
	drop := []byte(`{"metadata":{"finalizers":null}}`)
	now := int64(0)
	for {
		pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return fmt.Errorf("list the pods of %s: %w", namespace, err)
		}
		if len(pods.Items) == 0 {
			break
		}
		for _, p := range pods.Items {
			if len(p.Finalizers) > 0 {
				_, err = client.CoreV1().Pods(namespace).Patch(ctx, p.Name, types.MergePatchType, drop, metav1.PatchOptions{})
			}
			err = errors.Join(ignoreNotFound(err), ignoreNotFound(client.CoreV1().Pods(namespace).Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})))
			if err != nil {
				return fmt.Errorf("delete pod %s: %w", p.Name, err)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("delete the pods of %s: %w", namespace, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
	err = client.CoreV1().Nodes().DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: LabelRun + "=" + namespace})
	if err != nil {
		return fmt.Errorf("delete the nodes of %s: %w", namespace, err)
	}
	err = client.SchedulingV1().PriorityClasses().DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: LabelRun + "=" + namespace})
	if err != nil {
		return fmt.Errorf("delete the priority classes of %s: %w", namespace, err)
	}
	return nil
}

// awaitGone waits until the cluster has removed a namespace that was deleted.
func awaitGone(ctx context.Context, client kubernetes.Interface, namespace string) error {
	for {
		_, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("namespace %s is still there: %w", namespace, errors.Join(ctx.Err(), err))
		case <-time.After(200 * time.Millisecond):
		}
	}
}
