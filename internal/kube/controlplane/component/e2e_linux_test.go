package component_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
)

// energyProfile is a scheduler configuration with a plugin of ours.
const energyProfile = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
  plugins: {multiPoint: {enabled: [{name: EnergyAware, weight: 5}]}}
`

// One real cluster, from its start to its end: everything that needs one and
// leaves it as it was is a part of this test.
func TestControlPlane(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cluster")
	ctx := within(t, 3*time.Minute)
	c, err := controlplane.Up(ctx, controlplane.Config{
		Name: "e2e", Dir: dir, OnExit: controlplane.Report,
		ControllerManager: controlplane.ControllerManagerConfig{HPA: controlplane.HPAConfig{SyncPeriod: new(time.Second)}},
		Scheduler:         controlplane.SchedulerConfig{Config: []byte(energyProfile)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Down(context.Background()); err != nil {
			t.Error(err)
		}
		assertGone(t, dir)
	})
	assertHealthy(t, ctx, c)
	t.Run("listens on loopback alone", func(t *testing.T) { assertLoopback(t, ctx, c) })
	t.Run("refuses strangers", func(t *testing.T) { assertStrangersRefused(t, ctx, c) })
	t.Run("files are private", func(t *testing.T) { assertPrivate(t, dir) })
	t.Run("runs pods on fake nodes", func(t *testing.T) { runPods(t, ctx, c, 20, 40) })
	t.Run("runs sweeps", func(t *testing.T) { runSweeps(t, ctx, c) })
	t.Run("scales by an aggregated metric", func(t *testing.T) { scaleByExternalMetric(t, ctx, c) })
	for exit := range drain(c.Exits()) {
		t.Errorf("%v", exit)
	}
}

// runPods creates nodes of 8 GPUs and pods of one, and waits until all run.
func runPods(t *testing.T, ctx context.Context, c *controlplane.Cluster, nodes, pods int) {
	t.Helper()
	begin := time.Now()
	if err := errors.Join(c.CreateNodes(ctx, controlplane.FakeNodes("gpu", nodes, 8)), c.AwaitNodes(ctx, nodes)); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d nodes ready after %.1f s", nodes, time.Since(begin).Seconds())
	client := clientOf(t, c)
	begin = time.Now()
	createDeployment(t, ctx, client, "server", pods)
	awaitReplicas(t, ctx, client, "server", pods)
	t.Logf("%d pods ready after %.1f s", pods, time.Since(begin).Seconds())
	list, err := client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=server"})
	if err != nil {
		t.Fatal(err)
	}
	perNode := map[string]int{}
	for _, p := range list.Items {
		if p.Spec.NodeName == "" || p.Status.Phase != v1.PodRunning {
			t.Errorf("pod %s is on %q and %s", p.Name, p.Spec.NodeName, p.Status.Phase)
		}
		perNode[p.Spec.NodeName]++
	}
	if len(list.Items) != pods {
		t.Errorf("%d pods, want %d", len(list.Items), pods)
	}
	for node, n := range perNode {
		if n > 8 {
			t.Errorf("%s has %d pods on 8 GPUs", node, n)
		}
	}
}

func createDeployment(t *testing.T, ctx context.Context, client kubernetes.Interface, name string, replicas int) {
	t.Helper()
	labels := map[string]string{"app": name}
	gpu := v1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}
	_, err := client.AppsV1().Deployments("default").Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(replicas)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: v1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: v1.PodSpec{
					TerminationGracePeriodSeconds: new(int64(0)),
					Containers:                    []v1.Container{{Name: "server", Image: "none", Resources: v1.ResourceRequirements{Requests: gpu, Limits: gpu}}},
				},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func awaitReplicas(t *testing.T, ctx context.Context, client kubernetes.Interface, name string, want int) {
	t.Helper()
	last := "nothing yet"
	until(t, ctx, func() string { return fmt.Sprintf("%s has %d ready replicas: %s", name, want, last) }, func() bool {
		d, err := client.AppsV1().Deployments("default").Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			last = err.Error()
			return false
		}
		last = fmt.Sprintf("%+v", d.Status)
		return int(d.Status.ReadyReplicas) == want && int(d.Status.Replicas) == want
	})
}

// scaleByExternalMetric has the real autoscaler read a metric from a server
// behind the API server, and scale by it.
func scaleByExternalMetric(t *testing.T, ctx context.Context, c *controlplane.Cluster) {
	t.Helper()
	metrics := serveExternalMetric(t, ctx, c)
	client := clientOf(t, c)
	createDeployment(t, ctx, client, "scaled", 1)
	_, err := client.AutoscalingV2().HorizontalPodAutoscalers("default").Create(ctx, &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "scaled"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "scaled"},
			MinReplicas:    new(int32(1)), MaxReplicas: 10,
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
				Metric: autoscalingv2.MetricIdentifier{Name: "queue"},
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: resource.NewQuantity(10, resource.DecimalSI)},
			}}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	metrics.value.Store(30)
	awaitReplicas(t, ctx, client, "scaled", 3)
	if user := metrics.user.Load(); user == nil || *user != "system:serviceaccount:kube-system:horizontal-pod-autoscaler" {
		t.Errorf("the metric was asked for by %v", user)
	}
}

func assertHealthy(t *testing.T, ctx context.Context, c *controlplane.Cluster) *controlplane.Status {
	t.Helper()
	st, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !st.Healthy() {
		t.Fatalf("it is not well: %+v", st)
	}
	t.Logf("up after %.1f s", st.ReadySeconds)
	for _, s := range st.Components {
		t.Logf("%-24s ready after %.1f s, %d MiB", s.Name, s.ReadySeconds, s.RSSBytes>>20)
	}
	return st
}

// assertGone fails when anything of a cluster is left: a process that names its
// folder, or the folder.
func assertGone(t *testing.T, dir string) {
	t.Helper()
	for _, pid := range processesNaming(t, dir) {
		t.Errorf("process %d is left", pid)
	}
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is left")
	}
}

func processesNaming(t *testing.T, dir string) (pids []int) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err == nil && strings.Contains(string(data), dir) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

func clientOf(t *testing.T, c *controlplane.Cluster) *kubernetes.Clientset {
	t.Helper()
	config, err := c.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// drain gives what a channel holds now.
func drain[T any](ch <-chan T) func(func(T) bool) {
	return func(yield func(T) bool) {
		for {
			select {
			case v, ok := <-ch:
				if !ok || !yield(v) {
					return
				}
			default:
				return
			}
		}
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func until(t *testing.T, ctx context.Context, what func() string, holds func() bool) {
	t.Helper()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("not in time: %s", what())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
