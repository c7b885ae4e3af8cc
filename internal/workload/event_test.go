package workload

import (
	"testing"
	"time"
)

// TestEventsByHand: 10 req/s; one event ×3 from 10 s with ramp 4, hold 2, decay
// 8 s, and one ×2 that jumps up at 14.5 s and down at 15.5 s.
func TestEventsByHand(t *testing.T) {
	sale := Event{At: 10 * time.Second, Ramp: 4 * time.Second, Hold: 2 * time.Second, Decay: 8 * time.Second, Multiply: 3}
	spike := Event{At: 14500 * time.Millisecond, Hold: time.Second, Multiply: 2}
	c := newCurve(t, CurveConfig{Constant: 10, Duration: 30 * time.Second, Events: []Event{sale, spike}})
	for _, w := range []struct {
		second int
		want   float64
	}{{9, 10}, {10, 10 * 1.25}, {13, 10 * 2.75}, {14, 10 * 3 * 1.5}, {15, 10 * 3 * 1.5}, {16, 10 * (3 - 2*0.5/8)}, {23, 10 * (1 + 2*0.5/8)}, {24, 10}} {
		near(t, "second", c.Rates[w.second], w.want, 1e-14)
	}
	// 30 s × 10, +2 over half the ramp, the hold and half the decay; ×2 for 1 s at 30.
	near(t, "requests", total(c), 300+10*2*(2+2+4)+30, 1e-14)
}

// TestOverlappingRamps: two ramps from 1 to 2 over 10 s on a rate of t: the mean
// of 6·t·(1 + t/10)² over the first second is 6 × (1/2 + 2/30 + 1/400).
func TestOverlappingRamps(t *testing.T) {
	tr := minutes(0, 120) // the line from centre to centre rises by 2 a second
	ramp := Event{Ramp: 10 * time.Second, Hold: time.Second, Multiply: 2}
	c := newCurve(t, CurveConfig{Trace: tr, Start: tr.Start.Add(30 * time.Second), Duration: 20 * time.Second, Linear: true,
		Factor: ptr(3), Events: []Event{ramp, ramp}})
	near(t, "first second", c.Rates[0], 6*(1./2+2./30+1./400), 1e-14)
}
