package report

import (
	"math"
	"slices"
	"strconv"
)

// chart is one figure, free of any drawing library: charts_option.go turns it
// into an ECharts option, svg.go into a static drawing. One of Time, Dots and
// Heat is set.
type chart struct {
	ID      string // fixed, so that equal inputs give equal bytes
	Title   string
	Caption string
	Wide    bool // over both columns of the page
	Keys    []legendKey
	Time    *timeChart
	Dots    *dotChart
	Heat    *heatChart
	Table   *dataTable // the figure's numbers for those who cannot see it
	// Decisions lists the marks of a chart over time; nil when it has none.
	Decisions *dataTable
}

// legendKey is one entry of the legend, which the page writes in HTML: there
// it wraps instead of overlapping, and looks alike in both kinds of charts.
type legendKey struct {
	Name   string
	Color  string
	Mark   string   // line | dash | area | block | dot | ring
	Series []string // the names of the series that the key shows and hides; nil for a target
}

// timeChart draws quantities over the scenario's time.
type timeChart struct {
	Axis   timeAxis
	YName  string // quantity and unit
	Unit   string
	Scale  valueScale
	X      []float64 // minutes on Axis
	Series []series
	Target *target
	Marks  []mark // on the lines, by policy
	// Stacked has each series stand on those after it: they are the parts of one
	// sum, and the first is on top.
	Stacked bool
}

// series is one line; NaN is a gap.
type series struct {
	Name  string
	Color string
	Dash  bool
	Step  bool // holds over the bin that ends at its X
	Area  bool
	Y     []float64
}

// target is a horizontal line that a quantity should stay below.
type target struct {
	Label string
	Value float64
}

// key is the target's entry in the legend.
func (t target) key() legendKey {
	return legendKey{Name: t.Label, Color: targetColor, Mark: "dash"}
}

// dotChart draws estimates with their confidence intervals.
type dotChart struct {
	XName, YName string
	X, Y         valueScale
	Rows         []string // of a categorical Y, from the top; nil for a numeric one
	Dots         []dot
	Target       *target // on Y
}

// dot is an estimate in one or two dimensions; Y.Mean is a row's index where
// the chart has rows.
type dot struct {
	Name  string // of the policy
	Text  string // the figures, in words
	Color string
	Side  string // of the dot on which its name stands: right | top | bottom | left; "" for none
	X, Y  span
	// Hollow sets the dot apart; the chart's caption says from what.
	Hollow bool
}

// height is the drawing's in CSS pixels: a forest needs room for its rows.
func (c *chart) height() int {
	switch {
	case c.Dots != nil && len(c.Dots.Rows) > 0:
		return max(svgHeight, 50+22*len(c.Dots.Rows))
	case c.Heat != nil:
		return max(svgHeight/2, 56+15*len(c.Heat.Rows))
	case c.Wide:
		return svgWideHeight
	default:
		return svgHeight
	}
}

// span is a mean with the ends of its interval.
type span struct{ Mean, Low, High float64 }

// The Okabe-Ito palette, which readers with any kind of colour vision can tell
// apart. Black is the first policy, the base of comparisons; yellow comes last
// because it is pale on white.
var okabeIto = []string{"#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442"}

const (
	demandColor = "#8a8f98" // what the world does, whatever the policy
	targetColor = "#b3261e"
	gridColor   = "#e4e6ea"
	axisColor   = "#9aa0a8"
	textColor   = "#2b2f36"
)

func policyColor(index int) string { return okabeIto[index%len(okabeIto)] }

// valueScale is the range and the ticks of a value axis. On a logarithmic one
// the ticks are the powers of ten.
type valueScale struct {
	Min, Max, Step float64
	Log            bool
}

// scaleOf spans the values: from zero, or over whole decades where the values
// lie more than a factor of thirty apart and none is zero or less.
func scaleOf(mayLog bool, columns ...[]float64) valueScale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, column := range columns {
		for _, v := range column {
			if !math.IsNaN(v) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	if math.IsInf(high, 0) {
		return valueScale{Min: 0, Max: 1, Step: 0.25}
	}
	if mayLog && low > 0 && high/low > 30 {
		return valueScale{
			Min: math.Pow(10, math.Floor(math.Log10(low))),
			Max: math.Pow(10, math.Ceil(math.Log10(high))),
			Log: true,
		}
	}
	return linearScale(min(low, 0), max(high, 0))
}

// scaleAround spans the values with some room, without starting from zero: the
// place of a dot, unlike the length of a bar, needs no zero.
func scaleAround(values []float64) valueScale {
	low, high := slices.Min(values), slices.Max(values)
	room := max(0.08*(high-low), 0.02*math.Abs(high))
	if s := scaleOf(true, values); s.Log {
		return s
	}
	if low >= 0 {
		return linearScale(max(low-room, 0), high+room)
	}
	return linearScale(low-room, high+room)
}

// linearScale widens a range to whole steps of 1, 2, 2.5 or 5 times a power of
// ten, about five of them.
func linearScale(low, high float64) valueScale {
	if high <= low {
		high = low + 1
	}
	raw := (high - low) / 5
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * unit
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*unit >= raw*(1-1e-9) {
			step = m * unit
			break
		}
	}
	return valueScale{Min: math.Floor(low/step) * step, Max: math.Ceil(high/step-1e-9) * step, Step: step}
}

// position is where v stands between Min (0) and Max (1).
func (s valueScale) position(v float64) float64 {
	if s.Log {
		return math.Log(v/s.Min) / math.Log(s.Max/s.Min)
	}
	return (v - s.Min) / (s.Max - s.Min)
}

// ticks lists the values at which the axis is labelled.
func (s valueScale) ticks() []float64 {
	var out []float64
	if s.Log {
		for v := s.Min; v <= s.Max*1.0001; v *= 10 {
			out = append(out, v)
		}
		return out
	}
	for i := range int(math.Round((s.Max-s.Min)/s.Step)) + 1 {
		out = append(out, s.Min+float64(float64(i)*s.Step))
	}
	return out
}

// tickLabel prints an axis value with commas and without needless digits.
func tickLabel(v float64) string {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	if rounded == math.Trunc(rounded) && math.Abs(rounded) < 1e15 {
		return grouped(int64(rounded))
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
