//go:build linux && cgo

package cli

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/nvml/fakedriver"
	"github.com/kwatt-sim/kwatt/internal/powerprofile"
)

// asProcess prepares this program as a process on the stand-in driver.
func asProcess(t *testing.T, d fakedriver.Driver, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, append([]string{"calibrate"}, args...)...)
	cmd.Env = append(append(os.Environ(), "KWATT_TEST_AS_SIM=1", "LD_LIBRARY_PATH="+d.Dir), d.Env...)
	return cmd
}

// The whole of it in real time, on a driver that is made up but called for real:
// NVML in this program, CUDA in the load process. It is interrupted while the
// clock is locked, by the impatient, and must end within a second with the lock
// gone; then it goes on to its end.
func TestCalibrateOnFakeDriver(t *testing.T) {
	t.Parallel()
	driver, dir := fakedriver.Build(t), t.TempDir()
	settings := func() string {
		b, err := os.ReadFile(driver.Log)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it is made with the first setting
			t.Fatal(err)
		}
		return string(b)
	}
	args := []string{"--quick", "--out", dir, "--kernels", "tensor", "--duties", "0.5", "--batches", "8", "--clocks", "990", "--skip", "0s", "--window", "4s", "--max-settle", "4s", "--measure", "2s"}
	cmd := asProcess(t, driver, args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	var interrupted time.Time
	for lines := bufio.NewScanner(io.TeeReader(stderr, &said)); lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "4/5 ") {
			continue
		}
		for range 100 { // the next state is the sweep's first
			if time.Sleep(100 * time.Millisecond); settings() != "" {
				break
			}
		}
		if got := settings(); got != "lock 990 990\n" {
			t.Errorf("in the sweep the driver was told %q", got)
		}
		interrupted = time.Now()
		for range 3 { // a second Ctrl-C must not keep it from cleaning up
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Fatalf("%v\n%s", err, said.String())
	}
	took := time.Since(interrupted)
	t.Logf("ended %v after the interrupt", took)
	if took > 3*time.Second { // the state itself takes four
		t.Error("want it at once")
	}
	if got := settings(); got != "lock 990 990\nunlock\n" {
		t.Errorf("the driver was told %q", got)
	}
	if !strings.Contains(said.String(), "interrupted: 4 of 5 states are kept in "+dir) {
		t.Errorf("stderr\n%s", said.String())
	}

	out, err := asProcess(t, driver, append(args, "--resume")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got, want := settings(), "lock 990 990\nunlock\nlock 990 990\nunlock\n"; got != want {
		t.Errorf("in all the driver was told %q", got)
	}
	checkFakeProfile(t, filepath.Join(dir, profileFile), string(out))
}

// checkFakeProfile holds the figures to what the made-up GPU draws: 72 W bare,
// 122 W with a context, 520 W busy, 300 W busy with the clock locked.
func checkFakeProfile(t *testing.T, path, out string) {
	t.Helper()
	p, err := powerprofile.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	s := p.Spec
	near := func(name string, got, want, part float64) {
		t.Helper()
		if got < want*(1-part) || got > want*(1+part) {
			t.Errorf("%s: %g W, want %g\n%s", name, got, want, out)
		}
	}
	near("bare", s.Bare.Watts, 72, 0.01)
	near("context", s.Context.Watts, 122, 0.01)
	// What the GPU drew goes with what it did: on a crowded machine that is less
	// than was asked for.
	loads := func(points []powerprofile.BusyPoint, full, least, fill float64) {
		t.Helper()
		for _, b := range points {
			if b.DutyMeasured == nil || *b.DutyMeasured < least || *b.Fill != fill {
				t.Errorf("%s: duty %v, fill %v\n%s", loadName(&b), b.DutyMeasured, *b.Fill, out)
				continue
			}
			near(loadName(&b), b.Watts, 122+(full-122)**b.DutyMeasured, 0.15)
		}
	}
	loads(s.Busy, 520, 0.3, 0.25)
	loads(s.ClockSweep, 300, 0.5, 1)
	for _, b := range s.ClockSweep {
		if b.Throttle["SwPowerCap"] != 1 || *b.SMClockMHz != 990 {
			t.Errorf("%+v", b)
		}
	}
	d, r := s.Device, s.Readings
	if d.Name != "NVIDIA Fake" || d.UUID != "GPU-fake-0001" || d.VBIOS != "1.2.3" || d.MemoryMiB != 80<<10 || !*d.ECC || d.MIG != nil || d.MPS != nil || *d.MinCapWatts != 200 {
		t.Errorf("device %+v", d)
	}
	if r.Watts != "Energy" || r.Instant != nil || r.Usage == nil || r.Energy == nil || s.Source.CUDA != "13.1" || s.Source.OtherProcesses != 0 || len(s.Missing) > 0 {
		t.Errorf("readings %+v, source %+v, missing %v", r, s.Source, s.Missing)
	}
	if u := r.Usage.Update; u == nil || u.D() < 15*time.Millisecond || u.D() > 200*time.Millisecond {
		t.Errorf("the reading changes every 20 ms or at each look, the profile says %v", u)
	}
}

// A hang-up, as of a lost connection, ends an observation like any interrupt.
func TestCalibrateHangUp(t *testing.T) {
	t.Parallel()
	driver, dir := fakedriver.Build(t), t.TempDir()
	cmd := asProcess(t, driver, "--observe", "10m", "--out", dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(8 * time.Second) // more than half a window, on a slow machine too
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	p, err := powerprofile.Load(filepath.Join(dir, profileFile))
	if err != nil || len(p.Spec.Observed) != 1 || p.Spec.Observed[0].Watts < 71.9 || p.Spec.Observed[0].Watts > 72.3 {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// What the load process cannot do is missing in the profile, with its words.
func TestCalibrateWorkerRefuses(t *testing.T) {
	t.Parallel()
	driver, dir := fakedriver.Build(t), t.TempDir()
	driver.Env = append(driver.Env, "FAKE_CUDA_MAJOR=6")
	out, err := asProcess(t, driver, "--quick", "--out", dir, "--kernels", "tensor", "--duties", "1", "--batches", "8", "--skip", "0s", "--window", "4s", "--max-settle", "4s", "--measure", "500ms").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p, err := powerprofile.Load(filepath.Join(dir, profileFile))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(p.Spec.Missing, func(m powerprofile.Missing) bool { return m.Cell == "busy/tensor/d1/b8" })
	if i < 0 || !strings.Contains(p.Spec.Missing[i].Reason, "takes compute capability 7.0 or higher, this GPU has 6.0 (use --load)") || p.Spec.Bare == nil {
		t.Errorf("%+v\n%s", p.Spec.Missing, out)
	}
}
