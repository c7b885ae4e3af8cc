package report

import (
	"math"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/tty"
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
		return tty.Number(x*scale.factor) + "%"
	case m.Unit == "requests":
		return tty.Number(x) // in a sentence a bare k would be a riddle
	}
	return strings.TrimSpace(tty.Number(x*scale.factor) + " " + scale.unit)
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

// Escape makes text from a file safe in Markdown.
func Escape(text string) string { return escape(text) }
