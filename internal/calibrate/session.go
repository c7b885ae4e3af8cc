package calibrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/powerprofile"
)

// Session measures the cells of a plan on one device.
type Session struct {
	Device Device
	Load   Load
	Clock  Clock
	Plan   Plan
	Raw    *Raw
	// Anyway measures although others use the GPU, or it is partitioned.
	Anyway bool
	// Spawns says that the load is a command that may start processes at any time.
	Spawns bool
	// Progress is told of each cell when it begins, when it is steady and when it
	// is complete; may be nil.
	Progress func(Event)

	identity Identity
	settings settings
	census   census
	opened   bool
	rate     Quantity // of an observed server, req/s
}

// Event is a step of a session.
type Event struct {
	Cell   Cell
	Phase  Phase
	Index  int // of the cell in the plan, from 0
	Cells  int
	Steady bool     // from the phase Measure on
	Watts  Quantity // mean of the power readings, at the end
	Others int      // processes of others, at the end
}

// Run measures what is not complete yet. What cannot be measured on this device
// is returned as missing. However it ends, the load is ended and what was set
// is put back.
func (s *Session) Run(ctx context.Context) (missing []powerprofile.Missing, err error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	if s.identity, err = s.Device.Identity(); err != nil {
		return nil, err
	}
	if found, err := impurities(s.Device, s.identity); err != nil {
		return nil, err
	} else if len(found) > 0 && !s.Anyway {
		return nil, &ImpureError{found}
	}
	s.settings = settings{device: s.Device, cap: s.identity.Cap}
	// Deferred, so that it happens after a panic too. The load goes first: no
	// kernel runs while settings change back.
	defer func() { err = errors.Join(err, s.close(), s.settings.restore()) }()

	done := map[string]bool{}
	for _, m := range s.Raw.Complete() {
		done[m.Cell.ID()] = true
	}
	for i, c := range s.Plan.Cells {
		if done[c.ID()] {
			continue
		}
		err := s.cell(ctx, c, i)
		switch {
		case errors.Is(err, ErrLost) || ctx.Err() != nil:
			return missing, fmt.Errorf("cell %s: %w", c.ID(), err)
		case errors.Is(err, ErrNotSupported), errors.Is(err, ErrNoPermission):
			s.Raw.Abandon()
			missing = append(missing, powerprofile.Missing{Cell: c.ID(), Reason: err.Error()})
		case err != nil:
			return missing, fmt.Errorf("cell %s: %w", c.ID(), err)
		}
	}
	return missing, nil
}

// begin refuses a device that does not tell its power.
func (s *Session) begin() error {
	s.census = census{device: s.Device, ours: map[int]bool{}}
	p, err := s.Device.Power()
	if err != nil {
		return fmt.Errorf("read power: %w", err)
	}
	if !p.reading().OK {
		return fmt.Errorf("read power: %w", ErrNotSupported)
	}
	return nil
}

// cell sets one state, waits until it is steady, and measures it.
func (s *Session) cell(ctx context.Context, c Cell, index int) error {
	event := Event{Cell: c, Index: index, Cells: len(s.Plan.Cells), Phase: Settle}
	s.tell(event)
	if err := s.settings.apply(c); err != nil {
		return err
	}
	if err := s.prepare(ctx, c); err != nil {
		return err
	}
	if c.Kind == Step {
		return s.step(ctx, c, event)
	}
	if c.loaded() {
		if err := s.Load.Start(ctx, c.Work); err != nil {
			return err
		}
	}
	steady, err := s.settle(ctx, c)
	if err == nil {
		event.Phase, event.Steady = Measure, steady
		s.tell(event)
		err = s.sample(ctx, c, Measure, s.Plan.Timing.Measure, nil)
	}
	return s.finish(c, steady, err, event)
}

// prepare gives the load a context, or takes it away.
func (s *Session) prepare(ctx context.Context, c Cell) error {
	if c.Kind == Bare {
		return s.close()
	}
	if s.opened {
		return nil
	}
	before, err := s.census.known()
	if err != nil {
		return err
	}
	s.opened = true // Close is due even when Open fails half-way
	if err := s.Load.Open(ctx); err != nil {
		return errors.Join(err, s.close())
	}
	return s.census.adoptSince(before)
}

func (s *Session) close() error {
	if !s.opened {
		return nil
	}
	s.opened = false
	return s.Load.Close()
}

// settle samples until the state is steady, at most until the timeout.
func (s *Session) settle(ctx context.Context, c Cell) (steady bool, err error) {
	t := s.Plan.Timing
	if err = s.sample(ctx, c, Settle, t.Skip, nil); err != nil {
		return false, err
	}
	start := s.Clock.Now()
	look := start.Add(t.Steady.Window)
	err = s.sample(ctx, c, Settle, max(t.Steady.Window, t.Steady.Timeout), func(rows []Row) bool {
		now := rows[len(rows)-1].At
		if now.Before(look) {
			return false
		}
		look = now.Add(block)
		steady = t.Steady.met(rows)
		return steady
	})
	return steady, err
}

// sample takes samples of a cell for a while, or until enough says so of those
// it has taken.
func (s *Session) sample(ctx context.Context, c Cell, phase Phase, span time.Duration, enough func([]Row) bool) error {
	poll := s.Plan.Timing.poll(c)
	var rows []Row
	others, counted := 0, time.Time{}
	for next, end := s.Clock.Now(), s.Clock.Now().Add(span); ; {
		now := s.Clock.Now()
		if now.Sub(counted) >= block {
			var err error
			if others, err = s.census.others(s.Spawns && s.opened); err != nil {
				return err
			}
			counted = now
		}
		row, err := s.read(c, phase)
		if err != nil {
			return err
		}
		row.Others = others
		if err := s.Raw.Append(row); err != nil {
			return err
		}
		rows = append(rows, row)
		if enough != nil && enough(rows) {
			return nil
		}
		if next = next.Add(poll); next.Before(s.Clock.Now()) {
			next = s.Clock.Now() // the device took longer than a poll
		}
		if !next.Before(end) {
			return s.Clock.Sleep(ctx, end.Sub(s.Clock.Now()))
		}
		if err := s.Clock.Sleep(ctx, next.Sub(s.Clock.Now())); err != nil {
			return err
		}
	}
}

// read takes one sample.
func (s *Session) read(c Cell, phase Phase) (Row, error) {
	if s.opened {
		if err := s.Load.Alive(); err != nil {
			return Row{}, fmt.Errorf("the load ended by itself: %w", err)
		}
	}
	row := Row{Cell: c, Phase: phase, Rate: s.rate}
	var err error
	if row.Power, err = s.Device.Power(); err != nil {
		return row, fmt.Errorf("read power: %w", err)
	}
	row.At = s.Clock.Now()
	if c.Kind == Step {
		return row, nil // power alone can be read fast enough
	}
	if row.State, err = s.Device.State(); err != nil {
		return row, fmt.Errorf("read the GPU's state: %w", err)
	}
	return row, nil
}

// step samples the rise from idle to full load as fast as it can.
func (s *Session) step(ctx context.Context, c Cell, event Event) error {
	if err := s.sample(ctx, c, Settle, stepIdle, nil); err != nil {
		return err
	}
	if err := s.Load.Start(ctx, c.Work); err != nil {
		return err
	}
	err := s.sample(ctx, c, Measure, stepBusy, nil)
	return s.finish(c, true, err, event)
}

// finish stops the load and completes the cell, if nothing went wrong.
func (s *Session) finish(c Cell, steady bool, failed error, event Event) error {
	end := Row{At: s.Clock.Now(), Cell: c, Phase: End, Steady: steady}
	if c.loaded() {
		var err error
		if end.Done, err = s.Load.Stop(); err != nil {
			failed = errors.Join(failed, fmt.Errorf("stop the load: %w", err))
		}
	}
	if failed != nil {
		return failed
	}
	event.Phase, event.Steady = End, steady
	var watts []float64
	for _, r := range s.Raw.open {
		if r.Phase == Measure {
			watts = append(watts, r.Power.reading().V)
			event.Others = max(event.Others, r.Others)
		}
	}
	event.Watts = Of(average(watts))
	if err := s.Raw.Append(end); err != nil {
		return err
	}
	s.tell(event)
	return nil
}

func (s *Session) tell(e Event) {
	if s.Progress != nil {
		s.Progress(e)
	}
}
