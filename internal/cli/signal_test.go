package cli

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets a test start this very program as a process of its own, and
// scripts call it sim.
func TestMain(m *testing.M) {
	asSim := func() { os.Exit(Sim(OSEnv())) }
	if os.Getenv("KWATT_TEST_AS_SIM") != "" {
		asSim()
	}
	testscript.Main(m, map[string]func(){"sim": asSim})
}

// A real interrupt of a real process, in mid-run.
func TestInterruptSignal(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "run", small, "--seeds", "1..500", "-j", "1", "--out", t.TempDir())
	cmd.Env = append(os.Environ(), "KWATT_TEST_AS_SIM=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var last string
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		last = lines.Text()
		if strings.HasPrefix(last, "2/2000 ") {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Fatalf("%v, want exit code %d; the last line was %q", err, exitInterrupted, last)
	}
	if !strings.HasPrefix(last, "  sim run "+small) || !strings.HasSuffix(last, " --resume") {
		t.Errorf("the last line is %q, want the command that goes on", last)
	}
}
