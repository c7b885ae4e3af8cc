package calibrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/powerprofile"
)

// Rates tells the request rate of a running server. It returns false while it
// has none yet, as a counter has after its first look.
type Rates interface {
	Rate(ctx context.Context, now time.Time) (reqPerSecond float64, ok bool, err error)
}

// observeWindow is the span of one observed point: long enough for sensors
// that average over a second, short enough to see the load move.
const observeWindow = 10 * time.Second

// ObservePlan is a plan that sets nothing and records for a while.
func ObservePlan(span time.Duration, t Timing) Plan {
	t.Skip, t.Measure = 0, span
	return Plan{Cells: []Cell{{Kind: Observe}}, Timing: t}
}

// Observe records what runs anyway until the plan's time is over or ctx is
// done; what was recorded until then is complete, for there is no state that
// it could miss. rates may be nil.
func (s *Session) Observe(ctx context.Context, rates Rates) error {
	if err := s.begin(); err != nil {
		return err
	}
	c := s.Plan.Cells[0]
	start := s.Clock.Now()
	end := start.Add(s.Plan.Timing.Measure)
	s.tell(Event{Cell: c, Cells: 1, Phase: Measure, Steady: true})
	_, failed := s.rateNow(ctx, rates) // a counter tells nothing at its first look
	for now := start; failed == nil && now.Before(end); now = s.Clock.Now() {
		if failed = s.sample(ctx, c, Measure, min(observeWindow, end.Sub(now)), nil); failed != nil {
			break
		}
		if s.rate, failed = s.rateNow(ctx, rates); s.rate.OK && failed == nil {
			failed = s.sample(ctx, c, Measure, 0, nil) // the row that carries the rate of the window before
			s.rate = Quantity{}
		}
	}
	if failed != nil && ctx.Err() == nil || len(s.Raw.open) == 0 {
		return failed
	}
	return errors.Join(s.finish(c, true, nil, Event{Cell: c, Cells: 1}), ctx.Err())
}

func (s *Session) rateNow(ctx context.Context, rates Rates) (Quantity, error) {
	if rates == nil {
		return Quantity{}, nil
	}
	v, ok, err := rates.Rate(ctx, s.Clock.Now())
	return Quantity{v, ok}, err
}

// observed cuts the samples into windows, each up to the row with its rate, or
// by time; what is left at the end is dropped when it is shorter than half of one.
func (f figures) observed(m Measured) []powerprofile.ObservedPoint {
	var points []powerprofile.ObservedPoint
	for rows := m.phase(Measure); len(rows) > 0; {
		n := windowLength(rows)
		start, end := rows[0].At, m.end()
		if n < len(rows) {
			end.At = rows[n].At
		}
		if 2*end.At.Sub(start) >= observeWindow {
			points = append(points, powerprofile.ObservedPoint{
				At: start, Rate: mean(rows[:n], func(r Row) Quantity { return r.Rate }),
				Figure: f.of(Measured{Cell: m.Cell, Rows: append(slices.Clone(rows[:n]), end)}),
			})
		}
		rows = rows[n:]
	}
	return points
}

// windowLength is how many of the rows belong to the first window.
func windowLength(rows []Row) int {
	for i, r := range rows {
		switch {
		case r.Rate.OK:
			return i + 1
		case i > 0 && r.At.Sub(rows[0].At) >= observeWindow:
			return i
		}
	}
	return len(rows)
}

// counter is a look at a counter.
type counter struct {
	value float64
	at    time.Time
}

// CounterRate turns a counter of requests into a rate.
func CounterRate(read func(context.Context) (float64, error)) Rates { return &counterRates{read: read} }

type counterRates struct {
	read func(context.Context) (float64, error)
	seen *counter
}

// Rate is the difference to the last look; a counter that fell was reset, and
// tells nothing this time.
func (c *counterRates) Rate(ctx context.Context, now time.Time) (float64, bool, error) {
	v, err := c.read(ctx)
	if err != nil {
		return 0, false, fmt.Errorf("read the request counter: %w", err)
	}
	before := c.seen
	c.seen = &counter{v, now}
	if before == nil || v < before.value || !now.After(before.at) {
		return 0, false, nil
	}
	return (v - before.value) / now.Sub(before.at).Seconds(), true, nil
}

// GaugeRate is a rate that somebody else works out.
func GaugeRate(read func(context.Context) (float64, error)) Rates { return gaugeRates(read) }

type gaugeRates func(context.Context) (float64, error)

// Rate is the gauge's value.
func (g gaugeRates) Rate(ctx context.Context, _ time.Time) (float64, bool, error) {
	v, err := g(ctx)
	if err != nil {
		return 0, false, fmt.Errorf("read the request rate: %w", err)
	}
	return v, true, nil
}
