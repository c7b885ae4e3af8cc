package replay

import (
	"sync"
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// clock turns wall time into virtual time. Before it starts it stands at 0.
//
// Its pace is the speed, unless a HorizontalPodAutoscaler scales. That one's
// controller waits for a sync period after it has finished its work, and the
// work, some 15 ms, is not compressed with the period: at a speed of 15 every
// sync would be a quarter of a second later than the one before, and after a
// minute the autoscaler would read another scrape than on a real cluster. So the
// clock keeps the controller's time: follow slows it by the percent or two that
// make the controller's syncs fall on multiples of the period.
type clock struct {
	speed  float64
	period time.Duration // virtual, of the syncs to follow

	mu      sync.RWMutex
	started bool
	wall    time.Time  // a pair of
	virtual vtime.Time // equal instants
	pace    float64    // from then on
	synced  time.Time  // the last sync
	every   float64    // seconds of the wall between syncs, smoothed
	slowest float64    // pace so far
}

// usualWork is how long a sync of the HPA controller takes on an idle machine.
const usualWork = 15 * time.Millisecond

// begin starts the clock. If there are syncs to follow, the first is now.
func (c *clock) begin(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started, c.wall, c.pace = true, now, c.speed
	if c.period > 0 {
		c.every = c.period.Seconds()/c.speed + usualWork.Seconds()
		c.pace = c.period.Seconds() / c.every
	}
	c.slowest = c.pace
}

// The clock's pace follows the syncs gently: what a single late one tells is
// weighed with smoothing, its lateness is made up over catchUp periods, and the
// pace leaves the speed by at most maxSlower and maxFaster.
const (
	smoothing = 0.1
	catchUp   = 4
	maxSlower = 0.10
	maxFaster = 0.02
)

// follow tells of a sync, and sets the pace so that the next ones fall on
// multiples of the period.
func (c *clock) follow(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.started || c.period <= 0 {
		return
	}
	at := c.read(now)
	period := vtime.Time(c.period)
	late := float64(at-(at+period/2)/period*period) / float64(period)
	if took := now.Sub(c.synced).Seconds(); !c.synced.IsZero() && took < 1.5*c.every {
		c.every += smoothing * (took - c.every)
	} // else some were missed: the controller or the API server was away
	c.synced = now
	pace := c.period.Seconds() / c.every * (1 - late/catchUp)
	c.wall, c.virtual = now, at
	c.pace = min(max(pace, c.speed*(1-maxSlower)), c.speed*(1+maxFaster))
	c.slowest = min(c.slowest, c.pace)
}

func (c *clock) read(wall time.Time) vtime.Time {
	if !c.started {
		return 0
	}
	return c.virtual + vtime.Time(float64(wall.Sub(c.wall))*c.pace)
}

// running reports whether the clock has been started.
func (c *clock) running() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.started
}

// now is the virtual time.
func (c *clock) now() vtime.Time { return c.at(time.Now()) }

// at is the virtual time at a wall time.
func (c *clock) at(wall time.Time) vtime.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.read(wall)
}

// when is the wall time at a virtual time, if the pace stays; until the clock
// starts, now.
func (c *clock) when(t vtime.Time) time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.started {
		return time.Now()
	}
	return c.wall.Add(time.Duration(float64(t-c.virtual) / c.pace))
}

// slowestPace is the least pace that the clock has had.
func (c *clock) slowestPace() float64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.slowest
}

// span is how long a virtual span takes on the wall at the speed.
func (c *clock) span(d time.Duration) time.Duration { return time.Duration(float64(d) / c.speed) }

// virtually is how long a span of the wall is in virtual time at the speed.
func (c *clock) virtually(d time.Duration) time.Duration {
	return time.Duration(float64(d) * c.speed)
}
