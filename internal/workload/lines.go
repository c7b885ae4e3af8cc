package workload

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Limits that keep a wrong file from filling the memory.
const (
	maxRows      = 50_000_000 // rows of a file
	maxBins      = 1 << 24    // bins of a trace, gaps included: 194 days of seconds
	maxBin       = 366 * 24 * time.Hour
	maxLineBytes = 1 << 20
)

// A ReadError is a fault in a trace file: where it is, what it is and, in the
// same sentence, how to mend it.
type ReadError struct {
	File   string
	Line   int // from 1; 0 when the fault is in no line
	Column int // in bytes from 1; 0 when it is in the whole line
	Msg    string
}

// Error returns "file:line:column: message".
func (e *ReadError) Error() string {
	switch {
	case e.Line == 0:
		return fmt.Sprintf("%s: %s", e.File, e.Msg)
	case e.Column == 0:
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// lines reads a file line by line. Rows of a trace never span lines, so a
// line is a row, and an error can always name it.
type lines struct {
	file   string
	scan   *bufio.Scanner
	number int
	text   string
	fields []field // reused from line to line
}

// field is a cell of a row.
type field struct {
	text   string
	column int // bytes from 1
}

func newLines(r io.Reader, file string) *lines {
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, maxLineBytes)
	return &lines{file: file, scan: scan}
}

// next moves to the next line that is not blank, or reports false at the end.
func (l *lines) next() (bool, error) {
	for l.scan.Scan() {
		l.number++
		l.text = l.scan.Text()
		if l.number == 1 {
			l.text = strings.TrimPrefix(l.text, "\ufeff") // a byte order mark, as Excel writes it
		}
		if strings.TrimSpace(l.text) != "" {
			return true, nil
		}
	}
	switch err := l.scan.Err(); {
	case err == nil:
		return false, nil
	case errors.Is(err, bufio.ErrTooLong):
		l.number++
		return false, l.fault(0, "line is longer than 1 MiB; is this a CSV file?")
	default:
		return false, fmt.Errorf("read trace %s after line %d: %w", l.file, l.number, err)
	}
}

// comment returns the text behind "#" when the line is a comment.
func (l *lines) comment() (string, bool) {
	text, ok := strings.CutPrefix(strings.TrimSpace(l.text), "#")
	return strings.TrimSpace(text), ok
}

// row returns the cells of the line, without the spaces around them. The slice
// is good until the next call.
func (l *lines) row() ([]field, error) {
	l.fields = l.fields[:0]
	rest, column := l.text, 1
	for {
		cell, after, err := l.cell(rest, column)
		if err != nil {
			return nil, err
		}
		l.fields = append(l.fields, field{cell, column})
		if after == len(rest) {
			return l.fields, nil
		}
		rest, column = rest[after+1:], column+after+1
	}
}

// cell returns the first cell of s and the index of the comma behind it, or
// len(s) when it is the last one.
func (l *lines) cell(s string, column int) (text string, end int, err error) {
	if !strings.HasPrefix(strings.TrimLeft(s, " "), `"`) {
		end = strings.IndexByte(s, ',')
		if end < 0 {
			end = len(s)
		}
		return strings.TrimSpace(s[:end]), end, nil
	}
	open := strings.IndexByte(s, '"') + 1
	closing := strings.IndexByte(s[open:], '"')
	if closing < 0 {
		return "", 0, l.fault(column, "quote is not closed on its line")
	}
	end = open + closing + 1
	for end < len(s) && s[end] == ' ' {
		end++
	}
	if end < len(s) && s[end] != ',' {
		return "", 0, l.fault(column, "text after a quoted cell; want a comma")
	}
	return strings.TrimSpace(s[open : open+closing]), end, nil
}

func (l *lines) fault(column int, format string, args ...any) error {
	return &ReadError{File: l.file, Line: l.number, Column: column, Msg: fmt.Sprintf(format, args...)}
}
