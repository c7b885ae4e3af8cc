package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kwatt-sim/kwatt/internal/cli"
	"github.com/kwatt-sim/kwatt/internal/cli/replay"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane/component"
)

// asReplay makes the test binary the program replay.
const asReplay = "KWATT_TEST_AS_REPLAY"

func TestMain(m *testing.M) {
	component.Dispatch()
	if os.Getenv(asReplay) != "" {
		os.Exit(replay.Main(cli.OSEnv()))
	}
	os.Exit(m.Run())
}

// program runs replay commands as a shell would.
type program struct {
	t    *testing.T
	home string // of the clusters
}

func (p program) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asReplay+"=1", "XDG_STATE_HOME="+p.home)
	return cmd
}

func (p program) run(args ...string) (stdout, stderr string, code int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute) // cleanups run commands too
	defer cancel()
	cmd := p.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// expect runs a command that must end with the code and say the texts.
func (p program) expect(code int, texts []string, args ...string) string {
	p.t.Helper()
	stdout, stderr, got := p.run(args...)
	if got != code {
		p.t.Errorf("replay %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, stdout, stderr)
	}
	for _, text := range texts {
		if !strings.Contains(stdout+stderr, text) {
			p.t.Errorf("replay %s lacks %q:\n%s%s", strings.Join(args, " "), text, stdout, stderr)
		}
	}
	return stdout
}

// One cluster's life, as a user has it.
func TestLife(t *testing.T) {
	p := program{t, t.TempDir()}
	dir := filepath.Join(p.home, "kwatt", "clusters", "t1")
	t.Cleanup(func() { p.expect(0, []string{"no such cluster"}, "down", "--name", "t1") }) // it is idempotent
	t.Cleanup(func() { p.run("down", "--name", "t1") })

	kubeconfig := p.expect(0, []string{"cluster t1 is up", "3 nodes are ready"}, "up", "--name", "t1", "--nodes-ready", "3", "--hpa-sync-period", "2s")
	if kubeconfig != filepath.Join(dir, "kubeconfig")+"\n" {
		t.Errorf("up prints %q", kubeconfig)
	}
	p.expect(6, []string{"cluster t1 is there already (up)"}, "up", "--name", "t1")
	p.expect(0, []string{"t1, up", "kube-apiserver", "MiB", "RESTARTS"}, "status", "--name", "t1")
	p.expect(0, []string{"t1", "up", dir}, "list")
	p.expect(0, []string{"certificate-authority-data: ", "current-context: kwatt-t1"}, "kubeconfig", "--dir", dir)
	p.expect(0, []string{dir + "/kubeconfig"}, "kubeconfig", "--path", "--name=t1")
	p.expect(0, []string{"--- etcd starts at"}, "logs", "etcd", "--name", "t1")
	p.expect(0, []string{"etcd: --- etcd starts", "kwok: --- kwok starts"}, "logs", "--name", "t1")
	p.expect(2, []string{`component "etcdd": want one of`}, "logs", "etcdd", "--name", "t1")
	p.kubectl(t, dir)

	t.Run("status in JSON", func(t *testing.T) {
		var st controlplane.Status
		if err := json.Unmarshal([]byte(p.expect(0, nil, "status", "--name", "t1", "-o", "json")), &st); err != nil {
			t.Fatal(err)
		}
		if st.Phase != controlplane.PhaseUp || len(st.Components) != 5 || !st.Detached || st.OtherBinary || len(st.Version.SHA256) != 64 {
			t.Errorf("%+v", st)
		}
	})
	t.Run("a scheduler of its own", func(t *testing.T) { p.secondScheduler(t, dir) })
	t.Run("logs are followed until the end", func(t *testing.T) { p.followUntilDown(t) })
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder after down: %v", err)
	}
	p.expect(6, []string{"no such cluster"}, "status", "--name", "t1")
}

// kubectl checks what a kubectl is given; this one is a script.
func (p program) kubectl(t *testing.T, dir string) {
	t.Helper()
	path := t.TempDir()
	script := "#!/bin/sh\necho \"$KUBECONFIG\" \"$@\"\nexit 7\n"
	if err := os.WriteFile(filepath.Join(path, "kubectl"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", path+":/bin:/usr/bin")
	p.expect(7, []string{dir + "/kubeconfig get nodes --name x\n"}, "kubectl", "--name", "t1", "get", "nodes", "--name", "x")
	p.expect(7, []string{dir + "/kubeconfig version\n"}, "kubectl", "--dir="+dir, "version")
	p.expect(2, []string{"--name needs a value"}, "kubectl", "--name")
	p.expect(6, []string{"no such cluster"}, "kubectl", "--name", "none", "version")
	t.Setenv("PATH", t.TempDir())
	p.expect(2, []string{"install kubectl"}, "kubectl", "--name", "t1", "version")
}

// secondScheduler runs `replay scheduler` as somebody would against any cluster,
// for pods that name it.
func (p program) secondScheduler(t *testing.T, dir string) {
	config := filepath.Join(t.TempDir(), "config.yaml")
	err := os.WriteFile(config, []byte(`
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: `+dir+`/kubeconfig}
leaderElection: {leaderElect: false}
profiles:
- schedulerName: second
  plugins: {multiPoint: {enabled: [{name: EnergyAware, weight: 100}, {name: CarbonAware}]}}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	scheduler := p.command(ctx, "scheduler", "--config", config, "--bind-address", "127.0.0.1", "--secure-port", "0")
	var log bytes.Buffer
	scheduler.Stdout, scheduler.Stderr = &log, &log
	if err := scheduler.Start(); err != nil {
		t.Fatal(err)
	}
	awaitPodOf(t, ctx, dir, "second")
	if err := scheduler.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = scheduler.Wait()
	if code := scheduler.ProcessState.ExitCode(); code != 130 {
		t.Errorf("replay scheduler: exit code %d\n%s", code, log.String())
	}
}

// awaitPodOf makes a pod for a scheduler and waits until it runs.
func awaitPodOf(t *testing.T, ctx context.Context, dir, scheduler string) {
	t.Helper()
	c, err := controlplane.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	config, err := c.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	gpu := v1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}
	pods := client.CoreV1().Pods("default")
	pod, err := pods.Create(ctx, &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: scheduler},
		Spec: v1.PodSpec{SchedulerName: scheduler, Containers: []v1.Container{
			{Name: "c", Image: "none", Resources: v1.ResourceRequirements{Requests: gpu, Limits: gpu}},
		}},
	}, metav1.CreateOptions{})
	for err == nil && pod.Status.Phase != v1.PodRunning {
		time.Sleep(50 * time.Millisecond)
		pod, err = pods.Get(ctx, scheduler, metav1.GetOptions{})
	}
	if err != nil {
		t.Fatalf("the pod of scheduler %s: %v", scheduler, err)
	}
}

// followUntilDown follows the logs while the cluster is taken down.
func (p program) followUntilDown(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	follow := p.command(ctx, "logs", "-f", "--name", "t1")
	var out, errs bytes.Buffer
	follow.Stdout, follow.Stderr = &out, &errs
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	p.expect(0, []string{"cluster t1 is gone"}, "down", "--name", "t1")
	if err := follow.Wait(); err != nil || !strings.Contains(out.String(), "kube-scheduler: ") {
		t.Errorf("logs -f: %v\n%s", err, errs.String())
	}
}

// An interrupt while it starts leaves nothing behind.
func TestInterruptedUp(t *testing.T) {
	p := program{t, t.TempDir()}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	up := p.command(ctx, "up", "--name", "t2")
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(p.home, "kwatt", "clusters", "t2", "logs", "kube-apiserver.log")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(log); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the API server was not started")
		}
	}
	if err := up.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = up.Wait()
	if code := up.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	p.expect(6, []string{"no such cluster"}, "status", "--name", "t2")
}

func TestUsage(t *testing.T) {
	t.Parallel()
	p := program{t, t.TempDir()}
	for _, tt := range []struct {
		code  int
		texts []string
		args  []string
	}{
		{0, []string{"replay up --nodes-ready 10", "Exit codes:"}, []string{"--help"}},
		{0, []string{"sha256", "Kubernetes"}, []string{"version"}},
		{0, []string{`"sha256": "`}, []string{"version", "-o", "json"}},
		{2, []string{"want text or json"}, []string{"version", "-o", "xml"}},
		{2, []string{"unknown command"}, []string{"upp"}},
		{2, []string{"unknown flag"}, []string{"up", "--port", "1"}},
		{2, []string{`cluster name "A"`}, []string{"up", "--name", "A"}},
		{2, []string{`exit policy "x"`, "node lease is 1.5s"}, []string{"up", "--on-exit", "x", "--node-lease", "1500ms"}},
		{2, []string{"want true or false"}, []string{"up", "--feature-gates", "A=yes"}},
		{2, []string{"--nodes-ready -1"}, []string{"up", "--nodes-ready", "-1"}},
		{4, []string{"no such file"}, []string{"up", "--stages", "none.yaml"}},
		{2, []string{`cluster name "../x"`}, []string{"status", "--name", "../x"}},
		{6, []string{"no such cluster"}, []string{"logs", "--name", "none"}},
		{0, []string{"kube-scheduler", "--config"}, []string{"scheduler", "--help"}},
	} {
		p.expect(tt.code, tt.texts, tt.args...)
	}
}
