package powerprofile

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/units"
)

// Figure is the draw of the board in one state.
type Figure struct {
	// Watts is the mean draw of the board, memory included, host excluded.
	Watts float64 `yaml:"watts" kwatt:"required,exclusiveMin=0,max=100000"`
	// Std is the standard deviation of the samples in W, not that of their mean.
	Std float64 `yaml:"std" kwatt:"required,min=0"`
	// N is the number of independent samples: readings repeated before the
	// sensor's next update do not count.
	N int `yaml:"n" kwatt:"required,min=1"`
	// Grade of the figure: A measured here in a steady state; B the notes say what
	// was amiss; C others used the GPU.
	Grade string `yaml:"grade" kwatt:"required,enum=A|B|C|X"`
	// Measured is the time over which the mean was taken, settling excluded.
	Measured units.Duration `yaml:"measured" kwatt:"required,min=0"`
	// Settled is the time from the start of the state to the first sample of the mean.
	Settled units.Duration `yaml:"settled" kwatt:"required,min=0"`
	// EnergyWatts is the mean slope of the energy counter.
	EnergyWatts *float64 `yaml:"energyWatts,omitempty" kwatt:"min=0"`
	// InstantWatts is the mean of the instant reading.
	InstantWatts *float64 `yaml:"instantWatts,omitempty" kwatt:"min=0"`
	// UsageWatts is the mean of the usage reading.
	UsageWatts *float64 `yaml:"usageWatts,omitempty" kwatt:"min=0"`
	// Celsius is the mean temperature of the GPU.
	Celsius *float64 `yaml:"celsius,omitempty"`
	// SMClockMHz is the mean clock of the multiprocessors.
	SMClockMHz *float64 `yaml:"smClockMHz,omitempty" kwatt:"min=0"`
	// MemoryClockMHz is the mean clock of the memory.
	MemoryClockMHz *float64 `yaml:"memoryClockMHz,omitempty" kwatt:"min=0"`
	// Utilisation is the mean GPU utilisation that the driver reports, 0 to 1: the
	// part of the time with a kernel, not how much of the GPU it used.
	Utilisation *float64 `yaml:"utilisation,omitempty" kwatt:"min=0,max=1"`
	// Throttle is what held the clocks down, and for which part of the samples.
	Throttle map[string]float64 `yaml:"throttle,omitempty" kwatt:"min=0,max=1"`
	// Notes say why the grade is not A.
	Notes []string `yaml:"notes,omitempty"`
}

// BusyPoint is the draw under one load.
type BusyPoint struct {
	// Kernel that ran: memory (streams through memory), fp32 (multiplies and adds
	// in single precision), tensor (half-precision products on tensor cores), or
	// command (the user's own load).
	Kernel string `yaml:"kernel" kwatt:"required,enum=memory|fp32|tensor|command"`
	// Batch is the batch-like size; the builtin load turns it into a grid of blocks.
	Batch int `yaml:"batch" kwatt:"required,min=1"`
	// Fill is the part of the GPU's block slots that one launch took, 1 at saturation.
	Fill *float64 `yaml:"fill,omitempty" kwatt:"min=0"`
	// Duty is the part of the time with a kernel running that was asked for.
	Duty float64 `yaml:"duty" kwatt:"required,min=0,max=1"`
	// DutyMeasured is what it was, by the GPU's own timers.
	DutyMeasured *float64 `yaml:"dutyMeasured,omitempty" kwatt:"min=0,max=1.01"`
	// KernelTime is the mean time of one launch.
	KernelTime *units.Duration `yaml:"kernelTime,omitempty" kwatt:"min=0"`
	// LockedClockMHz is the SM clock that was locked.
	LockedClockMHz *float64 `yaml:"lockedClockMHz,omitempty" kwatt:"exclusiveMin=0"`
	// CapWatts is the power cap that was set.
	CapWatts *float64 `yaml:"capWatts,omitempty" kwatt:"exclusiveMin=0"`
	// Figure is the draw.
	Figure `yaml:",inline"`
}

// ObservedPoint is the draw of a running server over one window.
type ObservedPoint struct {
	// At is the start of the window.
	At time.Time `yaml:"at" kwatt:"required"`
	// Rate is the mean request rate in req/s, when a source of it was given.
	Rate *float64 `yaml:"rate,omitempty" kwatt:"min=0"`
	// Figure is the draw.
	Figure `yaml:",inline"`
}

// Missing is a state that was planned and not measured.
type Missing struct {
	// Cell that is missing, as the raw file would name it.
	Cell string `yaml:"cell" kwatt:"required"`
	// Reason why it could not be measured.
	Reason string `yaml:"reason" kwatt:"required"`
}
