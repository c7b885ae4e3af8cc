package capacity

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Delay holds scale-downs back: it answers the highest count asked for within
// the time before, so a scaler goes down only when it wanted to for that long.
type Delay struct {
	Length time.Duration
	asked  []request // in order of time, counts falling: what can still be the highest
}

type request struct {
	at vtime.Time
	n  int
}

// Highest takes in that n replicas are wanted now and returns the highest
// count wanted within Length, n included.
func (d *Delay) Highest(now vtime.Time, n int) int {
	for len(d.asked) > 0 && d.asked[len(d.asked)-1].n <= n {
		d.asked = d.asked[:len(d.asked)-1]
	}
	d.asked = append(d.asked, request{now, n})
	for now.Sub(d.asked[0].at) > d.Length {
		d.asked = d.asked[1:]
	}
	return d.asked[0].n
}
