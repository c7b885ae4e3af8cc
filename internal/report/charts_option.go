package report

import (
	"math"
	"strconv"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
	"github.com/go-echarts/go-echarts/v2/types"
)

// option is the chart as an ECharts option. Only the option is taken from
// go-echarts: its page loads a script from a CDN, its ids are random, and it
// writes names unescaped into the script.
func (c *chart) option() map[string]any {
	switch {
	case c.Time != nil:
		return c.timeOption()
	case c.Heat != nil:
		return c.heatOption()
	default:
		return c.dotOption()
	}
}

// common are the options of every chart. The legend is hidden because the page
// draws it; it must exist for series to be switched on and off.
func (c *chart) common(trigger, pointer string) []charts.GlobalOpts {
	tip := opts.Tooltip{Show: opts.Bool(true), Trigger: trigger}
	if trigger == "item" {
		tip.Formatter = "{b}"
	} else {
		tip.AxisPointer = &opts.AxisPointer{Type: pointer}
	}
	return []charts.GlobalOpts{
		charts.WithInitializationOpts(opts.Initialization{ChartID: c.ID, Renderer: "svg"}),
		charts.WithAnimation(false),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(false)}),
		charts.WithToolboxOpts(opts.Toolbox{Show: opts.Bool(false)}),
		charts.WithTooltipOpts(tip),
		charts.WithColorsOpts(okabeIto),
		charts.WithAriaOpts(&opts.Aria{Enabled: opts.Bool(true), Label: &opts.AriaLabel{Description: c.describe()}}),
	}
}

// describe is what a screen reader says in place of the drawing.
func (c *chart) describe() string {
	text := c.Title + "."
	switch {
	case c.Time != nil:
		text += " Over time: " + c.Time.YName + "."
	case c.Heat != nil:
		text += " Over time, a row a node."
	default:
		for _, d := range c.Dots.Dots {
			text += " " + d.Text + "."
		}
	}
	if c.Table != nil {
		text += " The table below the chart holds its figures."
	}
	return text
}

func (c *chart) timeOption() map[string]any {
	t := c.Time
	line := charts.NewLine()
	line.SetGlobalOptions(append(c.common("axis", "line"),
		charts.WithGridOpts(opts.Grid{Left: "68", Right: "18", Top: "12", Bottom: "46"}),
		charts.WithXAxisOpts(opts.XAxis{
			Type: "value", Name: t.Axis.Name, NameLocation: "middle", NameGap: 28,
			Min: rounded(t.Axis.Start), Max: rounded(t.Axis.Start + t.Axis.Span), MaxInterval: t.Axis.Step, MinInterval: t.Axis.Step,
			AxisLine: quietLine(), AxisLabel: quietLabel(), SplitLine: noLines(),
		}),
		charts.WithYAxisOpts(t.Scale.axis(t.YName)),
		charts.WithDataZoomOpts(opts.DataZoom{Type: "inside", FilterMode: "none"}),
	)...)
	source := map[string]any{"x": instants(t.X)}
	for i, s := range t.Series {
		name := "y" + strconv.Itoa(i)
		source[name] = numbers(s.Y)
		one := s.option(name)
		if t.Stacked { // painted from the top of the pile down
			one.AreaStyle, one.LineStyle.Width = &opts.AreaStyle{Color: s.Color, Opacity: opts.Float(1)}, 0
		}
		line.MultiSeries = append(line.MultiSeries, one)
	}
	if t.Target != nil && len(line.MultiSeries) > 0 {
		markTarget(&line.MultiSeries[0], t.Target)
	}
	line.MultiSeries = append(line.MultiSeries, markOptions(t.Marks)...)
	line.AddDataset(opts.Dataset{Source: source})
	line.Validate()
	return line.JSON()
}

// option is a line that reads its values from the column of the chart's
// dataset with this name.
func (s series) option(column string) charts.SingleSeries {
	one := charts.SingleSeries{
		Name: s.Name, Type: types.ChartLine, Symbol: "none", Color: s.Color,
		Encode:    &opts.Encode{X: "x", Y: column},
		LineStyle: &opts.LineStyle{Color: s.Color, Width: 1.5},
	}
	if s.Step {
		one.Step = "start"
	}
	if s.Dash {
		one.LineStyle.Type, one.LineStyle.Width = "dashed", 1
	}
	if s.Area {
		one.AreaStyle = &opts.AreaStyle{Color: s.Color, Opacity: opts.Float(0.22)}
		one.LineStyle.Width = 1
	}
	return one
}

func (c *chart) dotOption() map[string]any {
	d := c.Dots
	scatter := charts.NewScatter()
	grid := opts.Grid{Left: "68", Right: "80", Top: "12", Bottom: "46"}
	y := d.Y.axis(d.YName)
	if d.Rows != nil {
		grid = opts.Grid{Left: "8", Right: "18", Top: "4", Bottom: "30", ContainLabel: opts.Bool(true)}
		y = opts.YAxis{Type: "category", Data: d.Rows, Inverse: opts.Bool(true), AxisLine: quietLine(), AxisLabel: quietLabel(), SplitLine: lightLines()}
	}
	scatter.SetGlobalOptions(append(c.common("item", ""),
		charts.WithGridOpts(grid),
		charts.WithXAxisOpts(opts.XAxis{
			Type: "value", Name: d.XName, NameLocation: "middle", NameGap: 28,
			Min: rounded(d.X.Min), Max: rounded(d.X.Max), MinInterval: d.X.Step, MaxInterval: d.X.Step,
			AxisLine: quietLine(), AxisLabel: quietLabel(), SplitLine: lightLines(),
		}),
		charts.WithYAxisOpts(y),
	)...)
	for _, p := range d.Dots {
		scatter.MultiSeries = append(scatter.MultiSeries, p.option(), p.whiskers())
	}
	if d.Target != nil {
		markTarget(&scatter.MultiSeries[0], d.Target)
	}
	if d.Rows != nil {
		markZero(&scatter.MultiSeries[0])
	}
	scatter.Validate()
	return scatter.JSON()
}

// option is the dot itself, with the name of its policy beside it.
func (d dot) option() charts.SingleSeries {
	one := charts.SingleSeries{
		Name: d.Name, Type: types.ChartScatter, SymbolSize: 9, Color: d.Color,
		ItemStyle: &opts.ItemStyle{Opacity: opts.Float(1)},
		Data:      []opts.ScatterData{{Name: d.Text, Value: numbers{d.X.Mean, d.Y.Mean}}},
	}
	if d.Hollow {
		one.ItemStyle = &opts.ItemStyle{Opacity: opts.Float(1), Color: "#ffffff", BorderColor: d.Color, BorderWidth: 2}
	}
	if d.Side != "" {
		one.Label = &opts.Label{Show: opts.Bool(true), Position: d.Side, Formatter: "{a}", Color: textColor, FontSize: 12}
	}
	return one
}

// whiskers are the confidence intervals; a gap parts the two.
func (d dot) whiskers() charts.SingleSeries {
	gap := numbers{math.NaN(), math.NaN()}
	return charts.SingleSeries{
		Name: d.Name, Type: types.ChartLine, Symbol: "none", Color: d.Color,
		LineStyle: &opts.LineStyle{Color: d.Color, Width: 2},
		Data:      []numbers{{d.X.Low, d.Y.Mean}, {d.X.High, d.Y.Mean}, gap, {d.X.Mean, d.Y.Low}, {d.X.Mean, d.Y.High}},
	}
}

// markTarget draws the target as a dashed line through the whole chart; the
// legend names it.
func markTarget(s *charts.SingleSeries, t *target) {
	charts.WithMarkLineNameYAxisItemOpts(opts.MarkLineNameYAxisItem{Name: t.Label, YAxis: t.Value})(s)
	markStyle(s, &opts.LineStyle{Color: targetColor, Type: "dashed", Width: 1.5})
}

// markZero draws the line of no change.
func markZero(s *charts.SingleSeries) {
	charts.WithMarkLineNameXAxisItemOpts(opts.MarkLineNameXAxisItem{Name: "no change", XAxis: 0})(s)
	markStyle(s, &opts.LineStyle{Color: axisColor, Type: "solid", Width: 1.5})
}

func markStyle(s *charts.SingleSeries, style *opts.LineStyle) {
	charts.WithMarkLineStyleOpts(opts.MarkLineStyle{
		Symbol: []string{"none", "none"}, Label: &opts.Label{Show: opts.Bool(false)}, LineStyle: style,
	})(s)
}

// axis is a vertical axis.
func (s valueScale) axis(name string) opts.YAxis {
	y := opts.YAxis{
		Type: "value", Name: name, NameLocation: "middle", NameGap: 50, Min: rounded(s.Min), Max: rounded(s.Max),
		AxisLine: quietLine(), AxisLabel: quietLabel(), SplitLine: lightLines(),
	}
	if s.Log {
		y.Type = "log"
	} else {
		y.MinInterval, y.MaxInterval = rounded(s.Step), rounded(s.Step)
	}
	return y
}

func quietLine() *opts.AxisLine {
	return &opts.AxisLine{Show: opts.Bool(true), OnZero: opts.Bool(false), LineStyle: &opts.LineStyle{Color: axisColor}}
}

func quietLabel() *opts.AxisLabel {
	return &opts.AxisLabel{Color: textColor, FontSize: 11, HideOverlap: opts.Bool(true)}
}

func lightLines() *opts.SplitLine {
	return &opts.SplitLine{Show: opts.Bool(true), LineStyle: &opts.LineStyle{Color: gridColor}}
}

func noLines() *opts.SplitLine { return &opts.SplitLine{Show: opts.Bool(false)} }

// numbers encodes as short JSON: five significant digits, null for a gap.
type numbers []float64

// MarshalJSON never fails: what JSON has no number for becomes null.
func (n numbers) MarshalJSON() ([]byte, error) { return shortJSON(n, 5), nil }

// instants are numbers that need more digits: minutes of up to a year.
type instants []float64

// MarshalJSON never fails.
func (n instants) MarshalJSON() ([]byte, error) { return shortJSON(n, 8), nil }

func shortJSON(values []float64, digits int) []byte {
	b := []byte{'['}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		if finite(v) {
			b = strconv.AppendFloat(b, v, 'g', digits, 64)
		} else {
			b = append(b, "null"...)
		}
	}
	return append(b, ']')
}

// rounded drops the digits that binary fractions add.
func rounded(v float64) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 9, 64), 64)
	return r
}
