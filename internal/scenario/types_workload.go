package scenario

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/units"
)

// Workload is the requests that arrive at a service.
type Workload struct {
	// Trace is the recorded request rate.
	Trace Trace `yaml:"trace" kwatt:"required"`
	// Scale the trace to a peak or by a factor; unset keeps its own rate.
	Scale *Scale `yaml:"scale,omitempty"`
	// Arrivals is the process that samples requests from the rate.
	Arrivals Arrivals `yaml:"arrivals"`
	// Events multiply the rate for a while, on top of the trace.
	Events []Event `yaml:"events,omitempty"`
}

// Trace names a builtin trace, a file, or a constant rate. Exactly one of
// builtin, file and constant is set.
type Trace struct {
	// Builtin trace; see `sim trace list`.
	Builtin string `yaml:"builtin,omitempty"`
	// File is a CSV, relative to the scenario file.
	File string `yaml:"file,omitempty"`
	// Constant rate in req/s, without any trace.
	Constant *float64 `yaml:"constant,omitempty" kwatt:"exclusiveMin=0,max=1e9"`
	// Format of the file: Rate (a rate per row), Count (requests per bin),
	// Timestamps (one row per request) or AzureLLM.
	Format string `yaml:"format,omitempty" kwatt:"enum=Rate|Count|Timestamps|AzureLLM"`
	// TimeColumn of the file; the first column when unset.
	TimeColumn string `yaml:"timeColumn,omitempty"`
	// RateColumn of the file (rate or count); the second column when unset.
	RateColumn string `yaml:"rateColumn,omitempty"`
	// Unit of the rate column: req/s, req/min or req/h.
	Unit string `yaml:"unit,omitempty" kwatt:"enum=req/s|req/min|req/h"`
	// Bin is the width of the file's bins. Unset: what the file's header says,
	// else the shortest step between rows; 10s for a log of requests.
	Bin *units.Duration `yaml:"bin,omitempty" kwatt:"min=1ms,max=24h"`
	// ZeroIsMissing reads a zero in the file as a hole in the record.
	ZeroIsMissing bool `yaml:"zeroIsMissing,omitempty"`
	// Start of the window within the trace; the trace's start when unset.
	Start *time.Time `yaml:"start,omitempty"`
	// Interpolation between bins: Linear through their centres, or Step.
	Interpolation string `yaml:"interpolation" kwatt:"default=Linear,enum=Linear|Step"`
}

// Scale sets the trace's peak or multiplies it; exactly one is set.
type Scale struct {
	// Peak in req/s at the highest point of the trace's window, events left out.
	Peak *float64 `yaml:"peak,omitempty" kwatt:"exclusiveMin=0,max=1e9"`
	// Factor that multiplies every rate.
	Factor *float64 `yaml:"factor,omitempty" kwatt:"exclusiveMin=0,max=1e9"`
}

// Arrivals is the process that samples requests from the rate.
type Arrivals struct {
	// Process: Poisson, Gamma (renewal, with cv), Deterministic (equal gaps),
	// or Recorded (the trace's own timestamps).
	Process string `yaml:"process" kwatt:"default=Poisson,enum=Poisson|Gamma|Deterministic|Recorded"`
	// CV is the coefficient of variation of a Gamma process's gaps.
	CV *float64 `yaml:"cv,omitempty" kwatt:"min=0.05,max=20"`
}

// Event is a flash sale: the rate ramps up to a multiple, holds and decays.
type Event struct {
	// At is the start of the ramp, from the window's start.
	At units.Duration `yaml:"at" kwatt:"required,min=0"`
	// Ramp is the time of the linear rise.
	Ramp units.Duration `yaml:"ramp" kwatt:"default=0s,min=0"`
	// Hold is the time at the full multiple.
	Hold units.Duration `yaml:"hold" kwatt:"default=0s,min=0"`
	// Decay is the time of the linear fall.
	Decay units.Duration `yaml:"decay" kwatt:"default=0s,min=0"`
	// Multiply is the multiple of the trace's rate.
	Multiply float64 `yaml:"multiply" kwatt:"required,exclusiveMin=0,max=1000"`
}
