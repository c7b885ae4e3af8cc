package replay

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// clock turns wall time into virtual time. Before it starts it stands at 0.
type clock struct {
	speed float64
	start time.Time
}

// now is the virtual time.
func (c *clock) now() vtime.Time { return c.at(time.Now()) }

// at is the virtual time at a wall time.
func (c *clock) at(wall time.Time) vtime.Time {
	if c.start.IsZero() {
		return 0
	}
	return vtime.Time(float64(wall.Sub(c.start)) * c.speed)
}

// wall is the wall time at a virtual time; until the clock starts, now.
func (c *clock) wall(t vtime.Time) time.Time {
	if c.start.IsZero() {
		return time.Now()
	}
	return c.start.Add(time.Duration(float64(t) / c.speed))
}

// span is how long a virtual span takes on the wall.
func (c *clock) span(d time.Duration) time.Duration { return time.Duration(float64(d) / c.speed) }
