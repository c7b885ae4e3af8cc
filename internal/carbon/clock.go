package carbon

import (
	"fmt"
	"math"
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Alignment says how a trace's time meets a region's.
type Alignment string

// The alignments.
const (
	// Instant takes the region's local time at the trace's instant: the shoppers
	// stay where they are, and the fleet that serves them is in the region.
	Instant Alignment = "Instant"
	// LocalClock reads the trace's clock as the region's: shoppers who live by
	// the same clock, in the region.
	LocalClock Alignment = "LocalClock"
)

// Clock is a series on a scenario's virtual time.
type Clock struct {
	series    *Series
	alignment Alignment
	start     time.Time // of the window, in the trace's time zone
}

// Aligned lays the series on a window of a trace, whose clock is that of start's
// time zone. A zero start, of a load without a date, is the start of the series. It
// fails when the series has no figure for part of the window.
func (s *Series) Aligned(a Alignment, start time.Time, duration time.Duration) (*Clock, error) {
	if a != Instant && a != LocalClock {
		return nil, fmt.Errorf("unknown carbon alignment %q; want %s or %s", a, Instant, LocalClock)
	}
	if start.IsZero() {
		start = s.origin
	}
	c := &Clock{series: s, alignment: a, start: start}
	for t := vtime.Time(0); t < vtime.At(duration); t = c.NextChangeAfter(t) {
		if math.IsNaN(c.IntensityAt(t)) {
			return nil, fmt.Errorf("carbon series %s has no figure for %s; it needs one for each month, day and hour of the window",
				s.Zone, c.local(t).Format("2 January 15:04"))
		}
	}
	return c, nil
}

// IntensityAt returns the intensity in gCO2e/kWh at an instant of the window.
func (c *Clock) IntensityAt(t vtime.Time) float64 { return c.series.At(c.local(t)) }

// NextChangeAfter returns the first instant after t at which the intensity may be
// another one, an hour on at most; Forever when it is constant.
func (c *Clock) NextChangeAfter(t vtime.Time) vtime.Time {
	local := c.local(t)
	change := c.series.NextChange(local)
	if change.IsZero() {
		return vtime.Forever
	}
	wait := change.Sub(local)
	if c.alignment == LocalClock {
		// The trace's clock may be put forward when the region's is not.
		clock := c.start.Add(time.Duration(t))
		wait = min(wait, nextLocalHour(clock).Sub(clock))
	}
	return t.Add(wait)
}

// local returns the region's local time that an instant of the window meets.
func (c *Clock) local(t vtime.Time) time.Time {
	at := c.start.Add(time.Duration(t))
	if c.alignment == LocalClock {
		return sameClock(at, c.series.Location)
	}
	return at.In(c.series.Location)
}

// sameClock returns the instant at which the clocks of a region show what t's own
// clock shows. Of the hour that they show twice it is the first, and for the hour
// that they skip it is the instant at which they skip it.
func sameClock(t time.Time, region *time.Location) time.Time {
	u := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), region)
	shows := func(v time.Time) bool { return v.Hour() == t.Hour() && v.Minute() == t.Minute() }
	if shows(u) {
		if earlier := u.Add(-time.Hour); shows(earlier) {
			return earlier
		}
		return u
	}
	// time.Date counts a skipped hour from the clock before or after the shift,
	// and does not promise which.
	from, to := u.ZoneBounds()
	if u.Hour() > t.Hour() {
		return from
	}
	return to
}
