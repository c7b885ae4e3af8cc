package report

import (
	"math"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
)

// Figure writes a value of a metric in the unit people read: "14.72 ms". Costs
// are in the currency, "" for USD.
func Figure(m metrics.Metric, x float64, currency string) string {
	return FigureBeside(m, x, x, currency)
}

// FigureBeside is Figure in the unit that suits another value, to be read beside
// it.
func FigureBeside(m metrics.Metric, x, other float64, currency string) string {
	scale := scaleFor(m.Unit, Options{Currency: currency}.currency(), math.Abs(other))
	switch {
	case scale.unit == "%":
		return number(x*scale.factor) + "%"
	case m.Unit == "requests":
		return number(x) // in a sentence a bare k would be a riddle
	}
	return strings.TrimSpace(number(x*scale.factor) + " " + scale.unit)
}

// Signed is Figure for a difference, with its sign.
func Signed(m metrics.Metric, x float64, currency string) string {
	text := Figure(m, x, currency)
	if m.Unit == "ratio" {
		text = strings.TrimSuffix(text, "%") + " pp"
	}
	if x > 0 {
		return "+" + text
	}
	return text
}

// Change writes a relative change with its sign: "+8.4%".
func Change(ratio float64) string { return percent(ratio) }

// Label is a metric's name for people: "CO2e per M req".
func Label(metric string) string { return metricLabel(metric) }

// Plain makes text from a file safe on a terminal.
func Plain(text string) string { return plain(text) }

// Escape makes text from a file safe in Markdown.
func Escape(text string) string { return escape(text) }

// Wrap breaks text into lines of at most width runes; all but the first are
// indented.
func Wrap(text string, width, indent int) string { return wrap(text, width, indent) }

// Line is a row of a Grid. Its last cell is green when it is Good, red when Bad.
type Line struct {
	Label     string
	Cells     []string
	Good, Bad bool
}

// Grid lays rows out for a terminal: a label on the left, right-aligned cells
// under a header. Columns that do not fit the width follow below.
func Grid(header []string, lines []Line, o Options) string {
	table := textTable{header: header}
	for _, l := range lines {
		r := textRow{label: l.Label}
		for i, c := range l.Cells {
			cell := textCell{text: c}
			switch last := i == len(l.Cells)-1; {
			case last && l.Good:
				cell.color = green
			case last && l.Bad:
				cell.color = red
			}
			r.cells = append(r.cells, cell)
		}
		table.rows = append(table.rows, r)
	}
	if o.Width == 0 {
		o.Width = defaultWidth
	}
	var b strings.Builder
	table.write(&b, max(o.Width, minWidth), o.Color)
	return b.String()
}
