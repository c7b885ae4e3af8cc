package calibrate

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The slope of a counter is the mean power, however coarse and slow the counter
// is and wherever the samples begin.
func TestSlope(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		watts := rapid.Float64Range(20, 1200).Draw(t, "W")
		update := time.Duration(rapid.IntRange(10, 500).Draw(t, "update ms")) * time.Millisecond
		poll := time.Duration(rapid.IntRange(5, 100).Draw(t, "poll ms")) * time.Millisecond
		offset := time.Duration(rapid.IntRange(0, 1000).Draw(t, "offset ms")) * time.Millisecond
		start := time.Unix(1000, 0)
		var rows []Row
		for at := offset; at < offset+10*time.Second; at += poll {
			counted := at.Truncate(update).Seconds() * watts
			rows = append(rows, Row{At: start.Add(at), Power: Power{Energy: Of(math.Floor(1000*counted) / 1000)}})
		}
		// A change is seen up to a poll late, at both ends.
		bound := poll.Seconds() / (10 - 2*max(update, poll).Seconds()) * 1.2
		if got := slope(rows); !got.OK || math.Abs(got.V/watts-1) > bound {
			t.Errorf("%+v W, want %g ± %.2g", got, watts, bound)
		}
	})
	still := []Row{{At: time.Unix(0, 0), Power: Power{Energy: Of(5)}}, {At: time.Unix(9, 0), Power: Power{Energy: Of(5)}}}
	if slope(still).OK || slope(nil).OK {
		t.Error("a counter that stands still has a slope")
	}
	back := []Row{{At: time.Unix(0, 0), Power: Power{Energy: Of(9)}}, {At: time.Unix(1, 0), Power: Power{Energy: Of(8)}}, {At: time.Unix(9, 0), Power: Power{Energy: Of(7)}}}
	if slope(back).OK {
		t.Error("a counter that was reset has a slope")
	}
}

// The period of a sensor and its delay come out as they are, to a poll.
func TestUpdateAndResponse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		update := time.Duration(rapid.IntRange(4, 40).Draw(t, "update, 5 ms")) * 5 * time.Millisecond
		window := time.Duration(rapid.IntRange(0, 20).Draw(t, "window, 100 ms")) * 100 * time.Millisecond
		const poll = 5 * time.Millisecond
		start, on := time.Unix(0, 0), 2*time.Second
		truth := func(at time.Duration) float64 { // mean power over the window up to at, jittering
			part := 0.0
			switch {
			case at > on+window:
				part = 1
			case at > on:
				part = (at - on).Seconds() / window.Seconds()
			}
			return 100 + 400*part + float64(at/update%7)/100
		}
		var idle, busy []Row
		for at := time.Duration(0); at < 6*time.Second; at += poll {
			row := Row{At: start.Add(at), Power: Power{Usage: Of(truth(at.Truncate(update)))}}
			if at < on {
				idle = append(idle, row)
			} else {
				busy = append(busy, row)
			}
		}
		if got, ok := usage.update(busy); !ok || got != update {
			t.Errorf("update %v, %v; want %v", got, ok, update)
		}
		got, ok := usage.response(idle, busy)
		if least := window / 2; !ok || got < least-poll || got > least+update+poll {
			t.Errorf("response %v, %v; want %v to %v", got, ok, least, least+update)
		}
		if _, ok := usage.response(busy[:10], busy[:10]); ok {
			t.Error("no step has a response")
		}
	})
	if _, ok := usage.update([]Row{{Power: Power{Usage: Of(1)}}}); ok {
		t.Error("one reading has a period")
	}
}
