package calibrate

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/schema"
)

// Header is what all samples of a raw file have in common. It stands in
// comments at the head of the file; a session with another header does not
// continue it.
type Header struct {
	Device, UUID, VBIOS, Driver, Cap, Plan string
}

// NewHeader describes a measurement of a device.
func NewHeader(id Identity, v Versions, plan string) Header {
	h := Header{Device: id.Name, UUID: id.UUID, VBIOS: id.VBIOS, Driver: v.Driver, Plan: plan}
	if id.Cap.OK {
		h.Cap = number(id.Cap.V)
	}
	return h
}

const rawMagic = "# kwatt calibration, raw samples, version 1"

// fields are the lines of the header: label and value.
func (h *Header) fields() []struct {
	label string
	value *string
} {
	return []struct {
		label string
		value *string
	}{{"device", &h.Device}, {"uuid", &h.UUID}, {"vbios", &h.VBIOS}, {"driver", &h.Driver}, {"cap watts", &h.Cap}, {"plan", &h.Plan}}
}

func (h Header) text() string {
	var b strings.Builder
	b.WriteString(rawMagic + "\n")
	for _, f := range h.fields() {
		b.WriteString("# " + f.label + ": " + strings.Join(strings.Fields(*f.value), " ") + "\n")
	}
	for i, c := range columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(c.name)
	}
	b.WriteByte('\n')
	return b.String()
}

// Raw is the file of all samples. It only ever grows.
type Raw struct {
	path string
	file *os.File
	buf  *bufio.Writer
	csv  *csv.Writer
	run  int
	rows []Row // of complete cells, those of earlier runs included
	open []Row // of the cell that is being measured
}

// ConflictError says that there are samples already which this measurement is
// not to go on with.
type ConflictError struct{ Path, Reason string }

// Error names the file and the way out.
func (e *ConflictError) Error() string { return e.Path + " " + e.Reason }

// OpenRaw creates the raw file, or with resume goes on with one whose header is
// the same.
func OpenRaw(path string, h Header, resume bool) (*Raw, error) {
	r := &Raw{path: path, run: 1}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		data = nil
	case err != nil:
		return nil, fmt.Errorf("read raw samples: %w", err)
	case !resume:
		return nil, &ConflictError{path, "exists: add --resume to go on with it, or choose another --out"}
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1] // a killed run may leave half a line
	if r.file, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o666); err != nil {
		return nil, fmt.Errorf("write raw samples: %w", err)
	}
	r.buf = bufio.NewWriter(r.file)
	r.csv = csv.NewWriter(r.buf)
	if len(whole) == 0 {
		_, _ = r.buf.WriteString(h.text()) // Flush tells
		err = r.file.Truncate(0)
	} else if err = r.resume(whole, h); err == nil {
		err = r.file.Truncate(int64(len(whole)))
	}
	if err != nil {
		return nil, errors.Join(err, r.file.Close())
	}
	return r, nil
}

// resume takes over the complete cells of the file.
func (r *Raw) resume(data []byte, h Header) error {
	have, rows, err := parseRaw(data, r.path)
	if err != nil {
		return err
	}
	was, is := have.fields(), h.fields()
	for i := range was {
		if want := strings.Join(strings.Fields(*is[i].value), " "); *was[i].value != want {
			return &ConflictError{r.path, fmt.Sprintf("was measured with %s %q, now it is %q: choose another --out", was[i].label, *was[i].value, want)}
		}
	}
	for _, row := range rows {
		r.run = max(r.run, row.Run+1)
	}
	for _, m := range Collect(rows) {
		r.rows = append(r.rows, m.Rows...)
	}
	return nil
}

// Append writes a sample; it reaches the disk when its cell ends.
func (r *Raw) Append(row Row) error {
	row.Run = r.run
	r.open = append(r.open, row)
	record := make([]string, len(columns))
	for i, c := range columns {
		record[i] = c.get(&row)
	}
	if err := r.csv.Write(record); err != nil {
		return fmt.Errorf("write raw samples: %w", err)
	}
	if row.Phase == End {
		r.rows, r.open = append(r.rows, r.open...), nil
		return r.flush()
	}
	return nil
}

// Abandon forgets the samples of a cell that will not be completed; they stay
// in the file.
func (r *Raw) Abandon() { r.open = nil }

// Complete returns the cells that are complete, in the order of their ends.
func (r *Raw) Complete() []Measured { return Collect(r.rows) }

// Path is where the file lies.
func (r *Raw) Path() string { return r.path }

func (r *Raw) flush() error {
	r.csv.Flush()
	if err := errors.Join(r.csv.Error(), r.buf.Flush()); err != nil {
		return fmt.Errorf("write raw samples: %w", err)
	}
	return nil
}

// Close writes what is left.
func (r *Raw) Close() error { return errors.Join(r.flush(), r.file.Close()) }

// Measured is a complete cell.
type Measured struct {
	Cell Cell
	Rows []Row // in order of time, the end row last
}

// end is the row that says how the cell went.
func (m Measured) end() Row { return m.Rows[len(m.Rows)-1] }

// phase returns the samples of one phase.
func (m Measured) phase(p Phase) []Row {
	var rows []Row
	for _, r := range m.Rows {
		if r.Phase == p {
			rows = append(rows, r)
		}
	}
	return rows
}

// Collect returns the complete cells among the rows, in the order of their
// ends; a cell that was measured twice counts as it was the last time.
func Collect(rows []Row) []Measured {
	type key struct {
		id  string
		run int
	}
	open := map[key][]Row{}
	var complete []Measured
	for _, r := range rows {
		k := key{r.Cell.ID(), r.Run}
		open[k] = append(open[k], r)
		if r.Phase != End {
			continue
		}
		for i, m := range complete {
			if m.Cell.ID() == k.id {
				complete = append(complete[:i], complete[i+1:]...)
				break
			}
		}
		complete = append(complete, Measured{r.Cell, open[k]})
		delete(open, k)
	}
	return complete
}

// ReadRaw reads a raw file; faults come back as schema.Errors with their line.
func ReadRaw(path string) (Header, []Row, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Header{}, nil, fmt.Errorf("read raw samples: %w", err)
	}
	return parseRaw(data, path)
}

func parseRaw(data []byte, file string) (h Header, rows []Row, err error) {
	fail := func(line, col int, message string) error {
		return schema.Errors{{Position: schema.Position{File: file, Line: line, Col: max(col, 1)}, Message: message}}
	}
	line := 1
	next := func() string {
		text, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		line++
		return string(text)
	}
	if next() != rawMagic {
		return h, nil, fail(1, 1, "is not a file of raw samples: the first line must be "+rawMagic)
	}
	for _, f := range h.fields() {
		value, ok := strings.CutPrefix(next(), "# "+f.label+":")
		if !ok {
			return h, nil, fail(line-1, 1, "want # "+f.label+": …")
		}
		*f.value = strings.TrimSpace(value)
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = len(columns)
	r.ReuseRecord = true
	above := line - 1 // lines before the CSV
	for first := true; ; first = false {
		record, err := r.Read()
		var bad *csv.ParseError
		switch {
		case errors.As(err, &bad):
			return h, nil, fail(above+bad.Line, bad.Column, bad.Err.Error())
		case err != nil: // the end
			return h, rows, nil
		}
		row, at, err := parseRecord(record, first)
		if err != nil {
			l, col := r.FieldPos(at)
			return h, nil, fail(above+l, col, err.Error())
		}
		if !first {
			rows = append(rows, row)
		}
	}
}

// parseRecord reads one line, or checks the column names; at is the field at
// fault.
func parseRecord(record []string, names bool) (row Row, at int, err error) {
	for i, c := range columns {
		switch {
		case names && record[i] != c.name:
			return row, i, fmt.Errorf("want column %s, found %q", c.name, record[i])
		case names || record[i] == "":
			continue
		}
		if err := c.set(&row, record[i]); err != nil {
			return row, i, fmt.Errorf("column %s: %q: %w", c.name, record[i], err)
		}
	}
	return row, 0, nil
}
