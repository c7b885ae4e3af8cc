package controlplane

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestUpAndDownLeaveNothing(t *testing.T) {
	t.Parallel()
	dir := fakeDir(t)
	ctx := testContext(t)
	c, err := Up(ctx, Config{Name: "one", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	st, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !st.Healthy() || st.Phase != PhaseUp || st.OtherBinary || st.Name != "one" || st.ReadySeconds <= 0 {
		t.Errorf("status %+v", st)
	}
	for _, s := range st.Components {
		if s.PID == 0 || len(s.Ports) == 0 || s.RSSBytes < 1<<20 || s.CPUSeconds < 0 || s.AgeSeconds < 0 || s.AgeSeconds > 60 {
			t.Errorf("status of %s: %+v", s.Name, s)
		}
	}
	if err := errors.Join(c.Down(ctx), c.Down(ctx)); err != nil { // a second time does nothing
		t.Fatal(err)
	}
	if _, open := <-c.Exits(); open {
		t.Error("an orderly end was reported as an exit")
	}
	assertNothingLeft(t, dir)
}

func TestComponentThatEndsIsRestarted(t *testing.T) {
	t.Parallel()
	c := startFake(t, Config{Dir: fakeDir(t)})
	ctx := testContext(t)
	for _, name := range Components() {
		before := component(t, c, name)
		if err := c.Kill(name); err != nil {
			t.Fatal(err)
		}
		exit := <-c.Exits()
		if exit.Component != name || exit.Status != "signal killed" || !exit.Restarted || len(exit.LastLines) == 0 {
			t.Errorf("exit %+v", exit)
		}
		eventually(t, string(name)+" is healthy again", func() bool {
			now := component(t, c, name)
			return now.Healthy && now.PID != before.PID && now.Restarts == 1 && now.Ports[0] == before.Ports[0]
		})
	}
	st, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Exits) != len(Components()) || !st.Healthy() {
		t.Errorf("after all: %+v", st)
	}
}

func TestComponentThatEndsIsReported(t *testing.T) {
	t.Parallel()
	c := startFake(t, Config{Dir: fakeDir(t), OnExit: Report})
	ctx := testContext(t)
	if err := c.Kill(Scheduler); err != nil {
		t.Fatal(err)
	}
	if exit := <-c.Exits(); exit.Component != Scheduler || exit.Restarted {
		t.Errorf("exit %+v", exit)
	}
	time.Sleep(2 * firstBackoff)
	down := component(t, c, Scheduler)
	if down.Running || down.Healthy || down.Problem != "not running" || down.Restarts != 0 {
		t.Errorf("status %+v", down)
	}
	if err := c.Kill(Scheduler); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("killing what is dead: %v", err)
	}
	if err := c.Restart(ctx, Scheduler); err != nil {
		t.Fatal(err)
	}
	before := component(t, c, Scheduler)
	if !before.Healthy {
		t.Errorf("after Restart: %+v", before)
	}
	if err := c.Restart(ctx, Scheduler); err != nil { // one that runs
		t.Fatal(err)
	}
	if now := component(t, c, Scheduler); !now.Healthy || now.PID == before.PID {
		t.Errorf("after a second Restart: %+v", now)
	}
	select {
	case exit := <-c.Exits():
		t.Errorf("a restart that was asked for was reported: %v", exit)
	default:
	}
	if err := c.Restart(ctx, "kubelet"); err == nil || !strings.Contains(err.Error(), "want one of") {
		t.Errorf("an unknown component: %v", err)
	}
}

func TestStubbornComponentIsKilled(t *testing.T) {
	t.Parallel()
	dir := fakeDir(t)
	ctx := testContext(t)
	c, err := Up(ctx, Config{Dir: dir, Scheduler: SchedulerConfig{ExtraArgs: []string{fakeStubborn}}})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := c.Down(ctx); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < stopGrace {
		t.Errorf("it had %v to end, want %v", took, stopGrace)
	}
	assertNothingLeft(t, dir)
}

func TestFailedStart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cfg  Config
		want []string
	}{
		"ends at once":    {Config{ControllerManager: ControllerManagerConfig{ExtraArgs: []string{fakeDies}}}, []string{"start kube-controller-manager", "exit code 3", "told to die"}},
		"is never ready":  {Config{StartTimeout: 2 * time.Second, Etcd: EtcdConfig{ExtraArgs: []string{fakeNeverReady}}}, []string{"start etcd", "not up within 2s", "soul failed"}},
		"has faults":      {Config{Name: "A", OnExit: "shrug"}, []string{`name "A"`, `policy "shrug"`}},
		"has a bad stage": {Config{Scheduler: SchedulerConfig{Config: []byte("kind: Pod")}}, []string{"want kind: KubeSchedulerConfiguration"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.cfg.Dir = fakeDir(t)
			_, err := Up(testContext(t), tt.cfg)
			if err == nil {
				t.Fatal("it started")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error lacks %q: %v", want, err)
				}
			}
			left, err := processesOf(layout(tt.cfg.Dir))
			if err != nil || len(left) > 0 {
				t.Errorf("processes left: %v, %v", left, err)
			}
			for _, secret := range secretEntries {
				if _, err := os.Stat(layout(tt.cfg.Dir).path(secret)); err == nil {
					t.Errorf("%s is left", secret)
				}
			}
		})
	}
}

func TestFailedStartIsThereToLookAt(t *testing.T) {
	t.Parallel()
	dir := fakeDir(t)
	ctx := testContext(t)
	if _, err := Up(ctx, Config{Dir: dir, APIServer: APIServerConfig{ExtraArgs: []string{fakeDies}}}); err == nil {
		t.Fatal("it started")
	}
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	st, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if st.Phase != PhaseFailed || !strings.Contains(st.Failure, "start kube-apiserver") {
		t.Errorf("status %+v", st)
	}
	if lines := tailLines(c.LogFile(APIServer), 1); len(lines) != 1 || lines[0] != "fake: told to die" {
		t.Errorf("log %q", lines)
	}
	if err := c.Down(ctx); err != nil {
		t.Fatal(err)
	}
	assertNothingLeft(t, dir)
}

func TestInterruptedStart(t *testing.T) {
	t.Parallel()
	dir := fakeDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Second, cancel)
	_, err := Up(ctx, Config{Dir: dir, Etcd: EtcdConfig{ExtraArgs: []string{fakeNeverReady}}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	assertNothingLeft(t, dir)
}

// A port that somebody takes between our choice and the component's bind.
func TestTakenPortIsReplaced(t *testing.T) { // not parallel: it replaces choosePort
	var taken []int
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		taken = append(taken, l.Addr().(*net.TCPAddr).Port)
	}
	var calls atomic.Int64
	choosePort = func() (int, error) {
		if n := calls.Add(1); n <= int64(len(taken)) {
			return taken[n-1], nil // etcd's client and peer port, then only its client port
		}
		return freePort()
	}
	defer func() { choosePort = freePort }()
	c := startFake(t, Config{Dir: fakeDir(t)})
	if st := component(t, c, Etcd); !st.Healthy || st.Ports[0] == taken[0] || st.Ports[0] == taken[2] || st.Restarts != 0 {
		t.Errorf("status %+v, taken were %v", st, taken)
	}
	choosePort = func() (int, error) { return taken[0], nil }
	_, err := Up(testContext(t), Config{Dir: fakeDir(t)})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("with no free port: %v", err)
	}
}

func TestSecondUpIsRefused(t *testing.T) {
	t.Parallel()
	dir := fakeDir(t)
	c := startFake(t, Config{Name: "mine", Dir: dir})
	ctx := testContext(t)
	for name, up := range map[string]func(context.Context, Config) (*Cluster, error){"in process": Up, "detached": UpDetached} {
		_, err := up(ctx, Config{Name: "mine", Dir: dir})
		if err == nil || !strings.Contains(err.Error(), "cluster mine is there already (up)") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if st, err := c.Status(ctx); err != nil || !st.Healthy() || len(st.Exits) > 0 {
		t.Errorf("the first one is %+v, %v", st, err)
	}
	// Nor does another process take down what this one holds.
	other, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Down(ctx); err == nil || !strings.Contains(err.Error(), "end that one") {
		t.Errorf("down from elsewhere: %v", err)
	}
	if other.Exits() != nil {
		t.Error("a cluster held elsewhere has exits to read")
	}
}

func TestUpNeedsDispatch(t *testing.T) { // not parallel: it pretends
	dispatched.Store(false)
	defer dispatched.Store(true)
	for name, up := range map[string]func(context.Context, Config) (*Cluster, error){"Up": Up, "UpDetached": UpDetached} {
		if _, err := up(t.Context(), Config{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "component.Dispatch") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A full disk must stop neither the launcher nor the end.
func TestStateThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := fakeDir(t)
	c := startFake(t, Config{Dir: dir, OnExit: Report})
	l := layout(dir)
	// A folder in the place of the state file cannot be replaced by a file.
	if err := errors.Join(os.Rename(l.path(stateFile), l.path(stateFile+".kept")), os.MkdirAll(l.path(stateFile, "x"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := c.launcher.running[Kwok].cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if exit := <-c.Exits(); exit.Component != Kwok {
		t.Errorf("exit %+v", exit)
	}
	if err := os.RemoveAll(l.path(stateFile)); err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(testContext(t), Kwok); err != nil {
		t.Fatal(err)
	}
	if st := component(t, c, Kwok); !st.Healthy {
		t.Errorf("once it can be written: %+v", st)
	}
}

func component(t *testing.T, c *Cluster, name Component) ComponentStatus {
	t.Helper()
	st, err := c.Status(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	return st.Component(name)
}
