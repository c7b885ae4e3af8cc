package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
	"github.com/kwatt-sim/kwatt/internal/calibrate/gputest"
	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/nvml"
	"github.com/kwatt-sim/kwatt/internal/powerprofile"
)

// testHost is a machine with boards of package gputest.
type testHost []*gputest.World

func (h testHost) Versions() calibrate.Versions {
	return calibrate.Versions{Driver: "550.54.15", NVML: "12.550.54.15", CUDA: "12.4"}
}
func (h testHost) Close() error { return nil }

func (h testHost) Devices() ([]calibrate.Device, error) {
	var all []calibrate.Device
	for i, w := range h {
		all = append(all, indexed{gputest.Device{World: w}, i})
	}
	return all, nil
}

// indexed is one of several boards.
type indexed struct {
	gputest.Device
	index int
}

func (d indexed) Identity() (calibrate.Identity, error) {
	id, err := d.Device.Identity()
	id.Index, id.BusID = d.index, fmt.Sprintf("00000000:%02X:00.0", d.index+1)
	id.UUID = fmt.Sprintf("GPU-00000000-0000-0000-0000-00000000000%d", d.index+1)
	return id, err
}

// calibrateOn runs the command on boards; the clock is that of the first.
func calibrateOn(t *testing.T, ctx context.Context, worlds testHost, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := testEnv(ctx, &out, &errs, append([]string{"calibrate"}, args...)...)
	cmd := newCalibrateCommand(env, bench{
		open:  func() (calibrate.Host, error) { return worlds, nil },
		clock: worlds[0],
		load:  func(calibrate.Identity, int) calibrate.Load { return gputest.Load{World: worlds[0]} },
	})
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetFlagErrorFunc(flagError)
	err := cmd.ExecuteContext(ctx)
	if err != nil {
		complain(env, "sim", err)
	}
	return exitCode(err), out.String(), errs.String()
}

// The whole command on a board in fake time: what it prints, and its files to
// the byte, the host's name aside.
func TestCalibrate(t *testing.T) {
	dir := t.TempDir()
	args := []string{"--quick", "--kernels", "tensor", "--duties", "1", "--batches", "8,32", "--clocks", "990", "--out", dir, "--gpu", "nvidia-h100-sxm"}
	code, stdout, stderr := calibrateOn(t, t.Context(), testHost{gputest.New(1)}, args...)
	if code != exitOK {
		t.Fatal(code, stderr)
	}
	golden.Check(t, "testdata/calibrate.txt", []byte(stdout))
	if want := "sim: should this process be killed (kill -9), undo its setting with: nvidia-smi --id=GPU-00000000-0000-0000-0000-000000000001 --reset-gpu-clocks\n1/6 bare: 72.0 W\n2/6 context: 122.1 W\n3/6 step\n"; !strings.HasPrefix(stderr, want) || !strings.HasSuffix(stderr, "profile "+filepath.Join(dir, "profile.yaml")+"\n") {
		t.Errorf("stderr:\n%s", stderr)
	}
	p, err := powerprofile.Load(filepath.Join(dir, profileFile))
	if err != nil {
		t.Fatal(err)
	}
	s := &p.Spec.Source
	if s.Host == "" || s.Command != "sim calibrate "+shellWords(args) || s.Driver != "550.54.15" || s.Load != "Builtin" || p.Spec.Device.GPU != "nvidia-h100-sxm" || p.Metadata.Name != "nvidia-test-board-00000001" {
		t.Errorf("%+v\n%+v", s, p.Spec.Device)
	}
	s.Host, s.Command = "", ""
	out, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/calibrate.yaml", out)
	raw, err := os.ReadFile(filepath.Join(dir, rawFile))
	if err != nil {
		t.Fatal(err)
	}
	// The file is long: its head and each 500th line say how it is written, and the
	// profile has the digest of the whole.
	lines := strings.SplitAfter(string(raw), "\n")
	some := strings.Join(lines[:10], "")
	for i := 10; i < len(lines); i += 500 {
		some += lines[i]
	}
	golden.Check(t, "testdata/calibrate.csv", []byte(some+lines[len(lines)-2]))

	// The same again is refused; with --resume there is nothing left to measure.
	if code, _, stderr := calibrateOn(t, t.Context(), testHost{gputest.New(1)}, args...); code != exitUsage || !strings.Contains(stderr, "exists: add --resume") {
		t.Errorf("again: %d, %s", code, stderr)
	}
	if code, _, stderr := calibrateOn(t, t.Context(), testHost{gputest.New(1)}, "--quick", "--out", dir, "--resume"); code != exitUsage || !strings.Contains(stderr, "raw.csv was measured with plan ") {
		t.Errorf("another plan: %d, %s", code, stderr)
	}
	code, again, stderr := calibrateOn(t, t.Context(), testHost{gputest.New(1)}, append(args, "--resume")...)
	if code != exitOK || again != stdout {
		t.Errorf("resumed after the end: %d, %s%s", code, stderr, cmp.Diff(stdout, again))
	}
}

func TestCalibrateInterruptAndResume(t *testing.T) {
	w, dir := gputest.New(2), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	w.After(100*time.Second, cancel)
	args := []string{"--quick", "--out", dir}
	code, stdout, stderr := calibrateOn(t, ctx, testHost{w}, args...)
	if code != exitInterrupted || stdout != "" || !strings.HasSuffix(stderr, "sim: interrupted: 5 of 15 states are kept in "+dir+"; go on with:\n  sim calibrate --quick --out "+dir+" --resume\n") {
		t.Fatalf("%d, stdout %q, stderr\n%s", code, stdout, stderr)
	}
	code, stdout, stderr = calibrateOn(t, t.Context(), testHost{w}, append(args, "--resume")...)
	if code != exitOK || !strings.HasPrefix(stderr, "6/15 ") || strings.Count(stdout, "\n") != 16 {
		t.Errorf("%d, stdout\n%sstderr\n%s", code, stdout, stderr)
	}
}

// What the machine does wrong ends with its exit code, keeps what there is and
// says what to do.
func TestCalibrateFailures(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*gputest.World)
		code   int
		want   string
	}{
		"lost":    {func(w *gputest.World) { w.After(30*time.Second, func() { w.Lost = true }) }, exitFiles, "the GPU is lost: it fell off the bus or needs a reset\nsim: 1 of 15 states are kept in "},
		"in use":  {func(w *gputest.World) { w.Others = []calibrate.Process{{PID: 7, Name: "python"}} }, exitLimit, "GPU 0 is in use by 1 processes (7 python): make it free"},
		"no load": {func(w *gputest.World) { w.LoadFails = fmt.Errorf("CUDA error 719") }, exitFiles, "the load ended by itself: CUDA error 719"},
	} {
		w := gputest.New(3)
		c.change(w)
		if code, stdout, stderr := calibrateOn(t, t.Context(), testHost{w}, "--quick", "--out", t.TempDir()); code != c.code || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, stdout %q, stderr\n%s", name, code, stdout, stderr)
		}
	}
}

func TestCalibrateUsage(t *testing.T) {
	two := testHost{gputest.New(1), gputest.New(2)}
	for args, want := range map[string]string{
		"--quick --full":               "--quick and --full: want one of them",
		"--kernels fp64":               "--kernels fp64: want some of memory, fp32, tensor, each once",
		"--duties 0,1":                 "--duties 0: want values over 0 and up to 1, each once",
		"--batches 8,1,8":              "--batches 8: want values at least 1, each once",
		"--clocks 9000000":             "--clocks 9e+06: want values MHz, 100 to 10000, each once",
		"--saturate 0":                 "--saturate 0: want at least 1",
		"--window 1s":                  "--window 1s: want at least 4s",
		"--load-warmup 3s":             "--load-warmup goes with --load",
		"--load ./x --kernels tensor":  "are of the builtin load",
		"--load ./x --duties 0.5":      "--duties: the command of --load has no {duty}",
		"--load ./x --batches 1,2":     "--batches: the command of --load has no {batch}",
		"--observe 1m --quick":         "--observe sets nothing: --quick does not go with it",
		"--observe 1s":                 "--observe 1s: want at least 10s",
		"--rate-from x":                "--rate-from goes with --observe",
		"--device 2":                   "--device 2: there are 0 (NVIDIA Test Board, GPU-00000000-0000-0000-0000-000000000001), 1 (",
		"":                             "there are 2 GPUs, choose one with --device: 0 (NVIDIA Test Board,",
		"--device 0 --name Foo":        "--name Foo: want lower-case letters, digits and dashes",
		"--gpu nvidia-h101 --device 0": "--gpu: unknown GPU",
		"--device 0 --observe 1m --rate-from /x/y/z": "--rate-from /x/y/z: name the metric with --rate-metric",
		"--frequency 3": "unknown flag",
		"more":          "unknown command",
	} {
		t.Chdir(t.TempDir())
		code, _, stderr := calibrateOn(t, t.Context(), two, strings.Fields(args)...)
		if code != exitUsage && want != "unknown command" || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d, want %q in\n%s", args, code, want, stderr)
		}
	}
}

// The second of two boards, by each of its names.
func TestCalibrateChoosesGPU(t *testing.T) {
	first, second := gputest.New(1), gputest.New(2)
	for _, name := range []string{"1", "GPU-00000000-0000-0000-0000-000000000002", "00000000:02:00.0"} {
		d, id, err := chooseGPU(must(testHost{first, second}.Devices()), name)
		if err != nil || id.Index != 1 || d.(indexed).World != second {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
	code, stdout, stderr := calibrateOn(t, t.Context(), testHost{first, second}, "--list")
	if code != exitOK || strings.Count(stdout, "\n") != 3 || !strings.Contains(stdout, "1    NVIDIA Test Board  GPU-00000000-0000-0000-0000-000000000002  00000000:02:00.0  700") {
		t.Errorf("%d\n%s%s", code, stdout, stderr)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestCalibrateDryRun(t *testing.T) {
	var text strings.Builder
	for _, args := range []string{"--quick", "", "--full --clocks 900,1500 --caps 300", "--observe 10m", "--load ./x{duty}{batch} --batches 1,8"} {
		code, stdout, stderr := calibrateOn(t, t.Context(), testHost{gputest.New(1)}, append(strings.Fields(args), "--dry-run")...)
		if code != exitOK {
			t.Fatal(stderr)
		}
		fmt.Fprintf(&text, "$ sim calibrate %s --dry-run\n%s\n", args, stdout)
	}
	golden.Check(t, "testdata/calibrate-plans.txt", []byte(text.String()))
}

func TestCalibrateWithoutDriver(t *testing.T) {
	if _, err := nvml.Open(); err == nil {
		t.Skip("this machine has a driver")
	}
	code, stdout, stderr := sim(t, "calibrate")
	if code != exitFiles || stdout != "" || !strings.HasPrefix(stderr, "sim: no NVIDIA driver: ") {
		t.Errorf("exit %d, %q, %s", code, stdout, stderr)
	}
	if code, stdout, _ := sim(t, "calibrate", "--quick", "--dry-run"); code != exitOK || !strings.Contains(stdout, "15 cells") {
		t.Errorf("a dry run needs no driver: exit %d\n%s", code, stdout)
	}
}
