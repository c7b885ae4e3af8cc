package controlplane

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestIdentity(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	p, err := identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Args, []string{"sleep", "60"}) || !p.running() || p.age() < 0 || p.age() > time.Minute || p.rss() == 0 {
		t.Errorf("%+v, age %v, rss %d", p, p.age(), p.rss())
	}
	// The same number, but not the same process.
	for name, change := range map[string]func(*process){
		"start":     func(p *process) { p.Start++ },
		"boot":      func(p *process) { p.Boot = "another" },
		"arguments": func(p *process) { p.Args = []string{"sleep", "61"} },
		"none":      func(p *process) { p.PID = 0 },
		"group":     func(p *process) { p.PID = -p.PID },
	} {
		other := p
		change(&other)
		if err := other.signal(syscall.SIGKILL); other.running() || !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("another %s: running %v, signal %v", name, other.running(), err)
		}
	}
	if !p.running() {
		t.Fatal("it was killed as another")
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it has ended, as a zombie", func() bool { return !p.running() })
	if _, err := identify(p.PID); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("identify a zombie: %v", err)
	}
}

func TestProcessesAreRecognisedByTheirFolder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		argv []string
		role Component
		dir  string
	}{
		{append([]string{"/bin/replay"}, reexecFor(Etcd, "/d", []string{"--x"})...), Etcd, "/d"},
		{append([]string{"anything"}, reexecFor(launcherRole, "/d e", nil)...), launcherRole, "/d e"},
		{argv: []string{"grep", "component", "etcd", "/d"}},
		{argv: []string{"replay", "kubectl", "component", "--dir=/d"}},
		{argv: []string{"component", "etcd", "--dir=/d"}},
		{argv: nil},
	} {
		role, dir, ok := parseReexec(tt.argv)
		if ok != (tt.role != "") || ok && (role != tt.role || dir != tt.dir) {
			t.Errorf("%q: %s in %q, %v", tt.argv, role, dir, ok)
		}
	}
}

func TestLockOutlivesItsFile(t *testing.T) {
	t.Parallel()
	l := layout(t.TempDir())
	first, ok, err := lockDir(l)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, ok, err := lockDir(l); err != nil || ok {
		t.Errorf("locked twice: %v, %v", ok, err)
	}
	if err := errors.Join(os.Remove(l.path(lockFile)), first.Close()); err != nil {
		t.Fatal(err)
	}
	second, ok, err := lockDir(l)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	_ = second.Close()
}

func TestTailLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	for _, tt := range []struct {
		content string
		want    []string
	}{
		{"", []string{""}},
		{"a\nb\nc\n", []string{"b", "c"}},
		{"a", []string{"a"}},
		{strings.Repeat("x", 1<<17) + "\nend\n", []string{strings.Repeat("x", 1<<16-5), "end"}},
	} {
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := tailLines(path, 2); !slices.Equal(got, tt.want) {
			t.Errorf("%.20q: %.40q", tt.content, got)
		}
	}
	if got := tailLines(path+".none", 2); got != nil {
		t.Errorf("no file: %q", got)
	}
}

func TestPortsAreBelowTheKernelsOwn(t *testing.T) {
	t.Parallel()
	for range 50 {
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		if port < firstPort || port >= ephemeralPort() {
			t.Errorf("port %d, the kernel's begin at %d", port, ephemeralPort())
		}
	}
}
