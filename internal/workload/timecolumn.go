package workload

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/units"
)

// The span of years is such that int64 ns hold any two times' difference.
var (
	earliest = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2190, 1, 1, 0, 0, 0, 0, time.UTC)
)

func inRange(t time.Time) bool { return !t.Before(earliest) && t.Before(latest) }

const yearsMsg = "lies outside the years 1900 to 2189"

// timeColumn reads the time cells of one file. All are written in the same
// way: as timestamps, or as seconds since origin.
type timeColumn struct {
	origin  time.Time // what seconds count from
	known   bool      // the first cell has been read
	seconds bool
	layout  string
	zone    *time.Location // of the first cell
}

// parse returns a cell in ns since 1970.
func (c *timeColumn) parse(s string) (int64, error) {
	if !c.known {
		if err := c.recognise(s); err != nil {
			return 0, err
		}
	}
	if c.seconds {
		offset, err := parseSeconds(s)
		if err != nil {
			return 0, err
		}
		t := c.origin.Add(time.Duration(offset))
		if !inRange(t) {
			return 0, fmt.Errorf("time %q %s; are they milliseconds?", s, yearsMsg)
		}
		return t.UnixNano(), nil
	}
	t, err := time.ParseInLocation(c.layout, s, time.UTC)
	if err != nil {
		var layout string
		if t, layout, err = parseTimestamp(s); err != nil {
			return 0, err
		}
		c.layout = layout
	}
	if !inRange(t) {
		return 0, fmt.Errorf("time %q %s", s, yearsMsg)
	}
	return t.UnixNano(), nil
}

// recognise learns from the first cell how the column is written.
func (c *timeColumn) recognise(s string) error {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		c.known, c.seconds, c.zone = true, true, c.origin.Location()
		return nil
	}
	t, layout, err := parseTimestamp(s)
	if err != nil {
		return err
	}
	c.known, c.layout, c.zone = true, layout, t.Location()
	return nil
}

// parseTimestamp reads a date and time; one without a zone is in UTC. It never
// looks at the machine's own zone.
func parseTimestamp(s string) (time.Time, string, error) {
	for _, layout := range units.TimeLayouts {
		if t, err := time.ParseInLocation(layout, s, time.UTC); err == nil {
			return t, layout, nil
		}
	}
	return time.Time{}, "", fmt.Errorf("%q is not a time; want one like 2017-12-02T20:00:00+08:00, 2017-12-02 20:00:00 (UTC) or seconds as a number", s)
}

// parseSeconds reads seconds as a number, exactly to the nanosecond when it is
// written in decimals (a float64 holds today's Unix time to 0.2 µs only).
func parseSeconds(s string) (ns int64, err error) {
	const maxSeconds = 1<<63/1_000_000_000 - 1
	whole, fraction, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err == nil && len(fraction) <= 9 && strings.Trim(fraction, "0123456789") == "" && sec >= -maxSeconds && sec <= maxSeconds {
		nano, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
		if strings.HasPrefix(whole, "-") {
			nano = -nano
		}
		return sec*1e9 + nano, nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) {
		return 0, fmt.Errorf("%q is not a number of seconds", s)
	}
	if math.Abs(v) > maxSeconds {
		return 0, fmt.Errorf("time %q %s; are they milliseconds?", s, yearsMsg)
	}
	return int64(math.Round(v * 1e9)), nil
}
