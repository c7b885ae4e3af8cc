package controlplane

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestDetached(t *testing.T) {
	t.Parallel()
	dir := fakeDir(t)
	ctx := testContext(t)
	c, err := UpDetached(ctx, Config{Name: "apart", Dir: dir, OnExit: Report})
	if err != nil {
		t.Fatal(err)
	}
	st, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !st.Healthy() || !st.Detached || st.LauncherPID == os.Getpid() || st.Name != "apart" || c.Name() != "apart" {
		t.Errorf("status %+v", st)
	}
	if err := c.Restart(ctx, APIServer); err != nil { // it runs
		t.Fatal(err)
	}
	if now := component(t, c, APIServer); !now.Healthy || now.PID == st.Component(APIServer).PID {
		t.Errorf("after Restart: %+v", now)
	}
	if err := c.Kill(Etcd); err != nil {
		t.Fatal(err)
	}
	eventually(t, "etcd's exit is in the status", func() bool {
		st, err := c.Status(ctx)
		return err == nil && len(st.Exits) == 2 && st.Exits[1].Component == Etcd
	})
	if err := c.Restart(ctx, Etcd); err != nil { // it is down
		t.Fatal(err)
	}
	if st, err := c.Status(ctx); err != nil || !st.Healthy() {
		t.Errorf("at last: %+v, %v", st, err)
	}
	if err := c.Down(ctx); err != nil {
		t.Fatal(err)
	}
	assertNothingLeft(t, dir)
	if _, err := Open(dir); !errors.Is(err, ErrNotFound) {
		t.Errorf("Open after Down: %v", err)
	}
}

func TestDetachedStartThatFails(t *testing.T) {
	t.Parallel()
	dir := fakeDir(t)
	_, err := UpDetached(testContext(t), Config{Dir: dir, Scheduler: SchedulerConfig{ExtraArgs: []string{fakeDies}}})
	if err == nil || !strings.Contains(err.Error(), "start kube-scheduler") || !strings.Contains(err.Error(), "told to die") {
		t.Errorf("error %v", err)
	}
	if left, err := processesOf(layout(dir)); err != nil || len(left) > 0 {
		t.Errorf("processes left: %v, %v", left, err)
	}
}

// The launcher dies without a chance to end anything: the components end by
// themselves, even one that ignores signals, and the next cluster starts.
func TestKilledLauncher(t *testing.T) {
	t.Parallel()
	dir := fakeDir(t)
	ctx := testContext(t)
	c, err := UpDetached(ctx, Config{Dir: dir, Scheduler: SchedulerConfig{ExtraArgs: []string{fakeStubborn}}})
	if err != nil {
		t.Fatal(err)
	}
	st, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(st.LauncherPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all components have ended", func() bool {
		left, err := processesOf(layout(dir))
		return err == nil && len(left) == 0
	})
	gone, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if gone.Phase != PhaseGone || gone.Healthy() {
		t.Errorf("status %+v", gone)
	}
	fresh := startFake(t, Config{Dir: dir})
	if st, err := fresh.Status(ctx); err != nil || !st.Healthy() {
		t.Errorf("the next cluster is %+v, %v", st, err)
	}
}

// A component without a launcher that did not end all the same, and that no
// state knows of: it is found by its arguments, another folder's is left alone.
func TestOrphansAreCleared(t *testing.T) {
	t.Parallel()
	dir, neighbour := fakeDir(t), fakeDir(t)
	mine, theirs := startOrphan(t, layout(dir)), startOrphan(t, layout(neighbour))
	startFake(t, Config{Dir: dir})
	eventually(t, "the folder's orphan has ended", func() bool { return !mine.alive() })
	if !theirs.alive() {
		t.Error("the orphan of another folder was ended too")
	}
	c, err := Open(neighbour)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Down(testContext(t)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other orphan has ended with its folder", func() bool { return !theirs.alive() })
	assertNothingLeft(t, neighbour)
}

// startOrphan starts a component whose lifeline nobody closes.
func startOrphan(t *testing.T, l layout) *child {
	t.Helper()
	if err := errors.Join(os.MkdirAll(l.path(logsDir), 0o700), makePKI(l, time.Now()), os.WriteFile(l.path(lockFile), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	lifeline, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(lifeline.Close(), hold.Close()) })
	s := &state{}
	if s.member(Kwok).Port, err = freePort(); err != nil {
		t.Fatal(err)
	}
	ch, err := startChild(Kwok, l, "", reexecFor(Kwok, l, argsOf(Kwok, Config{}, l, s)), nil, lifeline)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ch.stop(0) })
	return ch
}

func TestDownAfterKilledLauncher(t *testing.T) {
	t.Parallel()
	dir := fakeDir(t)
	ctx := testContext(t)
	c, err := UpDetached(ctx, Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	st, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	// A bystander, of whom a stale state says that he is the cluster's etcd.
	bystander := exec.Command("sleep", "60")
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bystander.Process.Kill(); _ = bystander.Wait() }()
	if err := syscall.Kill(st.LauncherPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the launcher is gone", func() bool {
		st, err := c.Status(ctx)
		return err == nil && st.Phase == PhaseGone
	})
	s, err := readState(layout(dir))
	if err != nil {
		t.Fatal(err)
	}
	s.member(Etcd).Process.PID = bystander.Process.Pid
	if err := s.write(layout(dir)); err != nil {
		t.Fatal(err)
	}
	if err := c.Kill(Etcd); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("Kill of a number that passed to another process: %v", err)
	}
	if err := c.Down(ctx); err != nil {
		t.Fatal(err)
	}
	assertNothingLeft(t, dir)
	if err := bystander.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the bystander: %v", err)
	}
}

func TestDownWithBrokenState(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"garbage": "{", "another schema": `{"schema": 99}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := fakeDir(t)
			ctx := testContext(t)
			c, err := UpDetached(ctx, Config{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(layout(dir).path(stateFile), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Status(ctx); err == nil || !strings.Contains(err.Error(), "`replay down` clears it") {
				t.Errorf("status: %v", err)
			}
			if err := c.Down(ctx); err != nil {
				t.Fatal(err)
			}
			assertNothingLeft(t, dir)
		})
	}
}

// A cluster of a binary that is not byte for byte this one.
func TestOtherBinary(t *testing.T) {
	t.Parallel()
	dir := fakeDir(t)
	other := filepath.Join(t.TempDir(), "other")
	if err := copyWithTail(other); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(other)
	cmd.Env = append(os.Environ(), upHelper+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx := testContext(t)
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var mismatch *VersionError
	if err := c.CheckBinary(); !errors.As(err, &mismatch) || mismatch.Cluster.Binary != other {
		t.Errorf("CheckBinary: %v", err)
	}
	if _, err := Up(ctx, Config{Dir: dir}); !errors.As(err, &mismatch) || !strings.Contains(err.Error(), "take the cluster down and up again") {
		t.Errorf("Up: %v", err)
	}
	if st, err := c.Status(ctx); err != nil || !st.OtherBinary || !st.Healthy() {
		t.Errorf("status %+v, %v", st, err)
	}
	if err := c.Down(ctx); err != nil { // that one may
		t.Fatal(err)
	}
	assertNothingLeft(t, dir)
}

// copyWithTail copies the running program and adds a byte, which changes its
// hash and nothing else.
func copyWithTail(path string) error {
	in, err := os.Open(selfExe)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.MultiReader(in, strings.NewReader("x")))
	return errors.Join(err, out.Close())
}

func TestFindByName(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	ctx := testContext(t)
	if _, err := Find("none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no cluster: %v", err)
	}
	if _, err := Find("../etc"); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("a name that leads away: %v", err)
	}
	for _, name := range []string{"a", "b"} { // side by side
		startFake(t, Config{Name: name})
	}
	c, err := Find("b")
	if err != nil {
		t.Fatal(err)
	}
	if st, err := c.Status(ctx); err != nil || !st.Healthy() || st.Name != "b" {
		t.Errorf("status %+v, %v", st, err)
	}
	list, err := List()
	if err != nil || len(list) != 2 || list[0].Name() != "a" || list[1].Name() != "b" {
		t.Errorf("list %v, %v", list, err)
	}
}
