// Package powermodel is the catalogue of what GPUs and their nodes draw, and
// the arithmetic from a state to watts. Every number carries a source and a
// grade; docs/power.md is the catalogue as a table.
package powermodel

import "github.com/kwatt-sim/kwatt/internal/grade"

// Point is a sourced figure.
type Point struct {
	Value  float64 // in the unit of the field that holds it
	Grade  grade.Grade
	Source string
	// Date is the year and month in which the source was published, Undated
	// where it does not say, and empty for an assumption.
	Date string
	// Rel is the relative standard uncertainty of the value, 0..; 0 means that
	// of the grade. Ask Uncertainty.
	Rel float64
}

// BusyPoint is the draw of a GPU that runs batches of one size back to back.
type BusyPoint struct {
	Batch int
	Watts Point
}

// MIGProfile is one slice size of a GPU that can be partitioned.
type MIGProfile struct {
	Name   string // "1g.10gb"
	Slices int    // compute slices out of GPU.MIGSlices
	PerGPU int    // how many fit on one GPU
}

// NVIDIA's device plugin serves its boards under this name.
const nvidiaResource = "nvidia.com/gpu"

// ResourceName is the extended resource of Kubernetes that stands for the board.
func (g GPU) ResourceName() string {
	if g.Resource == "" {
		return nvidiaResource
	}
	return g.Resource
}

// GPU is a model of accelerator board; most are GPUs.
type GPU struct {
	Name  string // "nvidia-h100-sxm", as scenarios name it
	Title string // "NVIDIA H100 SXM5 80 GB"
	// Resource that the board's device plugin serves to Kubernetes; "" means
	// nvidia.com/gpu. See ResourceName.
	Resource   string
	CapWatts   float64
	Bare       Point       // W, powered, no context
	Context    Point       // W, a context and a model loaded, no kernel running
	Busy       []BusyPoint // W by batch, ascending batch, at least one
	MIGSlices  int         // compute slices of the whole GPU; 0 when it has no MIG
	MIG        []MIGProfile
	EmbodiedKg Point // kg CO2e of making one board
	// NodeBase is the draw in W of a host without its GPUs, as a share for one
	// GPU: a node with n GPUs has n times this.
	NodeBase Point
	// HostPerWatt is what a node draws at the wall beyond its GPUs for each watt
	// that they draw above bare (W/W): losses of the power supplies, fans and
	// CPUs together. What each of them takes was not found for any host.
	HostPerWatt Point
	// NodeEmbodiedKg is the host without its GPUs, as a share for one GPU.
	NodeEmbodiedKg Point
	// CapLaw and ClockLaw are the board's own sweeps, by ascending ratio and
	// clock; empty where nobody published any. See Limit.
	CapLaw   []CapPoint
	ClockLaw []ClockPoint

	limit Limit
	free  *GPU // the board without the limit; nil when there is none
}
