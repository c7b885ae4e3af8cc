package replay

import (
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// A controller whose work delays each sync, more of it later in the run, is
// followed: its syncs fall on multiples of the period.
func TestClockKeepsTheControllersTime(t *testing.T) {
	c := clock{speed: 15, period: 15 * time.Second}
	wall := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c.begin(wall)
	last := vtime.Time(0)
	for k := range 240 {
		at := c.at(wall)
		if at < last {
			t.Fatalf("sync %d: the clock went back from %v to %v", k, last, at)
		}
		last = at
		late := at.Sub(vtime.At(time.Duration(k) * 15 * time.Second))
		if late.Abs() > time.Second {
			t.Errorf("sync %d is %v late", k, late)
		}
		c.follow(wall)
		if next := c.when(c.at(wall)); next.Sub(wall).Abs() > time.Microsecond {
			t.Fatalf("the clock's two directions differ by %v", next.Sub(wall))
		}
		work := 10 * time.Millisecond
		if k > 100 {
			work = 30 * time.Millisecond
		}
		wall = wall.Add(time.Second + work + time.Duration(k%7)*time.Millisecond)
	}
	if p := c.slowestPace(); p < 14.2 || p > 14.8 {
		t.Errorf("the slowest pace was %v", p)
	}
}

// After a controller was away, its syncs are followed from where they are.
func TestClockAfterAnAbsence(t *testing.T) {
	c := clock{speed: 15, period: 15 * time.Second}
	wall := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c.begin(wall)
	for k := range 60 {
		c.follow(wall)
		wall = wall.Add(1015 * time.Millisecond)
		if k == 20 {
			wall = wall.Add(7300 * time.Millisecond)
		}
	}
	at := c.at(wall)
	if off := at.Sub(vtime.At(time.Duration(at) / (15 * time.Second) * (15 * time.Second))); off > time.Second && off < 14*time.Second {
		t.Errorf("syncs come %v after the period's multiple", off)
	}
}

func TestClockWithoutSyncs(t *testing.T) {
	c := clock{speed: 3}
	if c.now() != 0 || c.running() {
		t.Error("it runs before it starts")
	}
	wall := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c.begin(wall)
	c.follow(wall.Add(time.Second))
	if at := c.at(wall.Add(time.Minute)); at != vtime.At(3*time.Minute) || c.slowestPace() != 3 {
		t.Errorf("%v, pace %v", at, c.slowestPace())
	}
}
