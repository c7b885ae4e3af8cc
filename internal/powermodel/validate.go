package powermodel

import (
	"errors"
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

// Validate checks what the model relies on: bare ≤ context ≤ busy ≤ cap, a
// busy curve that never falls with the batch, MIG profiles that fit, and a
// source and a known grade for every figure. It reports all faults at once.
func (g GPU) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("GPU %s: "+format, append([]any{g.Name}, args...)...))
	}
	if g.Name == "" || g.Title == "" {
		fault("name and title must be set")
	}
	if len(g.Busy) == 0 {
		fault("busy curve has no point")
	}
	lowest, batch := g.Context.Value, 0
	for _, b := range g.Busy {
		if b.Batch <= batch {
			fault("busy batch %d does not ascend", b.Batch)
		}
		if b.Watts.Value < lowest {
			fault("busy watts %g at batch %d are below %g", b.Watts.Value, b.Batch, lowest)
		}
		lowest, batch = b.Watts.Value, b.Batch
	}
	if g.Bare.Value > g.Context.Value {
		fault("bare %g W exceed context %g W", g.Bare.Value, g.Context.Value)
	}
	if lowest > g.CapWatts {
		fault("%g W exceed the cap of %g W", lowest, g.CapWatts)
	}
	for _, m := range g.MIG {
		if m.Slices < 1 || m.PerGPU < 1 || m.Slices*m.PerGPU > g.MIGSlices {
			fault("MIG %s: %d × %d slices do not fit into %d", m.Name, m.PerGPU, m.Slices, g.MIGSlices)
		}
	}
	for _, f := range g.Figures() {
		if f.Point.Source == "" || f.Point.Grade > grade.Last || !(f.Point.Value > 0) || !(f.Point.Rel >= 0) {
			fault("%s: want a positive value, a grade and a source, have %+v", f.Name, f.Point)
		}
		if f.Point.Grade < grade.X && f.Point.Date == "" {
			fault("%s: want the year and month of its source, or that it is undated", f.Name)
		}
	}
	g.validateSweeps(fault)
	return errors.Join(faults...)
}

// validateSweeps checks that ratios and clocks ascend, that a tighter limit is
// never faster, and that a cap which holds nothing down costs no time.
func (g GPU) validateSweeps(fault func(string, ...any)) {
	for i, p := range g.CapLaw {
		if i > 0 && (p.Ratio <= g.CapLaw[i-1].Ratio || p.Slowdown.Value > g.CapLaw[i-1].Slowdown.Value) {
			fault("cap law: ratio %g, slowdown %g: ratios must ascend and slowdowns must not", p.Ratio, p.Slowdown.Value)
		}
	}
	if n := len(g.CapLaw); n == 1 || n > 1 && (g.CapLaw[0].Ratio <= 0 || g.CapLaw[n-1].Ratio != 1 || g.CapLaw[n-1].Slowdown.Value != 1) {
		fault("cap law: want at least two ratios above 0, the last 1 with slowdown 1")
	}
	for i, p := range g.ClockLaw {
		if p.MHz <= 0 || p.Slowdown.Value < 1 || p.Dynamic.Value <= 0 || p.Dynamic.Value > 1 {
			fault("clock law: %g MHz: want a slowdown of at least 1 and a dynamic draw of 0 to 1, have %g and %g", p.MHz, p.Slowdown.Value, p.Dynamic.Value)
		}
		if i > 0 && (p.MHz <= g.ClockLaw[i-1].MHz || p.Slowdown.Value > g.ClockLaw[i-1].Slowdown.Value || p.Dynamic.Value < g.ClockLaw[i-1].Dynamic.Value) {
			fault("clock law: %g MHz: clocks must ascend, with slowdowns that do not and draws that do not fall", p.MHz)
		}
	}
}

// Figure is a point of a GPU with its name and unit, for listings.
type Figure struct {
	Name  string // "busy at batch 8"
	Unit  string // "W" or "kg CO2e"
	Point Point
}

// Figures lists every sourced number of the GPU, in a fixed order.
func (g GPU) Figures() []Figure {
	figures := []Figure{{"bare", "W", g.Bare}, {"context", "W", g.Context}}
	for _, b := range g.Busy {
		figures = append(figures, Figure{fmt.Sprintf("busy at batch %d", b.Batch), "W", b.Watts})
	}
	return append(figures,
		Figure{"node base, share of one GPU", "W", g.NodeBase},
		Figure{"host, beyond each watt of the GPUs above bare", "W/W", g.HostPerWatt},
		Figure{"embodied, board", "kg CO2e", g.EmbodiedKg},
		Figure{"embodied, host share of one GPU", "kg CO2e", g.NodeEmbodiedKg})
}
