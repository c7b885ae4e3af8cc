package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// Options is how a text or Markdown report is written.
type Options struct {
	Color    bool   // ANSI colours, text only
	Width    int    // runes to a line, text only; 0 means 80, and less than 50 means 50
	Currency string // label of costs; "" means USD
	Command  string // the command line that reproduces the result, Markdown only; "" leaves it out
}

func (o Options) currency() string {
	label := []rune(tty.Plain(o.Currency))
	if len(label) == 0 {
		return "USD"
	}
	return string(label[:min(len(label), longestCurrency)])
}

// longestCurrency keeps the labels of cost within their column.
const longestCurrency = 8

// absent stands where a metric has no figure.
const absent = "–"

// metricLabel is a metric's name for people: "co2e_grams_per_million_requests"
// reads "CO2e per M req"; its unit is shown beside it.
func metricLabel(name string) string { return labelWords.Replace(name) }

var labelWords = strings.NewReplacer(
	"_per_million_requests", " per M req", "_per_request", " per req", "joules", "energy",
	"pending_pod_seconds", "pending pod time", "_seconds", "", "_kwh", "", "_grams", "", "_usd", "", "_ratio", "", "_total", "",
	"co2e", "CO2e", "slo_", "SLO ", "gpu", "GPU", "_", " ",
)

// humanScale turns base units into ones that people read.
type humanScale struct {
	factor float64
	unit   string
}

// scaleFor picks the scale of a whole row, so that its cells can be compared:
// the one in which the largest figure is at least 1 where there is such a one.
func scaleFor(unit, currency string, largest float64) humanScale {
	largest = math.Abs(largest)
	pick := func(steps ...humanScale) humanScale {
		for _, s := range steps[:len(steps)-1] {
			if largest*s.factor >= 1 {
				return s
			}
		}
		return steps[len(steps)-1]
	}
	switch unit {
	case "s":
		return pick(humanScale{1, "s"}, humanScale{1e3, "ms"}, humanScale{1e6, "µs"})
	case "g":
		return pick(humanScale{1e-6, "t"}, humanScale{1e-3, "kg"}, humanScale{1, "g"}, humanScale{1e3, "mg"})
	case "kWh":
		return pick(humanScale{1e-3, "MWh"}, humanScale{1, "kWh"}, humanScale{1e3, "Wh"})
	case "J":
		return pick(humanScale{1e-6, "MJ"}, humanScale{1e-3, "kJ"}, humanScale{1, "J"}, humanScale{1e3, "mJ"})
	case "ratio":
		return humanScale{100, "%"}
	case "USD":
		return humanScale{1, currency}
	case "requests":
		return pick(humanScale{1e-6, "M"}, humanScale{1e-3, "k"}, humanScale{1, ""})
	}
	return humanScale{1, ""} // the label of hours and of other counts names them
}

// labelled is the label of a row with its unit.
func (s humanScale) labelled(metric string) string {
	if s.unit == "" {
		return metricLabel(metric)
	}
	return metricLabel(metric) + " (" + s.unit + ")"
}

// grouped prints n with commas between thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	from := 0
	if n < 0 {
		from = 1
	}
	for i := len(s) - 3; i > from; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// halfWidth is the interval's half-width relative to the mean: "3.1%", "12%",
// or "∞" where one replication gives no interval.
func halfWidth(e results.Estimate) string {
	switch h := (e.CIHigh - e.CILow) / 2 / math.Abs(e.Mean); {
	case e.N < 2:
		return "∞"
	case e.CIHigh == e.CILow:
		return "0%"
	case h < 0.0995:
		return fmt.Sprintf("%.1f%%", 100*h)
	case h < 9.995:
		return fmt.Sprintf("%.0f%%", 100*h)
	default: // also a mean of zero
		return ">999%"
	}
}

// percent prints a relative change with its sign, finer the smaller it is. One
// that two decimals cannot show says so: a significant "-0.00%" would be absurd.
func percent(ratio float64) string {
	switch a := math.Abs(ratio); {
	case ratio == 0:
		return "0%"
	case a < 0.00005:
		if ratio < 0 {
			return "-<0.01%"
		}
		return "+<0.01%"
	case a < 0.00995:
		return fmt.Sprintf("%+.2f%%", 100*ratio)
	case a < 9.995:
		return fmt.Sprintf("%+.1f%%", 100*ratio)
	default:
		return fmt.Sprintf("%+.0f%%", 100*ratio)
	}
}

func pValue(p float64) string {
	if p < 0.0005 {
		return "p<0.001"
	}
	return fmt.Sprintf("p=%.3f", p)
}
