package workload

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Format says what a row of a trace file is.
type Format string

// The formats that ReadCSV reads.
const (
	Rate       Format = "Rate"       // a time and a rate
	Count      Format = "Count"      // a time and the requests of the bin that starts there
	Timestamps Format = "Timestamps" // one request, at a time
	AzureLLM   Format = "AzureLLM"   // one request: TIMESTAMP,ContextTokens,GeneratedTokens
)

// logged reports whether a row is a request.
func (f Format) logged() bool { return f == Timestamps || f == AzureLLM }

// DefaultLogBin is the width of the bins that a log of requests is counted in.
const DefaultLogBin = 10 * time.Second

// maxRate in req/s is beyond any service; a larger figure is a wrong unit.
const maxRate = 1e12

// ReadOptions says how to read a trace file. The zero value reads what the
// file's own header lines say, or else a rate in req/s by time.
type ReadOptions struct {
	Format        Format
	TimeColumn    string        // the first column when empty
	RateColumn    string        // the column after the time when empty
	Unit          string        // of a rate: "req/s", "req/min" or "req/h"
	Bin           time.Duration // 0: the header's, or the shortest step between rows, or DefaultLogBin for a log
	ZeroIsMissing bool          // a rate or count of zero is a hole in the record
}

// unitSeconds is the seconds in the unit of a rate.
var unitSeconds = map[string]float64{"req/s": 1, "req/min": 60, "req/h": 3600}

// ReadCSV reads a trace called name, which errors name as the file.
//
// The first line that is no comment names the columns. A time is RFC 3339,
// "2006-01-02 15:04:05" or "2006-01-02T15:04", each with an optional fraction of
// a second and, without a zone, in UTC; or it is a number of seconds since the
// header's start, or since 1970 without one. An empty rate, or a row that is
// absent from the even grid of bins, is missing; Trace.Gaps lists both. A zero is
// a zero. A log of requests has no gaps: a bin without a row had no request.
//
// Header lines "# key: value" before the columns may state title, source,
// licence, note, start, bin, unit and format, and a column "kind" may say which
// bins are estimated; WriteCSV writes this form.
//
// A fault in the file is a *ReadError.
func ReadCSV(r io.Reader, name string, o ReadOptions) (*Trace, error) {
	rd := &reader{lines: newLines(r, name), options: o, trace: &Trace{Name: name}}
	if err := rd.readHeader(); err != nil {
		return nil, err
	}
	if rd.format.logged() {
		return rd.readLog()
	}
	return rd.readBins()
}

// reader is a trace file half read.
type reader struct {
	*lines
	options ReadOptions
	trace   *Trace

	// What the header says.
	format  Format
	unit    string
	bin     time.Duration // 0 when it does not say
	start   *time.Time
	columns []string
	assumed bool // nobody said the format: Rate is a guess

	time           timeColumn
	timeCol        int
	rateCol        int     // -1 in a log
	kindCol        int     // -1 without one
	perSecond      float64 // what a rate is divided by to be in req/s
	rows           int
	lastTime       int64
	lastTimeString string
}

// readTime reads the time of a row and checks its order.
func (rd *reader) readTime(row []field) (int64, error) {
	cell := row[rd.timeCol]
	t, err := rd.time.parse(cell.text)
	if err != nil {
		return 0, rd.fault(cell.column, "column %q: %v", rd.columns[rd.timeCol], err)
	}
	if rd.rows > 0 {
		switch {
		case t < rd.lastTime:
			return 0, rd.fault(cell.column, "time %s is before the row above (%s); sort the file by time", cell.text, rd.lastTimeString)
		case t == rd.lastTime && !rd.format.logged():
			return 0, rd.fault(cell.column, "time %s is there twice; keep one row per bin, or read a log of requests with format Timestamps", cell.text)
		}
	} else if rd.start != nil && t < rd.start.UnixNano() {
		return 0, rd.fault(cell.column, "time %s is before the start that the header states (%s)", cell.text, rd.start.Format(time.RFC3339Nano))
	}
	rd.rows++
	if rd.rows > maxRows {
		return 0, rd.fault(0, "more than %d rows; cut the file or count it into bins", maxRows)
	}
	rd.lastTime, rd.lastTimeString = t, cell.text
	return t, nil
}

// columnNames lists the columns for a message; of a file that is no table it
// shows the beginning.
func (rd *reader) columnNames() string {
	names := []rune(strings.Join(rd.columns, ", "))
	if len(names) > 120 {
		return string(names[:120]) + "…"
	}
	return string(names)
}

// nextRow returns the cells of the next row, or nil at the end of the file.
func (rd *reader) nextRow() ([]field, error) {
	for {
		more, err := rd.next()
		if err != nil || !more {
			return nil, err
		}
		if _, ok := rd.comment(); ok {
			continue
		}
		row, err := rd.row()
		if err != nil {
			return nil, err
		}
		if len(row) != len(rd.columns) {
			return nil, rd.fault(0, "%d cells, but the file has %d columns (%s)", len(row), len(rd.columns), rd.columnNames())
		}
		return row, nil
	}
}

// readRate reads the rate of a row in req/s; NaN when the cell is empty. The
// bin's width is still unknown, so a count stays one.
func (rd *reader) readRate(row []field) (float64, error) {
	cell, name := row[rd.rateCol], rd.columns[rd.rateCol]
	if cell.text == "" {
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(cell.text, 64)
	switch {
	case err != nil:
		return 0, rd.fault(cell.column, "column %q: %q is not a number", name, cell.text)
	case math.IsNaN(v), math.IsInf(v, 0):
		return 0, rd.fault(cell.column, "column %q: %s is not a rate; leave the cell empty where it is missing", name, cell.text)
	case v < 0:
		return 0, rd.fault(cell.column, "column %q: rate %s is negative", name, cell.text)
	case v == 0 && rd.options.ZeroIsMissing:
		return math.NaN(), nil
	case v/rd.perSecond > maxRate:
		return 0, rd.fault(cell.column, "column %q: %s is more than %g req/s; is the unit right?", name, cell.text, maxRate)
	}
	return math.Abs(v) / rd.perSecond, nil // Abs: "-0" is zero
}

func (rd *reader) readKind(row []field, rate float64) (Kind, error) {
	if rd.kindCol < 0 {
		return Published, nil
	}
	cell := row[rd.kindCol]
	switch {
	case cell.text == Published.String():
		return Published, nil
	case cell.text == Estimated.String():
		return Estimated, nil
	case cell.text == Missing.String() && math.IsNaN(rate):
		return Missing, nil
	case cell.text == Missing.String():
		return 0, rd.fault(cell.column, "a missing bin has a rate; leave the rate empty")
	}
	return 0, rd.fault(cell.column, "kind %q is not published, estimated or missing; name the column something else if it means another thing", cell.text)
}

// whole is a fault of the file, not of a line.
func (rd *reader) whole(format string, args ...any) error {
	return &ReadError{File: rd.file, Msg: fmt.Sprintf(format, args...)}
}
