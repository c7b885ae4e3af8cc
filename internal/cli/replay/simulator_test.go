package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// kube-scheduler-simulator's scheduler places pods on our control plane and
// explains it, and its snapshot service loads what `sim export snapshot` writes.
func TestSchedulerSimulator(t *testing.T) {
	bin := os.Getenv("KWATT_BIN")
	if bin == "" {
		t.Skip("a tier of its own, which compiles Kubernetes 1.30 too: make test-simulator")
	}
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	call := func(stdin []byte, name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(ctx, filepath.Join(bin, name), args...)
		cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+dir)
		var out, errs bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out.String(), errs.String())
		}
		return out.String()
	}
	t.Cleanup(func() { // not with ctx, which is over by then
		cmd := exec.Command(filepath.Join(bin, "replay"), "down", "--name", "simulator")
		cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	kubeconfig := strings.TrimSpace(call(nil, "replay", "up", "--name", "simulator", "--scheduler", "simulator", "--nodes-ready", "3"))
	client := clientOf(t, kubeconfig)

	object := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "explained"}, Spec: v1.PodSpec{Containers: []v1.Container{{Name: "main", Image: "none",
		Resources: v1.ResourceRequirements{Limits: v1.ResourceList{"nvidia.com/gpu": resource.MustParse("2")}}}}}}
	if _, err := client.CoreV1().Pods("default").Create(ctx, object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	p := await(t, ctx, func() (*v1.Pod, bool) {
		p, err := client.CoreV1().Pods("default").Get(ctx, "explained", metav1.GetOptions{})
		return p, err == nil && p.Annotations["kube-scheduler-simulator.sigs.k8s.io/selected-node"] != ""
	})
	const prefix = "kube-scheduler-simulator.sigs.k8s.io/"
	if p.Annotations[prefix+"selected-node"] != p.Spec.NodeName {
		t.Errorf("on node %q, annotated %q", p.Spec.NodeName, p.Annotations[prefix+"selected-node"])
	}
	var scores map[string]map[string]string
	if err := json.Unmarshal([]byte(p.Annotations[prefix+"finalscore-result"]), &scores); err != nil || len(scores) != 3 {
		t.Errorf("final scores %q: %v", p.Annotations[prefix+"finalscore-result"], err)
	}

	// An export of ours, into the cluster.
	call(nil, "sim", "run", "../../kube/replay/testdata/rush.yaml", "--policy", "hpa", "--seeds", "1", "--out", dir, "-o", "none", "-q")
	runs, err := filepath.Glob(filepath.Join(dir, "rush", "*"))
	if err != nil || len(runs) != 1 {
		t.Fatalf("runs %v, %v", runs, err)
	}
	exported := call(nil, "sim", "export", "snapshot", runs[0], "--policy", "hpa", "--at", "2m30s")
	call([]byte(exported), "scheduler-simulator-snapshot", "import", kubeconfig)
	var want struct {
		Pods  []v1.Pod  `json:"pods"`
		Nodes []v1.Node `json:"nodes"`
	}
	if err := json.Unmarshal([]byte(exported), &want); err != nil || len(want.Pods) == 0 || len(want.Nodes) == 0 {
		t.Fatalf("export of %d pods and %d nodes: %v", len(want.Pods), len(want.Nodes), err)
	}
	for _, n := range want.Nodes {
		got, err := client.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{})
		if err != nil || got.Labels["nvidia.com/gpu.product"] != n.Labels["nvidia.com/gpu.product"] {
			t.Errorf("node %s: %v", n.Name, err)
		}
	}
	for _, x := range want.Pods {
		got, err := client.CoreV1().Pods(x.Namespace).Get(ctx, x.Name, metav1.GetOptions{})
		if err != nil || x.Spec.NodeName != "" && got.Spec.NodeName != x.Spec.NodeName {
			t.Errorf("pod %s: %v", x.Name, err)
		}
	}
	// And back.
	if back := call(nil, "scheduler-simulator-snapshot", "export", kubeconfig); !strings.Contains(back, want.Pods[0].Name) {
		t.Errorf("the simulator's export lacks pod %s", want.Pods[0].Name)
	}
}

func clientOf(t *testing.T, kubeconfig string) kubernetes.Interface {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func await[T any](t *testing.T, ctx context.Context, look func() (T, bool)) T {
	t.Helper()
	for {
		if x, ok := look(); ok {
			return x
		}
		select {
		case <-ctx.Done():
			t.Fatal("it did not come to be in time")
		case <-time.After(100 * time.Millisecond):
		}
	}
}
