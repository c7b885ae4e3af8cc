package report

import (
	"strings"
	"unicode/utf8"
)

// ANSI colours, used only when Options.Color is set.
type ansi string

const (
	noColor ansi = ""
	red     ansi = "\x1b[31m"
	green   ansi = "\x1b[32m"
	bold    ansi = "\x1b[1m"
	reset        = "\x1b[0m"
)

func (c ansi) paint(s string, on bool) string {
	if !on || c == noColor || s == "" {
		return s
	}
	return string(c) + s + reset
}

// textCell is one cell; its colour does not count towards its width.
type textCell struct {
	text  string
	color ansi
}

// textTable has a label to the left of each row and right-aligned columns.
type textTable struct {
	header []string // of the columns, without the label's
	rows   []textRow
}

type textRow struct {
	label string
	cells []textCell
}

// gap is the space between columns.
const gap = 2

// write lays the table out in as many blocks as the width needs: a block has
// all rows and some of the columns.
func (t *textTable) write(b *strings.Builder, width int, color bool) {
	label := 0
	for _, r := range t.rows {
		label = max(label, runes(r.label))
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

func (t *textTable) columnWidths() []int {
	widths := make([]int, len(t.header))
	for i, h := range t.header {
		widths[i] = runes(h)
		for _, r := range t.rows {
			widths[i] = max(widths[i], runes(r.cells[i].text))
		}
	}
	return widths
}

func (t *textTable) writeBlock(b *strings.Builder, label int, widths []int, from, to int, color bool) {
	line := strings.Repeat(" ", label)
	for i := from; i < to; i++ {
		line += strings.Repeat(" ", gap+widths[i]-runes(t.header[i])) + bold.paint(t.header[i], color)
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
	for _, r := range t.rows {
		line := r.label + strings.Repeat(" ", label-runes(r.label))
		for i := from; i < to; i++ {
			c := r.cells[i]
			line += strings.Repeat(" ", gap+widths[i]-runes(c.text)) + c.color.paint(c.text, color)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

func runes(s string) int { return utf8.RuneCountInString(s) }

func padLeft(s string, width int) string {
	return strings.Repeat(" ", max(0, width-runes(s))) + s
}

// wrap breaks text into lines of at most width runes; the second and later
// lines are indented. A word longer than a line, as an address can be, is cut.
func wrap(text string, width, indent int) string {
	var b strings.Builder
	margin := strings.Repeat(" ", indent)
	line := ""
	flush := func() {
		b.WriteString(line + "\n")
		line = margin
	}
	for _, word := range strings.Fields(text) {
		w := []rune(word)
		if runes(line)+1+len(w) > width && strings.TrimSpace(line) != "" {
			flush()
		}
		if strings.TrimSpace(line) != "" {
			line += " "
		}
		for runes(line)+len(w) > width {
			n := width - runes(line)
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
