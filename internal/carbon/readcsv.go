package carbon

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

const (
	maxBytes  = 64 << 20 // of a file; a century of hours has 25 MB
	maxBridge = 3        // hours in a row that are filled between their neighbours
)

// ReadOptions says what a file of hourly intensities holds.
type ReadOptions struct {
	Zone     string // for reports; the portal's zone when empty, else the file's name
	TimeZone string // IANA name of the region; empty: that of a builtin zone of the same name, else UTC
	// Timestamps is what those mean that state no zone: StampsUTC when empty.
	Timestamps Timestamps
	Signal     Signal // Average when empty
	Direct     bool   // of a file of the portal, the combustion only, not the life cycle
}

// A ReadError is a fault in a carbon file: where it is, and what it is.
type ReadError struct {
	File         string
	Line, Column int // from 1, the column in bytes; 0 when the fault has no place
	Msg          string
}

// Error returns "file:line:column: message".
func (e *ReadError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// ReadCSV reads an hourly series in gCO2e/kWh called name. It is a plain file,
// "timestamp,gco2eq_per_kwh", one of Electricity Maps' data portal with its
// eleven columns as they are named since 2022 or since 2025, or an export of theirs
// from before. A figure holds for the hour that begins at its timestamp, which is
// in UTC unless it states a zone or ReadOptions says that it is local time. Up to three hours in a row that are absent or empty are filled on the line
// between their neighbours and listed in Series.Bridged; a longer hole is an error.
//
// A fault in the file is a *ReadError. A plain file does not say what its figures
// rest on, and has grade C; one of the portal has B when it marks more than half of
// its hours as estimated, else A.
func ReadCSV(r io.Reader, name string, o ReadOptions) (*Series, error) {
	rd := &reader{file: name, options: o}
	if err := rd.openClock(); err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: r, N: maxBytes}
	err := rd.read(limited)
	if limited.N <= 0 {
		return nil, rd.whole("file is larger than %d MiB", maxBytes>>20)
	}
	if err != nil {
		return nil, err
	}
	return rd.series()
}

type reader struct {
	file    string
	options ReadOptions
	csv     *csv.Reader
	columns columns
	region  *time.Location
	local   *localStamps // nil: timestamps without a zone are in UTC

	first     time.Time
	last      time.Time // start of the last hour of values
	values    []float64
	bridged   []Gap
	bare      bool // the last timestamp states no zone
	estimated int
	zone      string // of the portal
	country   string
}

func (rd *reader) read(r io.Reader) error {
	buffered := bufio.NewReader(r)
	if mark, _, err := buffered.ReadRune(); err == nil && mark != '\ufeff' {
		_ = buffered.UnreadRune() // cannot fail right after ReadRune
	}
	rd.csv = csv.NewReader(buffered)
	rd.csv.Comment = '#'
	rd.csv.TrimLeadingSpace = true
	rd.csv.ReuseRecord = true
	header, err := rd.row()
	if errors.Is(err, io.EOF) {
		return rd.whole("file is empty; want a line of column names and an hour per row")
	}
	if err != nil {
		return err
	}
	if rd.columns, err = rd.findColumns(slices.Clone(header)); err != nil {
		return err
	}
	for {
		row, err := rd.row()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := rd.hour(row); err != nil {
			return err
		}
	}
}

// row returns the next row, or io.EOF.
func (rd *reader) row() ([]string, error) {
	row, err := rd.csv.Read()
	var syntax *csv.ParseError
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return row, err
	case errors.As(err, &syntax):
		return nil, &ReadError{File: rd.file, Line: syntax.Line, Column: syntax.Column, Msg: syntax.Err.Error()}
	}
	return nil, fmt.Errorf("read carbon series %s: %w", rd.file, err)
}

// hour takes in a row.
func (rd *reader) hour(row []string) error {
	c := rd.columns
	t, err := rd.time(strings.TrimSpace(row[c.time]))
	if err != nil {
		return rd.fault(c.time, "%v", err)
	}
	cell := strings.TrimSpace(row[c.value])
	if cell == "" {
		return nil // as if the row were absent
	}
	v, err := strconv.ParseFloat(cell, 64)
	switch {
	case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
		return rd.fault(c.value, "%q is not a number; leave the cell empty where it is missing", cell)
	case v < 0:
		return rd.fault(c.value, "intensity %s is negative", cell)
	case v > maxIntensity:
		return rd.fault(c.value, "intensity %s is more than %d g/kWh; is the unit gCO2e/kWh?", cell, maxIntensity)
	}
	if err := rd.portal(row); err != nil {
		return err
	}
	return rd.append(t, math.Abs(v)) // Abs: "-0" is zero
}

// openClock settles what timestamps without a zone mean.
func (rd *reader) openClock() (err error) {
	if rd.region, err = rd.location(rd.options.Zone); err != nil {
		return err
	}
	switch rd.options.Timestamps {
	case "", StampsUTC:
		return nil
	case StampsLocal:
		if rd.options.TimeZone == "" && rd.region == time.UTC {
			return rd.whole("timestamps are local time, of no time zone; name it: an IANA name like Europe/Berlin")
		}
		rd.local = &localStamps{region: rd.region}
		return nil
	}
	return rd.whole("unknown timestamps %q; want %s or %s", rd.options.Timestamps, StampsUTC, StampsLocal)
}

// time reads the timestamp of the next row.
func (rd *reader) time(s string) (time.Time, error) {
	t, zoned, err := parseTime(s)
	if err != nil {
		return t, err
	}
	rd.bare = !zoned && !rd.columns.portal
	if rd.local != nil && rd.bare {
		return rd.local.instant(t)
	}
	if rd.local != nil {
		return t, rd.local.unfinished()
	}
	return t, nil
}

// append adds an hour behind the last one, and fills a short hole between them.
func (rd *reader) append(t time.Time, v float64) error {
	if len(rd.values) == 0 {
		rd.first, rd.last, rd.values = t, t, append(rd.values, v)
		return nil
	}
	step := t.Sub(rd.last)
	switch {
	case step < 0:
		return rd.fault(rd.columns.time, "time is before the row above; sort the file by time")
	case step == 0:
		if len(instantsOf(t, rd.region)) == 2 && rd.bare && rd.local == nil {
			return rd.fault(rd.columns.time, "time is there twice, as the clocks of %s show it when they are put back; if the file is in local time say timestamps: Local", rd.region)
		}
		return rd.fault(rd.columns.time, "time is there twice; keep one row per hour")
	case step%time.Hour != 0:
		return rd.fault(rd.columns.time, "row is %v after the one above; want one row per hour: average shorter steps to hours", step)
	}
	hole := int(step/time.Hour) - 1
	switch {
	case hole == 23:
		return rd.fault(rd.columns.time, "row is a day after the one above; want hourly figures, not daily ones")
	case hole == 1 && rd.bare && rd.local == nil && len(instantsOf(rd.last.Add(time.Hour), rd.region)) == 0:
		return rd.fault(rd.columns.time, "the hour before this row is missing, and the clocks of %s skip it; if the file is in local time say timestamps: Local, if it is not write its times with a Z", rd.region)
	case hole > maxBridge:
		return rd.fault(rd.columns.time, "%d hours are missing before this row; at most %d are filled in", hole, maxBridge)
	}
	if hole > 0 {
		rd.bridged = append(rd.bridged, Gap{From: rd.last.Add(time.Hour), Hours: hole})
	}
	before := rd.values[len(rd.values)-1]
	for i := range hole {
		share := float64(i+1) / float64(hole+1)
		rd.values = append(rd.values, before+float64(share*(v-before)))
	}
	rd.values = append(rd.values, v)
	rd.last = t
	return nil
}

// series puts together what was read.
func (rd *reader) series() (*Series, error) {
	o := rd.options
	if rd.local != nil {
		if err := rd.local.unfinished(); err != nil {
			return nil, rd.whole("%v", err)
		}
	}
	if len(rd.values) < 2 {
		return nil, rd.whole("%d hours; want at least two", len(rd.values))
	}
	if o.Signal == "" {
		o.Signal = Average
	}
	if o.Signal != Average && o.Signal != Marginal {
		return nil, rd.whole("unknown signal %q; want %s or %s", o.Signal, Average, Marginal)
	}
	s := &Series{Zone: o.Zone, Signal: o.Signal, Source: rd.file, Grade: grade.C, Bridged: rd.bridged}
	if rd.columns.portal {
		if rd.local != nil {
			return nil, rd.whole("the times of Electricity Maps' files are in UTC, not local; leave timestamps: Local out")
		}
		if o.Signal != Average {
			return nil, rd.whole("the figures of Electricity Maps' files are average, not %s", o.Signal)
		}
		rd.setPortal(s)
	}
	if s.Zone == "" {
		s.Zone = rd.file
	}
	location, err := rd.location(s.Zone)
	if err != nil {
		return nil, err
	}
	s.Location = location
	s.origin = rd.first.In(location)
	s.Year = rd.year()
	s.profile = newHourly(rd.first, rd.values, location)
	return s, nil
}

// year is the first one. A year in UTC starts up to 14 hours beside one in local
// time, so noon is asked.
func (rd *reader) year() int { return rd.first.Add(12 * time.Hour).Year() }

func (rd *reader) location(zone string) (*time.Location, error) {
	name := rd.options.TimeZone
	if name == "" {
		r, ok := findRegion(zone)
		if !ok {
			return time.UTC, nil
		}
		name = r.timeZone
	}
	if name == "Local" { // would be the machine's own
		return nil, rd.whole("time zone Local differs from machine to machine; want an IANA name like Europe/Berlin")
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, rd.whole("unknown time zone %q; want an IANA name like Europe/Berlin", name)
	}
	return location, nil
}

func (rd *reader) fault(column int, format string, args ...any) error {
	line, at := rd.csv.FieldPos(column)
	return &ReadError{File: rd.file, Line: line, Column: at, Msg: fmt.Sprintf(format, args...)}
}

func (rd *reader) whole(format string, args ...any) error {
	return &ReadError{File: rd.file, Msg: fmt.Sprintf(format, args...)}
}
