//go:build linux && cgo

package nvml

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
	"github.com/kwatt-sim/kwatt/internal/calibrate/gputest"
	"github.com/kwatt-sim/kwatt/internal/powerprofile"
)

// measure runs the whole plan on GPU 3 of a DGX H100 whose board is w.
func measure(t *testing.T, w *gputest.World) (bench, *powerprofile.Profile) {
	t.Helper()
	b := newBench(t, dgxh100.New, 3, w, t.TempDir(), false)
	missing, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b, b.profile(t, missing)
}

// point returns the busy figure of a kernel and batch.
func point(t *testing.T, points []powerprofile.BusyPoint, kernel string, batch int) powerprofile.BusyPoint {
	t.Helper()
	i := slices.IndexFunc(points, func(b powerprofile.BusyPoint) bool { return b.Kernel == kernel && b.Batch == batch })
	if i < 0 {
		t.Fatalf("no %s at batch %d in %+v", kernel, batch, points)
	}
	return points[i]
}

func near(a, b, part float64) bool { return math.Abs(a-b) <= part*math.Abs(b) }

// restored fails unless the last things that were set undo the others.
func (b bench) restored(t *testing.T) {
	t.Helper()
	lock, watts := "lock 0 MHz", "cap 700 W"
	for _, l := range b.world.Log {
		if strings.HasPrefix(l, "lock") {
			lock = l
		} else {
			watts = l
		}
	}
	if lock != "lock 0 MHz" || watts != "cap 700 W" || b.world.Cap != 700 {
		t.Errorf("the GPU is left with %s, %s; what was set: %q", lock, watts, b.world.Log)
	}
	if b.world.Opened() {
		t.Error("the load still has its context")
	}
}

func TestEveryMachine(t *testing.T) {
	for name, machine := range machines {
		t.Run(name, func(t *testing.T) {
			w := gputest.New(1)
			b := newBench(t, machine, 7, w, t.TempDir(), false)
			missing, err := b.Run(t.Context())
			if err != nil || len(missing) > 0 {
				t.Fatalf("%v, missing %v", err, missing)
			}
			s := b.profile(t, nil).Spec
			if s.Device.Name == "" || s.Device.UUID != "GPU-test" || s.Device.MemoryMiB == 0 || !*s.Device.ECC || *s.Device.PersistenceMode || *s.Device.MIG || *s.Device.MPS {
				t.Errorf("device %+v", s.Device)
			}
			if b.host.Versions() != (calibrate.Versions{Driver: "550.54.15", NVML: "12.550.54.15", CUDA: "12.4"}) && name != "DGX B200" {
				t.Errorf("versions %+v", b.host.Versions())
			}
			if !near(s.Bare.Watts, 72, 0.01) || !near(s.Context.Watts, 122, 0.01) || !near(point(t, s.Busy, "tensor", 32).Watts, 660, 0.03) {
				t.Errorf("bare %g, context %g, tensor at 32 %g W", s.Bare.Watts, s.Context.Watts, point(t, s.Busy, "tensor", 32).Watts)
			}
			if sweep := point(t, s.ClockSweep, "tensor", 32); *sweep.LockedClockMHz != 990 || *sweep.SMClockMHz != 990 || sweep.Watts > 300 {
				t.Errorf("at 990 MHz: %+v", sweep)
			}
			if sweep := point(t, s.CapSweep, "tensor", 32); *sweep.CapWatts != 300 || !near(sweep.Watts, 300, 0.01) || sweep.Throttle["SwPowerCap"] != 1 || sweep.Grade != "A" {
				t.Errorf("at 300 W: %+v", sweep)
			}
			b.restored(t)
		})
	}
}

func TestThrottling(t *testing.T) {
	w := gputest.New(2)
	w.HotAt = 52
	_, p := measure(t, w)
	hot := point(t, p.Spec.Busy, "tensor", 32)
	if hot.Grade != "B" || hot.Throttle["SwThermalSlowdown"] < 0.1 || !strings.Contains(strings.Join(hot.Notes, "; "), "clocks were held down by SwThermalSlowdown for") {
		t.Errorf("%+v", hot.Figure)
	}
	if cool := point(t, p.Spec.Busy, "memory", 8); cool.Grade != "A" || len(cool.Notes) > 0 {
		t.Errorf("a cool figure is marked too: %+v", cool.Figure)
	}
}

func TestNoEnergyCounter(t *testing.T) {
	w := gputest.New(3)
	w.NoEnergy = true
	_, p := measure(t, w)
	r, b := p.Spec.Readings, point(t, p.Spec.Busy, "tensor", 32)
	if r.Watts != "Instant" || r.Energy != nil || r.Disagreement != nil || b.EnergyWatts != nil || b.Watts != *b.InstantWatts || b.Grade != "A" {
		t.Errorf("%+v\n%+v", r, b.Figure)
	}
}

// An average over a second, the only reading of the board, lags in the step and
// is right all the same, for what is measured is steady.
func TestLaggingAverage(t *testing.T) {
	w := gputest.New(4)
	w.NoInstant, w.NoEnergy, w.UsageWindow = true, true, time.Second
	_, p := measure(t, w)
	r := p.Spec.Readings
	if r.Watts != "Usage" || r.Instant != nil || r.Usage.Response.D() < 400*time.Millisecond || r.Usage.Response.D() > 700*time.Millisecond || r.Usage.Update.D() != 100*time.Millisecond {
		t.Errorf("readings %+v: response %v, update %v", r, r.Usage.Response, r.Usage.Update)
	}
	if b := point(t, p.Spec.Busy, "memory", 32); !near(b.Watts, 433, 0.02) || b.Grade != "A" {
		t.Errorf("%+v", b.Figure)
	}
}

// A board that does not tell its power at all is refused, not measured as 0 W.
func TestNoPower(t *testing.T) {
	w := gputest.New(15)
	w.NoInstant = true
	b := newBench(t, dgxh100.New, 3, w, t.TempDir(), false)
	b.Device.(*device).gpu.(*server.Device).GetPowerUsageFunc = func() (uint32, nvml.Return) { return 0, nvml.ERROR_NOT_SUPPORTED }
	for name, err := range map[string]error{"run": second(b.Run(t.Context())), "observe": b.Observe(t.Context(), nil)} {
		if !errors.Is(err, calibrate.ErrNotSupported) || !strings.HasPrefix(err.Error(), "read power: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[A any](_ A, err error) error { return err }

func TestDisagreement(t *testing.T) {
	w := gputest.New(5)
	w.EnergyGain = 0.9
	_, p := measure(t, w)
	d, b := p.Spec.Readings.Disagreement, point(t, p.Spec.Busy, "tensor", 32)
	if !near(d.Mean, 1/0.9-1, 0.02) || b.Grade != "B" || !strings.Contains(b.Notes[0], "the Instant reading is +11.1 % off the energy counter") {
		t.Errorf("%+v\n%+v", d, b.Figure)
	}
}

func TestLostGPU(t *testing.T) {
	w, dir := gputest.New(6), t.TempDir()
	w.After(2*time.Minute, func() { w.Lost = true })
	b := newBench(t, dgxh100.New, 3, w, dir, false)
	_, err := b.Run(t.Context())
	if !errors.Is(err, calibrate.ErrLost) || !strings.Contains(err.Error(), "cell busy/") {
		t.Fatalf("%v, want a lost GPU and the cell", err)
	}
	kept := len(b.Raw.Complete())
	if kept < 3 {
		t.Fatalf("%d cells are kept", kept)
	}
	if err := b.Raw.Close(); err != nil {
		t.Fatal(err)
	}
	w.Lost = false // after a reset
	again := newBench(t, dgxh100.New, 3, w, dir, true)
	if len(again.Raw.Complete()) != kept {
		t.Errorf("%d cells after reopening, %d before", len(again.Raw.Complete()), kept)
	}
	if _, err := again.Run(t.Context()); err != nil || len(again.Raw.Complete()) != len(again.Plan.Cells) {
		t.Errorf("%v, %d of %d cells", err, len(again.Raw.Complete()), len(again.Plan.Cells))
	}
}

// Without root the sweeps are missing, with the reason, and all else is there.
func TestNoPermission(t *testing.T) {
	w := gputest.New(7)
	w.NoClocks = true
	b, p := measure(t, w)
	if len(p.Spec.ClockSweep)+len(p.Spec.CapSweep) != 0 || len(p.Spec.Busy) != 4 || len(p.Spec.Missing) != 4 {
		t.Fatalf("%+v", p.Spec)
	}
	if m := p.Spec.Missing[0]; m.Cell != "clock/memory/990MHz" || !strings.Contains(m.Reason, "lock the SM clock at 990 MHz: set locked clocks: no permission: it takes root") {
		t.Errorf("%+v", m)
	}
	if slices.Contains(b.world.Log, "lock 0 MHz") {
		t.Errorf("what could not be set was reset, and with it what somebody else may have set: %q", b.world.Log)
	}
}

func TestUnsupportedKernel(t *testing.T) {
	w := gputest.New(8)
	w.Unsupported = map[calibrate.Kernel]bool{calibrate.Tensor: true}
	_, p := measure(t, w)
	if len(p.Spec.Busy) != 2 || len(p.Spec.Missing) != 5 || p.Spec.Missing[0].Cell != "step" || !strings.Contains(p.Spec.Missing[1].Reason, "kernel tensor: not supported") {
		t.Errorf("%+v", p.Spec.Missing)
	}
}

func TestOtherProcesses(t *testing.T) {
	w := gputest.New(9)
	w.Others = []calibrate.Process{{PID: 17, Name: "tritonserver"}, {PID: 18}}
	b := newBench(t, dgxh100.New, 3, w, t.TempDir(), false)
	var impure *calibrate.ImpureError
	if _, err := b.Run(t.Context()); !errors.As(err, &impure) || !strings.HasPrefix(err.Error(), "GPU 3 is in use by 2 processes (17 tritonserver, 18): ") {
		t.Fatalf("%v", err)
	}
	b.Anyway = true
	if _, err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, f := range b.profile(t, nil).Spec.Busy {
		if f.Grade != "C" || f.Notes[0] != "2 processes of others were on the GPU" {
			t.Errorf("%+v", f.Figure)
		}
	}
}

// Somebody comes in mid-run: what was measured before stays grade A.
func TestProcessInMidRun(t *testing.T) {
	w := gputest.New(10)
	w.After(100*time.Second, func() { w.Others = []calibrate.Process{{PID: 99, Name: "python"}} })
	_, p := measure(t, w)
	if p.Spec.Bare.Grade != "A" || p.Spec.BareAgain.Grade != "C" || p.Spec.Source.OtherProcesses != 1 {
		t.Errorf("bare %s, at the end %s, others %d", p.Spec.Bare.Grade, p.Spec.BareAgain.Grade, p.Spec.Source.OtherProcesses)
	}
}

func TestPartitioned(t *testing.T) {
	w := gputest.New(11)
	b := newBench(t, func() *server.Server {
		s := dgxh100.New()
		s.Devices[3].(*server.Device).MigMode = nvml.DEVICE_MIG_ENABLE
		return s
	}, 3, w, t.TempDir(), false)
	if _, err := b.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "GPU 3 is partitioned (MIG)") {
		t.Fatal(err)
	}
	b.Anyway = true
	if _, err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f := b.profile(t, nil).Spec.Bare; f.Grade != "C" || f.Notes[0] != "the GPU was partitioned (MIG)" {
		t.Errorf("%+v", f)
	}
}

// The eight boards of a machine are told apart.
func TestManyGPUs(t *testing.T) {
	s := dgxh100.New()
	for i := range s.Devices {
		w := gputest.New(uint64(i))
		w.Bare = 60 + 10*float64(i)
		if err := w.Sleep(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		wire(s, i, w)
	}
	h, err := open(s)
	if err != nil {
		t.Fatal(err)
	}
	devices, err := h.Devices()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, d := range devices {
		id, err := d.Identity()
		if err != nil || id.Index != i || seen[id.UUID] {
			t.Errorf("GPU %d: %+v, %v", i, id, err)
		}
		seen[id.UUID] = true
		if p, err := d.Power(); err != nil || !near(p.Usage.V, 60+10*float64(i), 0.05) {
			t.Errorf("GPU %d draws %+v, %v", i, p, err)
		}
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}
