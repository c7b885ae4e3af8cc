package component_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
)

var long = flag.Bool("controlplane.long", false, "also break the control plane in every way we know, and measure it at size")

// needLong skips a test that takes minutes unless it was asked for.
func needLong(t *testing.T) {
	t.Helper()
	if !*long {
		t.Skip("takes minutes: go test ./internal/kube/controlplane/component -controlplane.long -timeout 20m -v")
	}
}

// start brings up a cluster that ends, and leaves nothing, with the test.
func start(t *testing.T, cfg controlplane.Config) *controlplane.Cluster {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = filepath.Join(t.TempDir(), "cluster")
	}
	c, err := controlplane.Up(within(t, 3*time.Minute), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Down(context.Background()); err != nil {
			t.Error(err)
		}
		for _, pid := range processesNaming(t, cfg.Dir) {
			t.Errorf("process %d is left", pid)
		}
	})
	return c
}

// kill -9 of each component in turn: it comes back, the others stay, nothing
// that was acknowledged is lost, and the whole works.
func TestKillEachComponent(t *testing.T) {
	needLong(t)
	c := start(t, controlplane.Config{})
	ctx := within(t, 8*time.Minute)
	client := clientOf(t, c)
	if err := errors.Join(c.CreateNodes(ctx, controlplane.FakeNodes("gpu", 5, 8)), c.AwaitNodes(ctx, 5)); err != nil {
		t.Fatal(err)
	}
	for i, name := range controlplane.Components() {
		before := assertHealthy(t, ctx, c)
		begin := time.Now()
		if err := c.Kill(name); err != nil {
			t.Fatal(err)
		}
		if exit := <-c.Exits(); exit.Component != name || exit.Status != "signal killed" || !exit.Restarted {
			t.Errorf("exit %+v", exit)
		}
		until(t, ctx, func() string { return string(name) + " is back" }, func() bool {
			st, err := c.Status(ctx)
			return err == nil && st.Healthy()
		})
		t.Logf("%s: all healthy %.1f s after the kill", name, time.Since(begin).Seconds())
		deployment := fmt.Sprintf("after-%d", i)
		createDeployment(t, ctx, client, deployment, 2)
		awaitReplicas(t, ctx, client, deployment, 2)
		took := time.Since(begin)
		t.Logf("%s: new pods run %.1f s after the kill", name, took.Seconds())
		if took > 30*time.Second {
			t.Errorf("%s: new pods ran only %v after the kill", name, took)
		}
		after, err := c.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range controlplane.Components() {
			was, is := before.Component(other), after.Component(other)
			if (was.PID == is.PID) != (other != name) {
				t.Errorf("%s killed: %s had pid %d, has %d", name, other, was.PID, is.PID)
			}
		}
	}
	for i := range controlplane.Components() {
		awaitReplicas(t, ctx, client, fmt.Sprintf("after-%d", i), 2)
	}
}

// A component that is left down is said to be, the others go on, and it comes
// back when asked to.
func TestReportedComponent(t *testing.T) {
	needLong(t)
	c := start(t, controlplane.Config{OnExit: controlplane.Report})
	ctx := within(t, 3*time.Minute)
	if err := c.Kill(controlplane.APIServer); err != nil {
		t.Fatal(err)
	}
	<-c.Exits()
	st, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s := st.Component(controlplane.APIServer); s.Running || st.Healthy() || s.Problem != "not running" {
		t.Errorf("status %+v", s)
	}
	if s := st.Component(controlplane.Kwok); !s.Running || s.Healthy || !strings.Contains(s.Problem, "cannot read nodes") {
		t.Errorf("kwok without an API server: %+v", s)
	}
	if err := c.Restart(ctx, controlplane.APIServer); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, func() string { return "all are healthy" }, func() bool {
		st, err := c.Status(ctx)
		return err == nil && st.Healthy()
	})
}

// A port that is taken while its component is down: each component says so and
// ends, and comes back on the same port once that is free.
func TestPortTakenAtRestart(t *testing.T) {
	needLong(t)
	c := start(t, controlplane.Config{OnExit: controlplane.Report})
	ctx := within(t, 5*time.Minute)
	for _, name := range controlplane.Components() {
		st, err := c.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		port := st.Component(name).Ports[0]
		if err := c.Kill(name); err != nil {
			t.Fatal(err)
		}
		<-c.Exits()
		squatter, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		err = c.Restart(ctx, name)
		if err == nil {
			t.Errorf("%s started although its port was taken", name)
		}
		exit := <-c.Exits()
		if !strings.Contains(strings.Join(exit.LastLines, "\n"), "address already in use") {
			t.Errorf("%s says %q", name, exit.LastLines)
		}
		_ = squatter.Close()
		if err := c.Restart(ctx, name); err != nil {
			t.Fatal(err)
		}
		if st, err := c.Status(ctx); err != nil || st.Component(name).Ports[0] != port {
			t.Errorf("%s has ports %v, had %d: %v", name, st.Component(name).Ports, port, err)
		}
	}
}

func TestSideBySide(t *testing.T) {
	needLong(t)
	ctx := within(t, 4*time.Minute)
	one, two := start(t, controlplane.Config{Name: "one"}), start(t, controlplane.Config{Name: "two"})
	if err := errors.Join(one.CreateNodes(ctx, controlplane.FakeNodes("gpu", 3, 8)), one.AwaitNodes(ctx, 3)); err != nil {
		t.Fatal(err)
	}
	nodes, err := clientOf(t, two).CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil || len(nodes.Items) != 0 {
		t.Errorf("the other cluster has nodes %v, %v", nodes.Items, err)
	}
	assertHealthy(t, ctx, one)
	assertHealthy(t, ctx, two)
}

// kill -9 of the launcher: the components end by themselves.
func TestKillLauncher(t *testing.T) {
	needLong(t)
	dir := filepath.Join(t.TempDir(), "cluster")
	ctx := within(t, 4*time.Minute)
	c, err := controlplane.UpDetached(ctx, controlplane.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	st := assertHealthy(t, ctx, c)
	begin := time.Now()
	if err := syscall.Kill(st.LauncherPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, func() string { return "all have ended" }, func() bool { return len(processesNaming(t, dir)) == 0 })
	t.Logf("all had ended %.1f s after the launcher", time.Since(begin).Seconds())
	fresh := start(t, controlplane.Config{Dir: dir})
	assertHealthy(t, ctx, fresh)
}

// A disk that fills up under all of the cluster's files: writes fail, what was
// acknowledged is there once there is room, and the end needs none.
func TestDiskFull(t *testing.T) {
	needLong(t)
	dir := filepath.Join(t.TempDir(), "cluster")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=320m,mode=0700"); err != nil {
		t.Skipf("cannot mount a small file system (%v): run it as root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("something still uses the folder: %v", err)
		}
	})
	c := start(t, controlplane.Config{Dir: dir})
	ctx := within(t, 8*time.Minute)
	client := clientOf(t, c)
	filler := filepath.Join(dir, "state.json.filler") // a name that the folder's owner expects
	fill(t, filler)
	kept, err := writeUntilRefused(ctx, client)
	t.Logf("after %d MiB: %v", kept/2, err)
	st, statusErr := c.Status(ctx)
	if statusErr != nil {
		t.Fatal(statusErr)
	}
	t.Logf("etcd then: %+v", st.Component(controlplane.Etcd))
	select {
	case exit := <-c.Exits():
		t.Logf("%v", exit)
		if exit.Component != controlplane.Etcd || !strings.Contains(strings.Join(exit.LastLines, "\n"), "no space left on device") {
			t.Errorf("exit %+v", exit)
		}
	case <-ctx.Done():
		t.Fatal("etcd neither ended nor went on")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	until(t, ctx, func() string { return "the cluster is healthy" }, func() bool {
		st, err := c.Status(ctx)
		return err == nil && st.Healthy()
	})
	t.Logf("healthy %.1f s after there is room", time.Since(begin).Seconds())
	for i := range kept {
		if _, err := client.CoreV1().ConfigMaps("default").Get(ctx, fmt.Sprintf("filler-%d", i), metav1.GetOptions{}); err != nil {
			t.Errorf("what was acknowledged: %v", err)
		}
	}
	fill(t, filler) // the end needs no room
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for block := make([]byte, 1<<20); ; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// writeUntilRefused writes objects of half a mebibyte until one is refused, and
// returns how many were acknowledged.
func writeUntilRefused(ctx context.Context, client kubernetes.Interface) (int, error) {
	text := strings.Repeat("x", 1<<19)
	for i := range 1000 {
		object := &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("filler-%d", i)}, Data: map[string]string{"x": text}}
		ask, cancel := context.WithTimeout(ctx, 20*time.Second)
		_, err := client.CoreV1().ConfigMaps("default").Create(ask, object, metav1.CreateOptions{})
		cancel()
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return i, err
		}
	}
	return 1000, errors.New("all were acknowledged")
}

// A machine without any network but loopback is enough.
func TestOffline(t *testing.T) {
	needLong(t)
	cmd := exec.CommandContext(within(t, 3*time.Minute), os.Args[0])
	cmd.Env = append(os.Environ(), offlineHelper+"="+filepath.Join(t.TempDir(), "cluster"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("cannot make a network namespace (%v): run it as root", err)
	}
	if err != nil || !strings.Contains(string(out), "healthy: true") {
		t.Errorf("%v\n%s", err, out)
	}
}

// 1,000 nodes and 2,000 pods: how long, and how much memory.
func TestThousandNodes(t *testing.T) {
	needLong(t)
	for _, gogc := range []int{0, 400} {
		t.Run(fmt.Sprintf("GOGC=%d", gogc), func(t *testing.T) {
			c := start(t, controlplane.Config{GOGC: gogc})
			ctx := within(t, 8*time.Minute)
			assertHealthy(t, ctx, c)
			runPods(t, ctx, c, 1000, 2000)
			st, err := c.Status(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range st.Components {
				t.Logf("%-24s %5d MiB, %5.1f s of CPU", s.Name, s.RSSBytes>>20, s.CPUSeconds)
			}
		})
	}
}
