package calibrate

import (
	"context"
	"errors"
	"time"
)

// Clock is the time that a measurement lives by.
type Clock interface {
	Now() time.Time
	// Sleep waits for d, or until ctx is done, and then returns its error.
	Sleep(ctx context.Context, d time.Duration) error
}

// What a device may answer instead of doing as it is told; errors of a Device
// wrap these.
var (
	ErrNotSupported = errors.New("not supported by this device or driver")
	ErrNoPermission = errors.New("no permission: it takes root or CAP_SYS_ADMIN")
	ErrLost         = errors.New("the GPU is lost: it fell off the bus or needs a reset")
)

// Quantity is a number that the device may not have.
type Quantity struct {
	V  float64
	OK bool // false when the device does not tell
}

// Of returns a known quantity.
func Of(v float64) Quantity { return Quantity{v, true} }

// Versions are those of the driver and its libraries.
type Versions struct{ Driver, NVML, CUDA string }

// Identity is what stays the same about a device while it is measured.
type Identity struct {
	Index                           int
	Name, UUID, BusID, VBIOS        string
	Capability                      string // CUDA's, "9.0"
	MemoryBytes                     uint64
	Cap, DefaultCap, MinCap, MaxCap Quantity // W
	MaxSMClock                      Quantity // MHz
	ECC, Persistence, MIG, MPS      *bool    // nil when the device does not tell
}

// Power is what the device says of its draw at one instant.
type Power struct {
	Usage   Quantity // W, the driver's usual reading: instantaneous or a mean of a second, by generation
	Instant Quantity // W, explicitly instantaneous
	Average Quantity // W, explicitly a mean of a second
	Energy  Quantity // J since the driver was loaded
}

// reading is the most direct of the power readings.
func (p Power) reading() Quantity {
	if p.Instant.OK {
		return p.Instant
	}
	return p.Usage
}

// State is what else is worth knowing at that instant.
type State struct {
	Celsius     Quantity
	SMClock     Quantity // MHz
	MemoryClock Quantity // MHz
	Utilisation Quantity // part of the last interval with a kernel running, 0 to 1
	PState      Quantity // 0 is the fastest
	Throttle    Throttle
}

// Process is somebody with a context on the device.
type Process struct {
	PID  int
	Name string // empty when it cannot be told
}

// Device is one GPU.
type Device interface {
	Identity() (Identity, error)
	Power() (Power, error)
	State() (State, error)
	// Processes lists everybody with a context, compute or graphics.
	Processes() ([]Process, error)
	// LockClock holds the SM clock at so many MHz, or the nearest the device can.
	LockClock(mhz float64) error
	// UnlockClock lets the clock go.
	UnlockClock() error
	// SetCap sets the power limit.
	SetCap(watts float64) error
}

// Host is a machine with GPUs.
type Host interface {
	Versions() Versions
	// Devices lists the GPUs by index.
	Devices() ([]Device, error)
	Close() error
}

// Throttle is a set of reasons for which clocks are lower than they could be.
type Throttle uint16

// The reasons, as NVML tells them.
const (
	GPUIdle Throttle = 1 << iota
	ApplicationClocks
	SWPowerCap
	HWSlowdown
	SyncBoost
	SWThermal
	HWThermal
	HWPowerBrake
	DisplayClocks
)

// hampered are the reasons that make a figure unfit for grade A: the board was
// too hot, or short of power from outside. A power cap is no such reason: it is
// part of what is measured.
const hampered = HWSlowdown | SWThermal | HWThermal | HWPowerBrake

// reasons are the names in files, in the order of their bits.
var reasons = []string{"GpuIdle", "ApplicationsClocksSetting", "SwPowerCap", "HwSlowdown", "SyncBoost",
	"SwThermalSlowdown", "HwThermalSlowdown", "HwPowerBrakeSlowdown", "DisplayClockSetting"}

// Names lists the reasons in t.
func (t Throttle) Names() []string {
	var names []string
	for i, name := range reasons {
		if t&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}
