package why

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// clockLayouts are how a date may be written; the first two have a time zone,
// for the others it is that of the scenario's start.
var clockLayouts = []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"}

// ParseAt reads an instant: an offset from the start like 20h15m30s or 72930
// (seconds), a time of day like 20:15 or 20:15:30, or a date with a time.
// start is zero when the window has no date.
func ParseAt(s string, start time.Time, duration float64) (float64, error) {
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		return seconds, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return d.Seconds(), nil
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return timeOfDay(s, t, start, duration)
		}
	}
	for _, layout := range clockLayouts {
		if t, err := time.ParseInLocation(layout, s, start.Location()); err == nil {
			if start.IsZero() {
				return 0, noDate(s)
			}
			return t.Sub(start).Seconds(), nil
		}
	}
	return 0, fmt.Errorf("%q is no instant: want an offset like 20h15m30s, a time of day like 20:15:30, or a date like 2017-12-02T20:15:30+08:00", s)
}

func noDate(s string) error {
	return fmt.Errorf("%s is a time of the clock, but the scenario's window has no date: give an offset like 20h15m30s", s)
}

// timeOfDay finds the one instant of the window at that time.
func timeOfDay(s string, t, start time.Time, duration float64) (float64, error) {
	if start.IsZero() {
		return 0, noDate(s)
	}
	at := time.Date(start.Year(), start.Month(), start.Day(), t.Hour(), t.Minute(), t.Second(), 0, start.Location())
	if at.Before(start) {
		at = at.AddDate(0, 0, 1)
	}
	offset := at.Sub(start).Seconds()
	if again := at.AddDate(0, 0, 1); again.Sub(start).Seconds() <= duration {
		return 0, fmt.Errorf("it is %s more than once in the window: give the date too, for example %s", s, at.Format("2006-01-02T15:04:05"))
	}
	return offset, nil
}

// clock is the date of an instant.
func clock(start time.Time, t float64) time.Time { return start.Add(seconds(t)) }

// seconds is t as a duration.
func seconds(t float64) time.Duration { return time.Duration(t * float64(time.Second)) }

// offset writes an instant or a span, to the millisecond, without units that
// are zero: 20h15m30s, 1m30s, 5ms.
func offset(t float64) string {
	s := seconds(t).Round(time.Millisecond).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
