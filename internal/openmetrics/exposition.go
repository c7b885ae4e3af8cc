// Package openmetrics writes a run as OpenMetrics text with simulated
// timestamps: what DCGM-exporter and Kepler would have shown on the nodes, under
// their names and in their units, and kwatt's own series of the services.
package openmetrics

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Kind is the type of a family.
type Kind string

// The types. An Unknown one may be named as another program names its counters,
// which OpenMetrics would want to end in _total.
const (
	Gauge   Kind = "gauge"
	Counter Kind = "counter" // its samples are named with _total behind the family's name
	Unknown Kind = "unknown"
)

// Label is a name with its value.
type Label struct{ Name, Value string }

// Family is all series of one name.
type Family struct {
	Name, Help string
	Kind       Kind
	decimals   int // of the values; -1 as many as they need
	series     []*series
	byLabels   map[string]*series
}

type series struct {
	labels  string // as in the text, braces included
	samples []sample
}

type sample struct {
	at    int64 // ms since 1970
	value float64
}

// Exposition is an OpenMetrics text in the making.
type Exposition struct {
	common   []Label // of every series
	families []*Family
}

// NewExposition returns an empty text whose series all have these labels.
func NewExposition(common ...Label) *Exposition { return &Exposition{common: common} }

// Family adds a family whose values are written with so many decimals, or as many
// as they need when it is negative.
func (e *Exposition) Family(name string, kind Kind, decimals int, help string) *Family {
	f := &Family{Name: name, Help: help, Kind: kind, decimals: decimals, byLabels: map[string]*series{}}
	e.families = append(e.families, f)
	return f
}

// Series returns the text of the labels, with those that all series have.
func (e *Exposition) Series(labels ...Label) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, l := range append(append([]Label{}, labels...), e.common...) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(l.Name + `="` + escapes.Replace(l.Value) + `"`)
	}
	b.WriteByte('}')
	return b.String()
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// Add adds a sample at a time in ms since 1970, behind those that the series has.
func (f *Family) Add(labels string, at int64, value float64) {
	s := f.byLabels[labels]
	if s == nil {
		s = &series{labels: labels}
		f.byLabels[labels] = s
		f.series = append(f.series, s)
	}
	if n := len(s.samples); n > 0 && s.samples[n-1].at == at {
		return // the same instant from two sides
	}
	s.samples = append(s.samples, sample{at, value})
}

// Write writes the text: a family's series together, a series' samples in order
// of time.
func (e *Exposition) Write(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<16)
	for _, f := range e.families {
		if len(f.series) == 0 {
			continue
		}
		fmt.Fprintf(b, "# TYPE %s %s\n# HELP %s %s\n", f.Name, f.Kind, f.Name, escapes.Replace(f.Help))
		name := f.Name
		if f.Kind == Counter {
			name += "_total"
		}
		var buf []byte
		for _, s := range f.series {
			for _, x := range s.samples {
				buf = append(append(buf[:0], name...), s.labels...)
				buf = strconv.AppendFloat(append(buf, ' '), x.value, 'f', f.decimals, 64)
				buf = append(buf, ' ')
				buf = appendSeconds(buf, x.at)
				_, _ = b.Write(append(buf, '\n')) // bufio keeps the error for Flush
			}
		}
	}
	_, _ = b.WriteString("# EOF\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write OpenMetrics: %w", err)
	}
	return nil
}

// appendSeconds writes ms as seconds, exactly.
func appendSeconds(buf []byte, ms int64) []byte {
	if ms < 0 {
		buf, ms = append(buf, '-'), -ms
	}
	buf = strconv.AppendInt(buf, ms/1000, 10)
	if part := ms % 1000; part != 0 {
		buf = append(buf, fmt.Sprintf(".%03d", part)...)
	}
	return buf
}
