package calibrate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// Kind is the kind of state a cell measures.
type Kind string

// The kinds of cells.
const (
	Bare       Kind = "bare"    // no context
	Context    Kind = "context" // the load's context, idle
	Step       Kind = "step"    // from context to full load, for the behaviour of the sensors
	Busy       Kind = "busy"
	ClockSweep Kind = "clock"
	CapSweep   Kind = "cap"
	Observe    Kind = "observe" // whatever runs anyway
)

var kinds = []Kind{Bare, Context, Step, Busy, ClockSweep, CapSweep, Observe}

// Cell is one state to measure.
type Cell struct {
	Kind     Kind
	Again    bool    // for the second time, at the end
	Work     Work    // of the kinds with a load
	ClockMHz float64 // to lock the SM clock at; 0 leaves it
	CapWatts float64 // to cap power at; 0 leaves it
}

// ID names the cell within its plan.
func (c Cell) ID() string {
	id := string(c.Kind)
	switch {
	case c.Again:
		id += "/again"
	case c.Kind == ClockSweep:
		id += "/" + string(c.Work.Kernel) + "/" + number(c.ClockMHz) + "MHz"
	case c.Kind == CapSweep:
		id += "/" + string(c.Work.Kernel) + "/" + number(c.CapWatts) + "W"
	case c.Kind == Busy:
		id += fmt.Sprintf("/%s/d%s/b%d", c.Work.Kernel, number(c.Work.Duty), c.Work.Batch)
	}
	return id
}

// loaded reports whether a load works in the cell.
func (c Cell) loaded() bool {
	return c.Kind == Step || c.Kind == Busy || c.Kind == ClockSweep || c.Kind == CapSweep
}

// number writes v as short as it can be.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// Timing is how long things take.
type Timing struct {
	Poll     time.Duration // between samples under load
	IdlePoll time.Duration // between samples of an idle GPU, which asking too often would wake
	StepPoll time.Duration // between power readings in the step
	Skip     time.Duration // after a change of state, before steadiness is looked for
	Measure  time.Duration // of a steady state
	Steady   Criterion
}

// poll is the time between samples of a cell.
func (t Timing) poll(c Cell) time.Duration {
	switch {
	case c.Kind == Step:
		return t.StepPoll
	case c.loaded() || c.Kind == Observe:
		return t.Poll
	}
	return t.IdlePoll
}

// Lengths of the step: idle, then busy.
const (
	stepIdle = 2 * time.Second
	stepBusy = 4 * time.Second
)

// Plan is what a session measures, in order.
type Plan struct {
	Cells  []Cell
	Timing Timing
	// Saturating is the batch-like size that fills the GPU once; the sweeps and
	// the step use it.
	Saturating int
}

// Grid is the loads of a plan.
type Grid struct {
	Kernels    []Kernel
	Duties     []float64
	Batches    []int
	Clocks     []float64 // MHz, of a sweep
	Caps       []float64 // W, of a sweep
	Saturating int
	// Command says that the load is a user's command: its start is no step, and
	// its idle context is gone once it has worked.
	Command bool
	// NoContext leaves out the idle context: a command that cannot be told to
	// idle has none.
	NoContext bool
	// Again measures the idle states a second time, at the end.
	Again bool
}

// NewPlan orders the grid: idle states first, while the GPU is cool, then each
// kernel from light to heavy load, then the sweeps.
func NewPlan(g Grid, t Timing) Plan {
	p := Plan{Timing: t, Saturating: g.Saturating}
	add := func(c Cell) { p.Cells = append(p.Cells, c) }
	add(Cell{Kind: Bare})
	heaviest := Work{Kernel: g.Kernels[len(g.Kernels)-1], Duty: 1, Batch: g.Saturating}
	if !g.NoContext {
		add(Cell{Kind: Context})
	}
	if !g.Command {
		add(Cell{Kind: Step, Work: heaviest})
	}
	for _, k := range g.Kernels {
		for _, d := range g.Duties {
			for _, b := range g.Batches {
				add(Cell{Kind: Busy, Work: Work{k, d, b}})
			}
		}
	}
	for _, k := range g.Kernels {
		full := Work{k, 1, g.Saturating}
		for _, mhz := range g.Clocks {
			add(Cell{Kind: ClockSweep, Work: full, ClockMHz: mhz})
		}
		for _, w := range g.Caps {
			add(Cell{Kind: CapSweep, Work: full, CapWatts: w})
		}
	}
	if g.Again {
		if !g.Command {
			add(Cell{Kind: Context, Again: true})
		}
		add(Cell{Kind: Bare, Again: true})
	}
	return p
}

// Estimate returns how long the plan takes when every state is steady at once,
// and when none ever is.
func (p Plan) Estimate() (least, most time.Duration) {
	t := p.Timing
	for _, c := range p.Cells {
		if c.Kind == Step {
			least, most = least+stepIdle+stepBusy, most+stepIdle+stepBusy
			continue
		}
		least += t.Skip + t.Steady.Window + t.Measure
		most += t.Skip + max(t.Steady.Window, t.Steady.Timeout) + t.Measure
	}
	return least, most
}

// Digest tells plans apart: samples of one plan do not continue another.
func (p Plan) Digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%+v saturating %d\n", p.Timing, p.Saturating)
	for _, c := range p.Cells {
		fmt.Fprintln(h, c.ID())
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
