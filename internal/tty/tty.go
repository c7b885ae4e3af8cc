// Package tty lays text out for a terminal: wrapped lines, tables, colours.
package tty

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Color is an ANSI colour or weight.
type Color string

// The colours.
const (
	NoColor Color = ""
	Red     Color = "\x1b[31m"
	Green   Color = "\x1b[32m"
	Bold    Color = "\x1b[1m"
	reset         = "\x1b[0m"
)

// Paint colours s when on is set.
func (c Color) Paint(s string, on bool) string {
	if !on || c == NoColor || s == "" {
		return s
	}
	return string(c) + s + reset
}

// Cell is one cell; its colour does not count towards its width.
type Cell struct {
	Text  string
	Color Color
}

// Table has a label to the left of each row and right-aligned columns.
type Table struct {
	Header []string // of the columns, without the label's
	Rows   []Row
}

// Row is a row of a table.
type Row struct {
	Label string
	Cells []Cell
}

// gap is the space between columns.
const gap = 2

// Write lays the table out in as many blocks as the width needs: a block has
// all rows and some of the columns.
func (t *Table) Write(b *strings.Builder, width int, color bool) {
	label := 0
	for _, r := range t.Rows {
		label = max(label, Runes(r.Label))
	}
	widths := t.columnWidths()
	for from := 0; from < len(widths); {
		to, used := from, label
		for to < len(widths) && (to == from || used+gap+widths[to] <= width) {
			used += gap + widths[to]
			to++
		}
		if from > 0 {
			b.WriteByte('\n')
		}
		t.writeBlock(b, label, widths, from, to, color)
		from = to
	}
}

func (t *Table) columnWidths() []int {
	widths := make([]int, len(t.Header))
	for i, h := range t.Header {
		widths[i] = Runes(h)
		for _, r := range t.Rows {
			widths[i] = max(widths[i], Runes(r.Cells[i].Text))
		}
	}
	return widths
}

func (t *Table) writeBlock(b *strings.Builder, label int, widths []int, from, to int, color bool) {
	line := strings.Repeat(" ", label)
	for i := from; i < to; i++ {
		line += strings.Repeat(" ", gap+widths[i]-Runes(t.Header[i])) + Bold.Paint(Plain(t.Header[i]), color)
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
	for _, r := range t.Rows {
		line := Plain(r.Label) + strings.Repeat(" ", label-Runes(r.Label))
		for i := from; i < to; i++ {
			c := r.Cells[i]
			line += strings.Repeat(" ", gap+widths[i]-Runes(c.Text)) + c.Color.Paint(Plain(c.Text), color)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// Runes counts the runes of s, which is its width.
func Runes(s string) int { return utf8.RuneCountInString(s) }

// PadLeft puts spaces before s until it is width runes wide.
func PadLeft(s string, width int) string {
	return strings.Repeat(" ", max(0, width-Runes(s))) + s
}

// Wrap breaks text into lines of at most width runes; the second and later
// lines are indented. A word longer than a line, as an address can be, is cut.
func Wrap(text string, width, indent int) string {
	var b strings.Builder
	margin := strings.Repeat(" ", indent)
	line := ""
	flush := func() {
		b.WriteString(line + "\n")
		line = margin
	}
	for _, word := range strings.Fields(text) {
		w := []rune(word)
		if Runes(line)+1+len(w) > width && strings.TrimSpace(line) != "" {
			flush()
		}
		if strings.TrimSpace(line) != "" {
			line += " "
		}
		for Runes(line)+len(w) > width {
			n := width - Runes(line)
			line += string(w[:n])
			w = w[n:]
			flush()
		}
		line += string(w)
	}
	if strings.TrimSpace(line) != "" {
		flush()
	}
	return b.String()
}

// Plain makes text from a scenario or a file safe on a terminal: control
// characters, with which escape sequences begin, become spaces.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// Number prints x with four significant digits and no exponent; a number of
// five digits or more is printed whole.
func Number(x float64) string {
	if x == 0 {
		return "0"
	}
	digits := 3 - int(math.Floor(math.Log10(math.Abs(x))))
	return strconv.FormatFloat(x, 'f', min(max(digits, 0), 12), 64)
}

// Count is a number of things: "1 pod", "3 pods".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
