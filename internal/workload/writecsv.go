package workload

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/units"
)

// WriteCSV writes a trace so that ReadCSV, with the zero ReadOptions and the
// same name, reads it back as it is: a header, then a rate in req/s per bin, or
// the time of each request when the trace recorded them.
func WriteCSV(w io.Writer, t *Trace) error {
	b := bufio.NewWriter(w)
	writeMeta(b, t)
	if t.Arrivals != nil {
		writeLog(b, t)
	} else {
		writeBins(b, t)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write trace %s: %w", t.Name, err)
	}
	return nil
}

// The writes below need no check: a bufio.Writer keeps its first error for Flush.

func writeMeta(b *bufio.Writer, t *Trace) {
	line := func(key, value string) {
		if value = oneLine(value); value != "" {
			b.WriteString("# " + key + ": " + value + "\n")
		}
	}
	line("title", t.Title)
	line("source", t.Source)
	line("licence", t.License)
	line("start", t.Start.Format(time.RFC3339Nano))
	line("bin", units.Duration(t.Bin).String())
	if t.Arrivals != nil {
		line("format", string(Timestamps))
	} else {
		line("unit", "req/s")
		line("format", string(Rate))
	}
	for _, n := range t.Notes {
		line("note", n)
	}
}

// oneLine makes a header value of any text.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}

func writeBins(b *bufio.Writer, t *Trace) {
	b.WriteString("time,rate")
	if t.Kinds != nil {
		b.WriteString(",kind")
	}
	b.WriteByte('\n')
	var buf []byte
	for i, rate := range t.Rates {
		buf = t.Start.Add(time.Duration(i)*t.Bin).AppendFormat(buf[:0], time.RFC3339Nano)
		buf = append(buf, ',')
		if !math.IsNaN(rate) {
			buf = strconv.AppendFloat(buf, rate, 'g', -1, 64)
		}
		if t.Kinds != nil {
			buf = append(buf, ',')
			buf = append(buf, t.KindAt(i).String()...)
		}
		b.Write(append(buf, '\n'))
	}
}

func writeLog(b *bufio.Writer, t *Trace) {
	b.WriteString("time\n")
	var buf []byte
	for _, a := range t.Arrivals {
		buf = t.Start.Add(time.Duration(a)).AppendFormat(buf[:0], time.RFC3339Nano)
		b.Write(append(buf, '\n'))
	}
}
