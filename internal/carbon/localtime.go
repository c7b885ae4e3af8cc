package carbon

import (
	"fmt"
	"time"
)

// Timestamps says what a file's timestamps mean that state no zone themselves.
type Timestamps string

// The readings of a timestamp without a zone.
const (
	StampsUTC   Timestamps = "UTC"
	StampsLocal Timestamps = "Local" // the clocks of the region's time zone
)

// localStamps turns what a region's clocks show into instants. Where they are put
// back they show an hour twice, and a file has two rows of it, in order of time.
type localStamps struct {
	region *time.Location
	// Of an hour that is shown twice, whose first row was the last one.
	shown  time.Time // what the clocks show, as if in UTC
	second time.Time // the instant at which they show it again
}

// instant returns when the region's clocks show what the UTC clock shows at
// shown, in the row behind those that it was asked before.
func (l *localStamps) instant(shown time.Time) (time.Time, error) {
	if !l.second.IsZero() {
		if shown.Equal(l.shown) {
			t := l.second
			l.second = time.Time{}
			return t, nil
		}
		return time.Time{}, l.unfinished()
	}
	at := instantsOf(shown, l.region)
	switch len(at) {
	case 0:
		return time.Time{}, fmt.Errorf("the clocks of %s skip %s: they are put forward; remove the row, or write times with their offset, like 2024-05-01T13:00:00+02:00",
			l.region, shown.Format("2006-01-02 15:04"))
	case 2:
		l.shown, l.second = shown, at[1]
	}
	return at[0], nil
}

// unfinished is the fault of an hour that is shown twice and there once, or nil.
func (l *localStamps) unfinished() error {
	if l.second.IsZero() {
		return nil
	}
	return fmt.Errorf("the clocks of %s show %s twice, for they are put back, and the file has it once: want two rows, or times with their offset, like 2024-05-01T13:00:00+02:00",
		l.region, l.shown.Format("2006-01-02 15:04"))
}

// instantsOf returns the instants, in order, at which a region's clocks show what
// the UTC clock shows at shown: none where they are put forward, two where they
// are put back. A day on either side knows the offsets of before and after.
func instantsOf(shown time.Time, region *time.Location) []time.Time {
	var out []time.Time
	for _, day := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, offset := shown.Add(day).In(region).Zone()
		t := shown.Add(-time.Duration(offset) * time.Second)
		if _, is := t.In(region).Zone(); is == offset && (len(out) == 0 || !t.Equal(out[0])) {
			out = append(out, t)
		}
	}
	if len(out) == 2 && out[1].Before(out[0]) {
		out[0], out[1] = out[1], out[0]
	}
	return out
}
