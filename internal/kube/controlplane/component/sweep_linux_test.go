package component_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/restmapper"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/kwatt-sim/kwatt/internal/cli"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
)

// sharedFiles is a claim on a file system that all nodes can mount.
const sharedFiles = `
apiVersion: v1
kind: PersistentVolume
metadata: {name: shared}
spec: {capacity: {storage: 10Gi}, accessModes: [ReadWriteMany], storageClassName: "", nfs: {server: files.example, path: /kwatt}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: sweep-results}
spec: {accessModes: [ReadWriteMany], storageClassName: "", volumeName: shared, resources: {requests: {storage: 10Gi}}}
`

// bucket is the claim on a bucket that docs/sweep.md shows, with the object that
// its CSI driver's installation brings.
func bucket(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../../../docs/sweep.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "### A bucket")
	_, after, found := strings.Cut(after, "```yaml\n")
	manifest, _, closed := strings.Cut(after, "```")
	if !found || !closed {
		t.Fatal("docs/sweep.md shows no claim on a bucket")
	}
	return `
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: ru.yandex.s3.csi}
spec: {attachRequired: false, podInfoOnMount: true, fsGroupPolicy: File}
---
` + manifest
}

const (
	sweepShards      = 5
	sweepParallelism = 2
)

// renderSweep is what `sim sweep --engine kubernetes` prints.
func renderSweep(t *testing.T, namespace string) string {
	t.Helper()
	var out, errs bytes.Buffer
	env := cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: os.Getenv, Now: time.Now, Context: t.Context(), Args: []string{
		"sweep", "../../../../scenarios/gates/flash-sale.yaml", "--grid", "spec.services[ranker].batching.maxBatch=1,2,4", "--seeds", "1..4",
		"--shards", fmt.Sprint(sweepShards), "--engine", "kubernetes", "--image", "registry.example/kwatt:1.2", "--claim", "sweep-results",
		"--parallelism", fmt.Sprint(sweepParallelism), "--namespace", namespace,
	}}
	if code := cli.Sim(env); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	return out.String()
}

// runSweeps creates what a sweep on a cluster is made of, in namespaces that hold
// pods to the restricted Pod Security Standard, and waits until its Jobs are
// complete. KWOK plays the pods, so nothing is computed.
func runSweeps(t *testing.T, ctx context.Context, c *controlplane.Cluster) {
	for name, claim := range map[string]string{"file system": sharedFiles, "bucket": bucket(t)} {
		t.Run(name, func(t *testing.T) {
			a := newApplier(t, c)
			client := clientOf(t, c)
			namespace := "sweep-" + strings.ReplaceAll(name, " ", "-")
			_, err := client.CoreV1().Namespaces().Create(ctx, &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{
				"pod-security.kubernetes.io/enforce": "restricted",
			}}}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			rendered := renderSweep(t, namespace)
			a.create(ctx, claim, namespace)
			made := a.create(ctx, rendered, namespace)
			if len(made) != 3 {
				t.Fatalf("%d objects", len(made))
			}
			job := made[1].GetName()
			awaitJobs(t, ctx, client, namespace, job, job+"-merge")
			assertIndexed(t, ctx, client, namespace, job)
			if p, err := client.CoreV1().PersistentVolumeClaims(namespace).Get(ctx, "sweep-results", metav1.GetOptions{}); err != nil || p.Status.Phase != v1.ClaimBound {
				t.Errorf("the claim is %s, %v", p.Status.Phase, err)
			}
		})
	}
	t.Run("strictly", func(t *testing.T) {
		text := strings.Replace(renderSweep(t, "default"), "completionMode:", "completionsMode:", 1)
		a := newApplier(t, c)
		docs := a.documents(text)
		if _, err := a.post(ctx, docs[1], "default"); !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), `unknown field "spec.completionsMode"`) {
			t.Errorf("an unknown field: %v", err)
		}
	})
}

// applier creates objects as kubectl does, with strict validation.
type applier struct {
	t      *testing.T
	client dynamic.Interface
	mapper meta.RESTMapper
}

func newApplier(t *testing.T, c *controlplane.Cluster) applier {
	t.Helper()
	config, err := c.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return applier{t, client, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(clientOf(t, c).Discovery()))}
}

// create creates a text's objects in their order.
func (a applier) create(ctx context.Context, text, namespace string) (made []*unstructured.Unstructured) {
	a.t.Helper()
	for _, o := range a.documents(text) {
		got, err := a.post(ctx, o, namespace)
		if err != nil {
			a.t.Fatalf("create %s %s: %v", o.GetKind(), o.GetName(), err)
		}
		made = append(made, got)
	}
	return made
}

func (a applier) documents(text string) (out []*unstructured.Unstructured) {
	a.t.Helper()
	for docs := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text))); ; {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		o := &unstructured.Unstructured{}
		if err == nil {
			err = sigsyaml.Unmarshal(doc, &o.Object)
		}
		if err != nil {
			a.t.Fatal(err)
		}
		out = append(out, o)
	}
}

func (a applier) post(ctx context.Context, o *unstructured.Unstructured, namespace string) (*unstructured.Unstructured, error) {
	kind := o.GroupVersionKind()
	m, err := a.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	strict := metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}
	if m.Scope.Name() == meta.RESTScopeNameRoot {
		return a.client.Resource(m.Resource).Create(ctx, o, strict)
	}
	return a.client.Resource(m.Resource).Namespace(namespace).Create(ctx, o, strict)
}

// awaitJobs waits until Jobs are complete.
func awaitJobs(t *testing.T, ctx context.Context, client kubernetes.Interface, namespace string, names ...string) {
	t.Helper()
	for _, name := range names {
		var last *batchv1.Job
		until(t, ctx, func() string { return fmt.Sprintf("Job %s is complete: %+v", name, last.Status) }, func() bool {
			j, err := client.BatchV1().Jobs(namespace).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			last = j
			return slices.ContainsFunc(j.Status.Conditions, func(c batchv1.JobCondition) bool {
				return c.Type == batchv1.JobComplete && c.Status == v1.ConditionTrue
			})
		})
	}
}

// assertIndexed fails unless each shard had one pod that knew its index.
func assertIndexed(t *testing.T, ctx context.Context, client kubernetes.Interface, namespace, job string) {
	t.Helper()
	j, err := client.BatchV1().Jobs(namespace).Get(ctx, job, metav1.GetOptions{})
	if err != nil || j.Status.CompletedIndexes != fmt.Sprintf("0-%d", sweepShards-1) || *j.Spec.Parallelism != sweepParallelism {
		t.Errorf("indexes %q completed, %v", j.Status.CompletedIndexes, err)
	}
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: batchv1.JobNameLabel + "=" + job})
	if err != nil {
		t.Fatal(err)
	}
	var indexes []string
	for _, p := range pods.Items {
		c := p.Spec.Containers[0]
		indexes = append(indexes, p.Annotations[batchv1.JobCompletionIndexAnnotation])
		known := slices.ContainsFunc(c.Env, func(e v1.EnvVar) bool {
			return e.Name == "JOB_COMPLETION_INDEX" && e.ValueFrom != nil && e.ValueFrom.FieldRef != nil
		})
		if last := c.Args[len(c.Args)-1]; !known || last != "$(JOB_COMPLETION_INDEX)" {
			t.Errorf("pod %s: its last argument is %s, its environment %v", p.Name, last, c.Env)
		}
		if p.Spec.NodeName == "" || p.Status.Phase != v1.PodSucceeded {
			t.Errorf("pod %s is on %q and %s", p.Name, p.Spec.NodeName, p.Status.Phase)
		}
	}
	slices.Sort(indexes)
	if want := []string{"0", "1", "2", "3", "4"}; !slices.Equal(indexes, want) {
		t.Errorf("pods of the indexes %v, want %v", indexes, want)
	}
}
