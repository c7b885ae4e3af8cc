package powerprofile

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/units"
)

// APIVersion and Kind head every profile.
const (
	APIVersion = "kwatt.dev/v1alpha1"
	Kind       = "PowerProfile"
)

// Profile is what one GPU drew in states that somebody put it in.
type Profile struct {
	// APIVersion is kwatt.dev/v1alpha1.
	APIVersion string `yaml:"apiVersion" kwatt:"required,enum=kwatt.dev/v1alpha1"`
	// Kind is PowerProfile.
	Kind string `yaml:"kind" kwatt:"required,enum=PowerProfile"`
	// Metadata names the profile.
	Metadata Metadata `yaml:"metadata" kwatt:"required"`
	// Spec is the device, how it was measured, and the figures.
	Spec Spec `yaml:"spec" kwatt:"required"`
}

// Metadata names a profile.
type Metadata struct {
	// Name of the profile: lower-case letters, digits and dashes.
	Name string `yaml:"name" kwatt:"required,name"`
	// Description is a line for people.
	Description string `yaml:"description,omitempty"`
}

// Spec is the device, how it was measured, and the figures.
type Spec struct {
	// Device that was measured: one board, not a model of board.
	Device Device `yaml:"device" kwatt:"required"`
	// Source of the figures: when, where and by which command.
	Source Source `yaml:"source" kwatt:"required"`
	// Readings are the sensors that the figures rest on.
	Readings Readings `yaml:"readings" kwatt:"required"`
	// Bare is the GPU powered, without a context of anybody.
	Bare *Figure `yaml:"bare,omitempty"`
	// BareAgain is bare once more at the end; the difference is the drift.
	BareAgain *Figure `yaml:"bareAgain,omitempty"`
	// Context is the GPU with the load's context and memory, no kernel running.
	Context *Figure `yaml:"context,omitempty"`
	// ContextAgain is context once more at the end; the difference is the drift.
	ContextAgain *Figure `yaml:"contextAgain,omitempty"`
	// Busy is the GPU under load, clocks and power cap as they were found.
	Busy []BusyPoint `yaml:"busy,omitempty"`
	// ClockSweep is the GPU under load with its SM clock locked.
	ClockSweep []BusyPoint `yaml:"clockSweep,omitempty"`
	// CapSweep is the GPU under load with another power cap.
	CapSweep []BusyPoint `yaml:"capSweep,omitempty"`
	// Observed is what a running server drew, window by window.
	Observed []ObservedPoint `yaml:"observed,omitempty"`
	// Missing is what was planned and could not be measured.
	Missing []Missing `yaml:"missing,omitempty"`
}

// Device is one board as its driver describes it.
type Device struct {
	// Name that the driver gives the product.
	Name string `yaml:"name" kwatt:"required"`
	// GPU is the name of the model in kwatt's power catalogue, when it was given.
	GPU string `yaml:"gpu,omitempty" kwatt:"name"`
	// UUID of the board.
	UUID string `yaml:"uuid" kwatt:"required"`
	// VBIOS version.
	VBIOS string `yaml:"vbios,omitempty"`
	// ComputeCapability is major.minor.
	ComputeCapability string `yaml:"computeCapability,omitempty"`
	// MemoryMiB is the board's memory.
	MemoryMiB int `yaml:"memoryMiB,omitempty" kwatt:"min=0"`
	// CapWatts is the power limit in force.
	CapWatts *float64 `yaml:"capWatts,omitempty" kwatt:"exclusiveMin=0"`
	// DefaultCapWatts is the power limit that the board boots with.
	DefaultCapWatts *float64 `yaml:"defaultCapWatts,omitempty" kwatt:"exclusiveMin=0"`
	// MinCapWatts is the lowest power limit that can be set.
	MinCapWatts *float64 `yaml:"minCapWatts,omitempty" kwatt:"exclusiveMin=0"`
	// MaxCapWatts is the highest power limit that can be set.
	MaxCapWatts *float64 `yaml:"maxCapWatts,omitempty" kwatt:"exclusiveMin=0"`
	// MaxSMClockMHz is the highest SM clock.
	MaxSMClockMHz *float64 `yaml:"maxSMClockMHz,omitempty" kwatt:"exclusiveMin=0"`
	// ECC tells whether memory errors were corrected.
	ECC *bool `yaml:"ecc,omitempty"`
	// PersistenceMode tells whether the driver stays loaded without clients.
	PersistenceMode *bool `yaml:"persistenceMode,omitempty"`
	// MIG tells whether the board was partitioned.
	MIG *bool `yaml:"mig,omitempty"`
	// MPS tells whether processes shared the board through a multi-process server.
	MPS *bool `yaml:"mps,omitempty"`
}

// Source is when, where and how a profile was measured.
type Source struct {
	// Start of the first sample.
	Start time.Time `yaml:"start" kwatt:"required"`
	// End of the last sample.
	End time.Time `yaml:"end" kwatt:"required"`
	// Host name of the machine.
	Host string `yaml:"host,omitempty"`
	// Command that measured it.
	Command string `yaml:"command,omitempty"`
	// Program and its version.
	Program string `yaml:"program,omitempty"`
	// Driver version.
	Driver string `yaml:"driver,omitempty"`
	// NVML version.
	NVML string `yaml:"nvml,omitempty"`
	// CUDA version that the driver supports.
	CUDA string `yaml:"cuda,omitempty"`
	// Load is what kept the GPU busy: Builtin (kwatt's own kernels), Command (the
	// user's) or Observed (a server that ran anyway).
	Load string `yaml:"load" kwatt:"required,enum=Builtin|Command|Observed"`
	// LoadCommand is the user's command.
	LoadCommand string `yaml:"loadCommand,omitempty"`
	// SaturatingBatch is the batch-like size whose grid of blocks fills the GPU
	// once, for the builtin load.
	SaturatingBatch int `yaml:"saturatingBatch,omitempty" kwatt:"min=0"`
	// RateFrom is where the request rate of an observed server came from.
	RateFrom string `yaml:"rateFrom,omitempty"`
	// Raw is the file of all samples, beside the profile.
	Raw string `yaml:"raw,omitempty"`
	// RawSHA256 is that file's digest.
	RawSHA256 string `yaml:"rawSHA256,omitempty"`
	// OtherProcesses is the most processes of others that were seen on the GPU.
	OtherProcesses int `yaml:"otherProcesses,omitempty" kwatt:"min=0"`
}

// Readings are the sensors that the figures rest on.
type Readings struct {
	// Watts says which one every `watts` in this file is: the mean slope of the
	// Energy counter, the mean of the Instant reading, or that of the Usage reading.
	Watts string `yaml:"watts" kwatt:"required,enum=Energy|Instant|Usage"`
	// Usage is nvmlDeviceGetPowerUsage, by generation instantaneous or a mean of a second.
	Usage *Reading `yaml:"usage,omitempty"`
	// Instant is the field NVML_FI_DEV_POWER_INSTANT.
	Instant *Reading `yaml:"instant,omitempty"`
	// Average is the field NVML_FI_DEV_POWER_AVERAGE.
	Average *Reading `yaml:"average,omitempty"`
	// Energy is the counter nvmlDeviceGetTotalEnergyConsumption.
	Energy *Reading `yaml:"energy,omitempty"`
	// Disagreement of the power reading with the energy counter.
	Disagreement *Disagreement `yaml:"disagreement,omitempty"`
	// Steady is the criterion that a state had to meet before it was measured.
	Steady *Steady `yaml:"steady,omitempty"`
}

// Reading is how one sensor behaves, as seen in the step of the load. A sensor
// that is there but was not seen to move has neither figure.
type Reading struct {
	// Update is the median time between two changes of the reading. It is no
	// finer than the interval of polling, which is a few milliseconds.
	Update *units.Duration `yaml:"update,omitempty" kwatt:"min=0"`
	// Response is the time from the start of a load to half the rise of the
	// reading: a mean over a second takes half a second.
	Response *units.Duration `yaml:"response,omitempty" kwatt:"min=0"`
}

// Disagreement is reading / energy counter − 1, over the measured states.
type Disagreement struct {
	// Reading that was compared: Instant or Usage.
	Reading string `yaml:"reading" kwatt:"required,enum=Instant|Usage"`
	// Mean over the states.
	Mean float64 `yaml:"mean" kwatt:"required"`
	// Worst is the one furthest from 0.
	Worst float64 `yaml:"worst" kwatt:"required"`
	// WorstCell is the state it was seen in, as the raw file names it.
	WorstCell string `yaml:"worstCell" kwatt:"required"`
}

// Steady is when a state counts as steady: over a window, in means of one second.
type Steady struct {
	// Window that is looked at.
	Window units.Duration `yaml:"window" kwatt:"required"`
	// Timeout after which a state is measured all the same, and marked.
	Timeout units.Duration `yaml:"timeout" kwatt:"required"`
	// PowerTrend is the greatest change of power by the fitted slope over the
	// window, as a part of the mean (or 1 W, if that is more).
	PowerTrend float64 `yaml:"powerTrend" kwatt:"required,min=0"`
	// PowerError is the greatest standard error of the window's mean power, as a
	// part of it (or 0.5 W, if that is more).
	PowerError float64 `yaml:"powerError" kwatt:"required,min=0"`
	// TemperatureTrend is the greatest change of temperature over the window, in °C.
	TemperatureTrend float64 `yaml:"temperatureTrend" kwatt:"required,min=0"`
	// ClockTrend is the greatest change of the SM clock, as a part of the mean.
	ClockTrend float64 `yaml:"clockTrend" kwatt:"required,min=0"`
}
