package report

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// SweepPlot is a metric over one parameter, as lines with their intervals, or over
// two, as a heat map for each policy.
type SweepPlot struct {
	Metric   metrics.Metric
	Currency string
	Note     string // under the title, such as how many seeds there are
	Policies []string
	XName    string
	X        []string // values in their order
	YName    string   // "" for lines
	Y        []string // from the top; one for lines
	// Cells are by policy, Y and X; N is 0 where there is no figure.
	Cells [][][]results.Estimate
}

// The sizes of a sweep's plot in CSS pixels.
const (
	sweepWidth, sweepHeight = 720, 340
	heatHead, heatRow       = 110, 28 // around a heat map, and of each of its rows
)

// WriteSVG writes the plot as an SVG document in the style of the reports.
func (p SweepPlot) WriteSVG(w io.Writer) error {
	scale := p.scale()
	var panels []*plot.Plot
	height := vg.Length(sweepHeight)
	if p.YName == "" {
		panels = []*plot.Plot{p.lines(scale)}
	} else {
		height = vg.Length(heatHead + heatRow*len(p.Y))
		for i := range p.Policies {
			panels = append(panels, p.heat(i, scale))
		}
	}
	all := height * vg.Length(len(panels))
	canvas := vgsvg.New(sweepWidth, all)
	page := draw.New(canvas)
	for i, panel := range panels {
		top := height * vg.Length(i)
		panel.Draw(draw.Crop(page, 4, -12, all-top-height+4, -top-4))
	}
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return fmt.Errorf("draw %s: %w", p.Metric.Name, err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the drawing of %s: %w", p.Metric.Name, err)
	}
	return nil
}

// each calls f for every figure there is.
func (p SweepPlot) each(f func(policy, y, x int, e results.Estimate)) {
	for i, rows := range p.Cells {
		for y, row := range rows {
			for x, e := range row {
				if e.N > 0 {
					f(i, y, x, e)
				}
			}
		}
	}
}

func (p SweepPlot) scale() humanScale {
	largest := 0.0
	p.each(func(_, _, _ int, e results.Estimate) { largest = max(largest, math.Abs(e.Mean)) })
	return scaleFor(p.Metric.Unit, Options{Currency: p.Currency}.currency(), largest)
}

func (p SweepPlot) title(scale humanScale) string {
	text := Label(p.Metric.Name)
	if scale.unit != "" {
		text += ", " + scale.unit
	}
	return text
}

func (p SweepPlot) newPanel(title, y string) *plot.Plot {
	out := newPlot(tty.Plain(p.XName), tty.Plain(y))
	out.Title.Text = tty.Plain(title)
	out.Title.TextStyle.Font, out.Title.TextStyle.Color = sans(13), rgb(textColor)
	out.Title.Padding = 6
	return out
}

// positions places the values of X by what they are where all are numbers, else
// evenly.
func (p SweepPlot) positions() []float64 {
	at := make([]float64, len(p.X))
	for i, text := range p.X {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			for k := range at {
				at[k] = float64(k)
			}
			return at
		}
		at[i] = x
	}
	return at
}

func (p SweepPlot) lines(scale humanScale) *plot.Plot {
	out := p.newPanel(p.title(scale)+p.Note, "")
	at := p.positions()
	least, most := at[0], at[0]
	ticks := make(plot.ConstantTicks, len(at))
	for i, x := range at {
		least, most = min(least, x), max(most, x)
		ticks[i] = plot.Tick{Value: x, Label: tty.Plain(p.X[i])}
	}
	room := max((most-least)/20, 1e-9)
	out.X.Min, out.X.Max, out.X.Tick.Marker = least-room, most+room, ticks
	var values []float64
	p.each(func(_, _, _ int, e results.Estimate) {
		values = append(values, e.CILow*scale.factor, e.CIHigh*scale.factor)
	})
	if len(values) > 0 {
		y := scaleAround(values)
		setScale(&out.Y, y)
		out.Add(rules{y: y.ticks()})
	}
	for i, policy := range p.Policies {
		var line plotter.XYs
		var d dotChart
		for x, e := range p.Cells[i][0] {
			if e.N == 0 {
				continue
			}
			mean := e.Mean * scale.factor
			line = append(line, plotter.XY{X: at[x], Y: mean})
			d.Dots = append(d.Dots, dot{Color: policyColor(i), X: span{at[x], at[x], at[x]}, Y: span{mean, e.CILow * scale.factor, e.CIHigh * scale.factor}})
		}
		if len(line) > 0 {
			out.Add(&plotter.Line{XYs: line, LineStyle: draw.LineStyle{Color: rgb(policyColor(i)), Width: 1.5}}, dots(d))
		}
		out.Add(legend{tty.Plain(policy), policyColor(i), i})
	}
	return out
}

func (p SweepPlot) heat(policy int, scale humanScale) *plot.Plot {
	out := p.newPanel(p.Policies[policy]+": "+p.title(scale)+p.Note, p.YName)
	mark := func(values []string, sign float64) plot.ConstantTicks {
		ticks := make(plot.ConstantTicks, len(values))
		for i, v := range values {
			ticks[i] = plot.Tick{Value: sign * float64(i), Label: tty.Plain(v)}
		}
		return ticks
	}
	out.X.Min, out.X.Max, out.X.Tick.Marker = -0.5, float64(len(p.X))-0.5, mark(p.X, 1)
	out.Y.Min, out.Y.Max, out.Y.Tick.Marker = 0.5-float64(len(p.Y)), 0.5, mark(p.Y, -1)
	h := heatMap{cells: p.Cells[policy], factor: scale.factor, low: math.Inf(1), high: math.Inf(-1)}
	p.each(func(_, _, _ int, e results.Estimate) { h.low, h.high = min(h.low, e.Mean), max(h.high, e.Mean) })
	out.Add(h)
	return out
}

// heatMap draws a shade for each cell, from the least figure of all policies to
// the largest, and the figure in it.
type heatMap struct {
	cells     [][]results.Estimate
	factor    float64
	low, high float64
}

// The ends of the shades, and where on the way dark text turns light.
const (
	paleShade, deepShade = "#eef3f9", "#08306b"
	lightText            = 0.45
)

// Plot implements plot.Plotter.
func (h heatMap) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for y, row := range h.cells {
		for x, e := range row {
			if e.N == 0 {
				continue
			}
			part := 0.0
			if h.high > h.low {
				part = (e.Mean - h.low) / (h.high - h.low)
			}
			left, right := toX(float64(x)-0.5)+0.5, toX(float64(x)+0.5)-0.5
			bottom, top := toY(-float64(y)-0.5)+0.5, toY(-float64(y)+0.5)-0.5
			c.FillPolygon(shade(part), []vg.Point{{X: left, Y: bottom}, {X: right, Y: bottom}, {X: right, Y: top}, {X: left, Y: top}})
			style := draw.TextStyle{Color: rgb(textColor), Font: sans(11), XAlign: draw.XCenter, YAlign: draw.YCenter, Handler: plot.DefaultTextHandler}
			if part > lightText {
				style.Color = color.White
			}
			text := tty.Number(e.Mean * h.factor)
			if style.Width(text) < right-left {
				c.FillText(style, vg.Point{X: (left + right) / 2, Y: (bottom + top) / 2}, text)
			}
		}
	}
}

// shade is a colour between the two ends.
func shade(part float64) color.NRGBA {
	a, b := rgb(paleShade), rgb(deepShade)
	mix := func(x, y uint8) uint8 { return uint8(math.Round(float64(x) + float64(part*(float64(y)-float64(x))))) }
	return color.NRGBA{R: mix(a.R, b.R), G: mix(a.G, b.G), B: mix(a.B, b.B), A: 255}
}
