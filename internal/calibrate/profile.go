package calibrate

import (
	"errors"

	"github.com/kwatt-sim/kwatt/internal/powerprofile"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// ErrNoCells says that nothing was measured to the end.
var ErrNoCells = errors.New("no state was measured to its end")

// Profile is what a measurement comes to: the figures of the complete cells, a
// function of the raw samples and of what the caller knows about where they
// are from (source, device and missing are taken over as they are).
func Profile(name string, plan Plan, cells []Measured, device powerprofile.Device, source powerprofile.Source, missing []powerprofile.Missing) (*powerprofile.Profile, error) {
	cells = sortCells(cells, plan)
	if len(cells) == 0 {
		return nil, ErrNoCells
	}
	var impure []string
	if device.MIG != nil && *device.MIG {
		impure = []string{"the GPU was partitioned (MIG)"}
	}
	f := newFigures(cells, impure)
	p := &powerprofile.Profile{APIVersion: powerprofile.APIVersion, Kind: powerprofile.Kind, Metadata: powerprofile.Metadata{Name: name}}
	p.Spec = powerprofile.Spec{Device: device, Source: source, Missing: missing, Readings: f.readings}
	p.Spec.Readings.Disagreement = f.disagreements(cells)
	p.Spec.Readings.Steady = plan.Timing.Steady.described()
	s := &p.Spec.Source
	s.Start, s.End = cells[0].Rows[0].At, cells[0].end().At
	for _, m := range cells {
		for _, r := range m.Rows {
			if r.At.Before(s.Start) {
				s.Start = r.At
			}
			if r.At.After(s.End) {
				s.End = r.At
			}
			s.OtherProcesses = max(s.OtherProcesses, r.Others)
		}
		f.place(&p.Spec, m)
	}
	return p, nil
}

// place puts a cell's figure where it belongs.
func (f figures) place(s *powerprofile.Spec, m Measured) {
	idle := map[Cell]**powerprofile.Figure{
		{Kind: Bare}: &s.Bare, {Kind: Bare, Again: true}: &s.BareAgain,
		{Kind: Context}: &s.Context, {Kind: Context, Again: true}: &s.ContextAgain,
	}
	switch m.Cell.Kind {
	case Bare, Context:
		fig := f.of(m)
		*idle[m.Cell] = &fig
	case Busy:
		s.Busy = append(s.Busy, f.busy(m))
	case ClockSweep:
		s.ClockSweep = append(s.ClockSweep, f.busy(m))
	case CapSweep:
		s.CapSweep = append(s.CapSweep, f.busy(m))
	case Observe:
		s.Observed = f.observed(m)
	case Step: // tells of the sensors, not of a state
	}
}

func (f figures) busy(m Measured) powerprofile.BusyPoint {
	work, done := m.Cell.Work, m.end().Done
	b := powerprofile.BusyPoint{
		Kernel: string(work.Kernel), Batch: work.Batch, Fill: known(done.Fill), Duty: work.Duty, DutyMeasured: known(done.Duty),
		Figure: f.of(m),
	}
	if done.KernelTime > 0 {
		d := units.Duration(done.KernelTime)
		b.KernelTime = &d
	}
	if m.Cell.ClockMHz != 0 {
		b.LockedClockMHz = &m.Cell.ClockMHz
	}
	if m.Cell.CapWatts != 0 {
		b.CapWatts = &m.Cell.CapWatts
	}
	return b
}

func (c Criterion) described() *powerprofile.Steady {
	return &powerprofile.Steady{
		Window: units.Duration(c.Window), Timeout: units.Duration(c.Timeout), PowerTrend: c.PowerTrend, PowerError: c.PowerError,
		TemperatureTrend: c.TemperatureTrend, ClockTrend: c.ClockTrend,
	}
}

// Describe is the device as a profile names it; gpu is its name in kwatt's
// catalogue, or empty.
func (id Identity) Describe(gpu string) powerprofile.Device {
	return powerprofile.Device{
		Name: id.Name, GPU: gpu, UUID: id.UUID, VBIOS: id.VBIOS, ComputeCapability: id.Capability,
		MemoryMiB: int(id.MemoryBytes >> 20),
		CapWatts:  known(id.Cap), DefaultCapWatts: known(id.DefaultCap), MinCapWatts: known(id.MinCap), MaxCapWatts: known(id.MaxCap),
		MaxSMClockMHz: known(id.MaxSMClock), ECC: id.ECC, PersistenceMode: id.Persistence, MIG: id.MIG, MPS: id.MPS,
	}
}
