//go:build linux && cgo

package nvml

import (
	"encoding/binary"
	"path/filepath"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxa100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxb200"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh200"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
	"github.com/kwatt-sim/kwatt/internal/calibrate/gputest"
	"github.com/kwatt-sim/kwatt/internal/powerprofile"
)

// machines are the mocks that go-nvml offers.
var machines = map[string]func() *server.Server{
	"DGX A100": dgxa100.New, "DGX H100": dgxh100.New, "DGX H200": dgxh200.New, "DGX B200": dgxb200.New,
}

// wire makes GPU index of the mock show what the world's board does.
func wire(s *server.Server, index int, w *gputest.World) *server.Device {
	d := s.Devices[index].(*server.Device)
	ok := func() nvml.Return {
		if w.Lost {
			return nvml.ERROR_GPU_IS_LOST
		}
		return nvml.SUCCESS
	}
	mw := func(v float64) uint32 { return uint32(1000 * v) }
	wireLimits(d, w)
	d.GetPowerUsageFunc = func() (uint32, nvml.Return) { return mw(w.Sense().Usage), ok() }
	d.GetTotalEnergyConsumptionFunc = func() (uint64, nvml.Return) {
		if w.NoEnergy {
			return 0, nvml.ERROR_NOT_SUPPORTED
		}
		return uint64(1000 * w.Sense().Joules), ok()
	}
	d.GetFieldValuesFunc = func(fields []nvml.FieldValue) nvml.Return {
		for i := range fields {
			f := &fields[i]
			f.ValueType = uint32(nvml.VALUE_TYPE_UNSIGNED_INT)
			switch {
			case f.FieldId == nvml.FI_DEV_POWER_INSTANT && !w.NoInstant:
				binary.NativeEndian.PutUint32(f.Value[:], mw(w.Sense().Instant))
			case f.FieldId == nvml.FI_DEV_POWER_AVERAGE && !w.NoInstant:
				binary.NativeEndian.PutUint32(f.Value[:], mw(w.Sense().Average))
			default:
				f.NvmlReturn = uint32(nvml.ERROR_NOT_SUPPORTED)
			}
		}
		return ok()
	}
	d.GetTemperatureFunc = func(nvml.TemperatureSensors) (uint32, nvml.Return) { return uint32(w.Sense().Celsius), ok() }
	d.GetClockInfoFunc = func(c nvml.ClockType) (uint32, nvml.Return) {
		if c == nvml.CLOCK_MEM {
			return 2619, ok()
		}
		return uint32(w.Sense().Clock), ok()
	}
	d.GetPerformanceStateFunc = func() (nvml.Pstates, nvml.Return) { return nvml.PSTATE_0, ok() }
	d.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) {
		return nvml.Utilization{Gpu: uint32(100 * w.Sense().Utilisation)}, ok()
	}
	d.GetCurrentClocksEventReasonsFunc = func() (uint64, nvml.Return) { return eventBits(w.Sense().Throttle), ok() }
	d.GetGraphicsRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return nil, ok() }
	d.GetMPSComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return nil, ok() }
	d.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) {
		var list []nvml.ProcessInfo
		for _, p := range w.Processes() {
			list = append(list, nvml.ProcessInfo{Pid: uint32(p.PID)})
		}
		return list, ok()
	}
	s.SystemGetProcessNameFunc = func(pid int) (string, nvml.Return) {
		for _, p := range w.Processes() {
			if p.PID == pid {
				return p.Name, nvml.SUCCESS
			}
		}
		return "", nvml.ERROR_NOT_FOUND
	}
	return d
}

func wireLimits(d *server.Device, w *gputest.World) {
	d.GetVbiosVersionFunc = func() (string, nvml.Return) { return "96.00.01", nvml.SUCCESS }
	d.GetMaxClockInfoFunc = func(nvml.ClockType) (uint32, nvml.Return) { return uint32(w.MaxClock), nvml.SUCCESS }
	d.GetPowerManagementLimitFunc = func() (uint32, nvml.Return) { return uint32(1000 * w.Cap), nvml.SUCCESS }
	d.GetPowerManagementDefaultLimitFunc = func() (uint32, nvml.Return) { return 700_000, nvml.SUCCESS }
	d.GetPowerManagementLimitConstraintsFunc = func() (uint32, uint32, nvml.Return) { return 200_000, 700_000, nvml.SUCCESS }
	d.GetEccModeFunc = func() (nvml.EnableState, nvml.EnableState, nvml.Return) {
		return nvml.FEATURE_ENABLED, nvml.FEATURE_ENABLED, nvml.SUCCESS
	}
	d.GetPersistenceModeFunc = func() (nvml.EnableState, nvml.Return) { return nvml.FEATURE_DISABLED, nvml.SUCCESS }
	set := func(err error) nvml.Return {
		if err != nil {
			return nvml.ERROR_NO_PERMISSION
		}
		return nvml.SUCCESS
	}
	d.SetGpuLockedClocksFunc = func(low, high uint32) nvml.Return {
		if low != high {
			return nvml.ERROR_INVALID_ARGUMENT
		}
		return set(w.Lock(float64(low)))
	}
	d.ResetGpuLockedClocksFunc = func() nvml.Return { return set(w.Lock(0)) }
	d.SetPowerManagementLimitFunc = func(mw uint32) nvml.Return { return set(w.SetCap(float64(mw) / 1000)) }
}

// eventBits is what NVML would say.
func eventBits(t calibrate.Throttle) uint64 {
	var bits uint64
	for _, r := range reasons {
		if t&r.reason != 0 {
			bits |= r.bit
		}
	}
	return bits
}

// plan has a cell of every kind.
func plan() calibrate.Plan {
	q := calibrate.Quick()
	return calibrate.NewPlan(calibrate.Grid{Kernels: []calibrate.Kernel{calibrate.Memory, calibrate.Tensor}, Duties: []float64{1}, Batches: []int{8, 32},
		Clocks: []float64{990}, Caps: []float64{300}, Saturating: 32, Again: true}, q.Timing)
}

// bench is a session on one GPU of a mocked machine.
type bench struct {
	*calibrate.Session
	world *gputest.World
	host  calibrate.Host
}

func newBench(t testing.TB, machine func() *server.Server, index int, w *gputest.World, dir string, resume bool) bench {
	t.Helper()
	s := machine()
	wire(s, index, w)
	s.Devices[index].(*server.Device).UUID = "GPU-test" // a mock makes a new one each time
	h, err := open(s)
	if err != nil {
		t.Fatal(err)
	}
	devices, err := h.Devices()
	if err != nil || len(devices) != 8 {
		t.Fatalf("%d GPUs, %v", len(devices), err)
	}
	id, err := devices[index].Identity()
	if err != nil {
		t.Fatal(err)
	}
	p := plan()
	raw, err := calibrate.OpenRaw(filepath.Join(dir, "raw.csv"), calibrate.NewHeader(id, h.Versions(), p.Digest()), resume)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return bench{&calibrate.Session{Device: devices[index], Load: gputest.Load{World: w}, Clock: w, Plan: p, Raw: raw}, w, h}
}

// profile is what the session measured.
func (b bench) profile(t testing.TB, missing []powerprofile.Missing) *powerprofile.Profile {
	t.Helper()
	id, err := b.Device.Identity()
	if err != nil {
		t.Fatal(err)
	}
	p, err := calibrate.Profile("test", b.Plan, b.Raw.Complete(), id.Describe(""), powerprofile.Source{Load: "Builtin"}, missing)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := powerprofile.Parse(out, "profile.yaml"); err != nil {
		t.Errorf("the profile cannot be read back: %v\n%s", err, out)
	}
	return p
}
