//go:build linux && cgo

package nvml

import (
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
)

// device is one GPU of the host.
type device struct {
	host  *host
	gpu   nvml.Device
	index int
}

// Identity asks for everything that does not change while the GPU is measured.
func (d *device) Identity() (calibrate.Identity, error) {
	id := calibrate.Identity{Index: d.index}
	var r nvml.Return
	if id.Name, r = d.gpu.GetName(); r != nvml.SUCCESS {
		return id, fault("ask for the GPU's name", r)
	}
	if id.UUID, r = d.gpu.GetUUID(); r != nvml.SUCCESS {
		return id, fault("ask for the GPU's UUID", r)
	}
	if s, r := d.gpu.GetVbiosVersion(); r == nvml.SUCCESS {
		id.VBIOS = s
	}
	if major, minor, r := d.gpu.GetCudaComputeCapability(); r == nvml.SUCCESS {
		id.Capability = fmt.Sprintf("%d.%d", major, minor)
	}
	if m, r := d.gpu.GetMemoryInfo(); r == nvml.SUCCESS {
		id.MemoryBytes = m.Total
	}
	if p, r := d.gpu.GetPciInfo(); r == nvml.SUCCESS {
		id.BusID = busID(p)
	}
	if mhz, r := d.gpu.GetMaxClockInfo(nvml.CLOCK_SM); r == nvml.SUCCESS {
		id.MaxSMClock = calibrate.Of(float64(mhz))
	}
	d.limits(&id)
	d.modes(&id)
	return id, nil
}

// busID is the address in the driver's own spelling.
func busID(p nvml.PciInfo) string {
	var b []byte
	for _, c := range p.BusId {
		if c == 0 {
			break
		}
		b = append(b, byte(c))
	}
	return string(b)
}

func (d *device) limits(id *calibrate.Identity) {
	if mw, r := d.gpu.GetPowerManagementLimit(); r == nvml.SUCCESS {
		id.Cap = calibrate.Of(watts(mw))
	}
	if mw, r := d.gpu.GetPowerManagementDefaultLimit(); r == nvml.SUCCESS {
		id.DefaultCap = calibrate.Of(watts(mw))
	}
	if low, high, r := d.gpu.GetPowerManagementLimitConstraints(); r == nvml.SUCCESS {
		id.MinCap, id.MaxCap = calibrate.Of(watts(low)), calibrate.Of(watts(high))
	}
}

func (d *device) modes(id *calibrate.Identity) {
	on := func(is bool) *bool { return &is }
	if now, _, r := d.gpu.GetEccMode(); r == nvml.SUCCESS {
		id.ECC = on(now == nvml.FEATURE_ENABLED)
	}
	if mode, r := d.gpu.GetPersistenceMode(); r == nvml.SUCCESS {
		id.Persistence = on(mode == nvml.FEATURE_ENABLED)
	}
	if d.host.has("nvmlDeviceGetMigMode") {
		if now, _, r := d.gpu.GetMigMode(); r == nvml.SUCCESS {
			id.MIG = on(now == nvml.DEVICE_MIG_ENABLE)
		}
	}
	if d.host.has("nvmlDeviceGetMPSComputeRunningProcesses_v3", "nvmlDeviceGetMPSComputeRunningProcesses_v2", "nvmlDeviceGetMPSComputeRunningProcesses") {
		if clients, r := d.gpu.GetMPSComputeRunningProcesses(); r == nvml.SUCCESS {
			id.MPS = on(len(clients) > 0)
		}
	}
}

// Power asks the power sensors, all within one call of the driver or a few.
func (d *device) Power() (calibrate.Power, error) {
	var p calibrate.Power
	mw, r := d.gpu.GetPowerUsage()
	switch {
	case r == nvml.SUCCESS:
		p.Usage = calibrate.Of(watts(mw))
	case !unknown(r):
		return p, fault("power usage", r)
	}
	if d.host.has("nvmlDeviceGetTotalEnergyConsumption") {
		mj, r := d.gpu.GetTotalEnergyConsumption()
		switch {
		case r == nvml.SUCCESS:
			p.Energy = calibrate.Of(joules(mj))
		case !unknown(r):
			return p, fault("total energy", r)
		}
	}
	if d.host.has("nvmlDeviceGetFieldValues") {
		if err := d.fields(&p); err != nil {
			return p, err
		}
	}
	return p, nil
}

// fields asks for the readings that say what they are.
func (d *device) fields(p *calibrate.Power) error {
	wanted := []nvml.FieldValue{
		{FieldId: nvml.FI_DEV_POWER_INSTANT, ScopeId: nvml.POWER_SCOPE_GPU},
		{FieldId: nvml.FI_DEV_POWER_AVERAGE, ScopeId: nvml.POWER_SCOPE_GPU},
	}
	if r := d.gpu.GetFieldValues(wanted); r != nvml.SUCCESS {
		if unknown(r) || r == nvml.ERROR_INVALID_ARGUMENT { // drivers that do not know the fields
			return nil
		}
		return fault("power fields", r)
	}
	for i, at := range []*calibrate.Quantity{&p.Instant, &p.Average} {
		if mw, ok := fieldNumber(wanted[i]); ok {
			*at = calibrate.Of(mw / milli)
		}
	}
	return nil
}

// State asks the other sensors.
func (d *device) State() (calibrate.State, error) {
	var s calibrate.State
	for _, q := range []struct {
		name  string
		ask   func() (float64, nvml.Return)
		place *calibrate.Quantity
	}{
		{"temperature", func() (float64, nvml.Return) { return number(d.gpu.GetTemperature(nvml.TEMPERATURE_GPU)) }, &s.Celsius},
		{"SM clock", func() (float64, nvml.Return) { return number(d.gpu.GetClockInfo(nvml.CLOCK_SM)) }, &s.SMClock},
		{"memory clock", func() (float64, nvml.Return) { return number(d.gpu.GetClockInfo(nvml.CLOCK_MEM)) }, &s.MemoryClock},
		{"performance state", func() (float64, nvml.Return) { return number(d.gpu.GetPerformanceState()) }, &s.PState},
		{"utilisation", func() (float64, nvml.Return) {
			u, r := d.gpu.GetUtilizationRates()
			return float64(u.Gpu) / 100, r
		}, &s.Utilisation},
		{"throttle reasons", func() (float64, nvml.Return) {
			bits, r := d.throttleBits()
			s.Throttle = throttle(bits)
			return 0, r
		}, nil},
	} {
		v, r := q.ask()
		switch {
		case r == nvml.SUCCESS && q.place != nil:
			*q.place = calibrate.Of(v)
		case r != nvml.SUCCESS && !unknown(r):
			return s, fault(q.name, r)
		}
	}
	return s, nil
}

func number[N uint32 | nvml.Pstates](n N, r nvml.Return) (float64, nvml.Return) { return float64(n), r }

// throttleBits asks under the newer of the call's two names that there is.
func (d *device) throttleBits() (uint64, nvml.Return) {
	switch {
	case d.host.has("nvmlDeviceGetCurrentClocksEventReasons"):
		return d.gpu.GetCurrentClocksEventReasons()
	case d.host.has("nvmlDeviceGetCurrentClocksThrottleReasons"):
		return d.gpu.GetCurrentClocksThrottleReasons() // drivers before R535 have only this name
	}
	return 0, nvml.ERROR_NOT_SUPPORTED
}

// Processes lists everybody with a context, each once.
func (d *device) Processes() ([]calibrate.Process, error) {
	var all []calibrate.Process
	seen := map[uint32]bool{}
	for _, ask := range []func() ([]nvml.ProcessInfo, nvml.Return){d.gpu.GetComputeRunningProcesses, d.gpu.GetGraphicsRunningProcesses} {
		list, r := ask()
		if r != nvml.SUCCESS && !unknown(r) {
			return nil, fault("running processes", r)
		}
		for _, p := range list {
			if seen[p.Pid] {
				continue
			}
			seen[p.Pid] = true
			name, r := d.host.lib.SystemGetProcessName(int(p.Pid))
			if r != nvml.SUCCESS {
				name = "" // it has just ended, or lives in another container
			}
			all = append(all, calibrate.Process{PID: int(p.Pid), Name: name})
		}
	}
	return all, nil
}

// LockClock holds the SM clock.
func (d *device) LockClock(mhz float64) error {
	if !d.host.has("nvmlDeviceSetGpuLockedClocks") {
		return calibrate.ErrNotSupported
	}
	return fault("set locked clocks", d.gpu.SetGpuLockedClocks(uint32(mhz), uint32(mhz)))
}

// UnlockClock lets the clock go.
func (d *device) UnlockClock() error {
	return fault("reset locked clocks", d.gpu.ResetGpuLockedClocks())
}

// SetCap sets the power limit.
func (d *device) SetCap(w float64) error {
	return fault("set power limit", d.gpu.SetPowerManagementLimit(milliwatts(w)))
}
