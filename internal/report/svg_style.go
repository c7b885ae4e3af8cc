package report

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// sans is the face of all text in drawings; its metrics are those of Arial and
// Helvetica, with which the page sets it where Liberation is not installed.
func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// newPlot is an empty drawing in the house style: light rules, quiet axes.
func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Color, a.Width = rgb(axisColor), 1
		a.Padding = 0
		a.Tick.Color, a.Tick.Width, a.Tick.Length = rgb(axisColor), 1, 4
		a.Tick.Label.Font, a.Tick.Label.Color = sans(11), rgb(textColor)
		a.Label.TextStyle.Font, a.Label.TextStyle.Color = sans(11.5), rgb(textColor)
		a.Label.Padding = 5
	}
	p.X.Label.Text, p.Y.Label.Text = x, y
	return p
}

// rules are light lines across the chart, under everything else.
type rules struct{ x, y []float64 }

// Plot implements plot.Plotter.
func (r rules) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	style := draw.LineStyle{Color: rgb(gridColor), Width: 0.8}
	for _, v := range r.x {
		c.StrokeLine2(style, toX(v), c.Min.Y, toX(v), c.Max.Y)
	}
	for _, v := range r.y {
		c.StrokeLine2(style, c.Min.X, toY(v), c.Max.X, toY(v))
	}
}

// targetLine draws a target through the whole chart; the legend names it.
type targetLine target

// Plot implements plot.Plotter.
func (t targetLine) Plot(c draw.Canvas, p *plot.Plot) {
	_, toY := p.Transforms(&c)
	y := toY(t.Value)
	c.StrokeLine2(draw.LineStyle{Color: rgb(targetColor), Width: 1.5, Dashes: []vg.Length{5, 4}}, c.Min.X, y, c.Max.X, y)
}

// dots draws estimates with whiskers, and names them where no row does.
type dots dotChart

// Plot implements plot.Plotter.
func (d dots) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	if d.Rows != nil { // the line of no change
		c.StrokeLine2(draw.LineStyle{Color: rgb(axisColor), Width: 1.5}, toX(0), c.Min.Y, toX(0), c.Max.Y)
	}
	for _, dot := range d.Dots {
		x, y, low, high := dot.X, dot.Y.Mean, dot.Y.Low, dot.Y.High
		if d.Rows != nil { // rows count from the top
			y, low, high = -y, -low, -high
		}
		style := draw.LineStyle{Color: rgb(dot.Color), Width: 2}
		c.StrokeLine2(style, toX(x.Low), toY(y), toX(x.High), toY(y))
		c.StrokeLine2(style, toX(x.Mean), toY(low), toX(x.Mean), toY(high))
		at := vg.Point{X: toX(x.Mean), Y: toY(y)}
		c.DrawGlyph(draw.GlyphStyle{Color: rgb(dot.Color), Radius: 4.5, Shape: draw.CircleGlyph{}}, at)
		if dot.Hollow {
			c.DrawGlyph(draw.GlyphStyle{Color: rgb("#ffffff"), Radius: 2.5, Shape: draw.CircleGlyph{}}, at)
		}
		drawLabel(c, dot, at)
	}
}

// drawLabel writes a dot's name on the side chosen for it.
func drawLabel(c draw.Canvas, d dot, at vg.Point) {
	style := draw.TextStyle{Color: rgb(textColor), Font: sans(12), XAlign: draw.XCenter, YAlign: draw.YCenter, Handler: plot.DefaultTextHandler}
	switch d.Side {
	case "right":
		style.XAlign, at.X = draw.XLeft, at.X+8
	case "left":
		style.XAlign, at.X = draw.XRight, at.X-8
	case "top":
		at.Y += 13
	case "bottom":
		at.Y -= 13
	default:
		return
	}
	c.FillText(style, at, d.Name)
}
