package report

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// PowerPlot is a GPU's watts by batch: the curve with what it is known to, the
// figures or readings it goes by, and how far it is off them.
type PowerPlot struct {
	Title  string
	Curve  []PowerPoint // by ascending batch; Low and High bound what one more reading would be
	Points []PowerPoint // with the bounds of each
	Levels []PowerLevel // idle states and the cap, across the drawing
	// Residuals are fitted less read, one list for each Legend below the curve.
	Residuals []PowerResiduals
}

// PowerPoint is W at a batch between bounds; NaN bounds are none.
type PowerPoint struct{ Batch, Watts, Low, High float64 }

// PowerLevel is a draw that does not depend on the batch.
type PowerLevel struct {
	Name  string
	Watts float64
}

// PowerResiduals are errors in W by batch.
type PowerResiduals struct {
	Legend string
	Points []PowerPoint
}

// The sizes of a power plot in CSS pixels.
const (
	powerWidth     = 720
	powerHeight    = 340
	residualHeight = 170
)

// colours of the two kinds of residuals, and of the curve.
var residualColors = []string{"#0072b2", "#d55e00"}

const curveColor = "#0072b2"

// WriteSVG writes the plot as an SVG document in the style of the reports.
func (p PowerPlot) WriteSVG(w io.Writer) error {
	height := powerHeight
	if len(p.Residuals) > 0 {
		height += residualHeight
	}
	canvas := vgsvg.New(powerWidth, vg.Length(height))
	page := draw.New(canvas)
	upper := draw.Crop(page, 2, -10, vg.Length(height-powerHeight), -2)
	p.curve().Draw(upper)
	if len(p.Residuals) > 0 {
		p.residuals().Draw(draw.Crop(page, 2, -10, 2, -powerHeight))
	}
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return fmt.Errorf("draw %s: %w", p.Title, err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the drawing of %s: %w", p.Title, err)
	}
	return nil
}

func (p PowerPlot) curve() *plot.Plot {
	out := newPlot("requests in a batch", "W of one GPU")
	out.Title.Text = p.Title
	out.Title.TextStyle.Font, out.Title.TextStyle.Color = sans(13), rgb(textColor)
	p.batchAxis(out)
	var values []float64
	for _, q := range p.all() {
		values = append(values, q.Watts, q.High)
	}
	for _, l := range p.Levels {
		values = append(values, l.Watts)
	}
	scale := scaleOf(false, values)
	setScale(&out.Y, scale)
	out.Add(rules{y: scale.ticks()})
	var low, high plotter.XYs
	var line plotter.XYs
	for _, q := range p.Curve {
		line = append(line, plotter.XY{X: q.Batch, Y: q.Watts})
		if !math.IsNaN(q.Low) {
			low, high = append(low, plotter.XY{X: q.Batch, Y: q.Low}), append(high, plotter.XY{X: q.Batch, Y: q.High})
		}
	}
	if len(low) > 1 {
		for i := len(low) - 1; i >= 0; i-- {
			high = append(high, low[i])
		}
		band := &plotter.Polygon{XYs: []plotter.XYs{high}, Color: faded(curveColor, 0.15)}
		out.Add(band)
	}
	for _, l := range p.Levels {
		out.Add(level(l))
	}
	out.Add(&plotter.Line{XYs: line, LineStyle: draw.LineStyle{Color: rgb(curveColor), Width: 2}})
	out.Add(errorDots{p.Points, axisColor})
	return out
}

// all is every point of the upper drawing.
func (p PowerPlot) all() []PowerPoint { return slices.Concat(p.Curve, p.Points) }

func (p PowerPlot) residuals() *plot.Plot {
	out := newPlot("", "error, W")
	p.batchAxis(out)
	var sizes []float64
	for _, r := range p.Residuals {
		for _, q := range r.Points {
			sizes = append(sizes, math.Abs(q.Watts))
		}
	}
	scale := scaleOf(false, sizes)
	scale.Min, scale.Step = -scale.Max, scale.Max/2
	setScale(&out.Y, scale)
	out.Add(rules{y: scale.ticks()})
	for i, r := range p.Residuals {
		out.Add(errorDots{r.Points, residualColors[i%len(residualColors)]})
		out.Add(legend{r.Legend, residualColors[i%len(residualColors)], i})
	}
	return out
}

// batchAxis is logarithmic, with a mark at every doubling or fourth.
func (p PowerPlot) batchAxis(out *plot.Plot) {
	least, most := math.Inf(1), 1.0
	for _, q := range p.all() {
		least, most = min(least, q.Batch), max(most, q.Batch)
	}
	if math.IsInf(least, 1) || least == most {
		least, most = 1, max(most, 2)
	}
	out.X.Min, out.X.Max, out.X.Scale = least*0.9, most*1.1, plot.LogScale{}
	step := 2.0
	if most/least > 1024 {
		step = 4
	}
	var marks []float64
	for b := 1.0; b <= out.X.Max; b *= step {
		if b >= out.X.Min {
			marks = append(marks, b)
		}
	}
	out.X.Tick.Marker = labelled(marks, tickLabel)
}

// level draws a dashed line across the plot with its name above it.
type level PowerLevel

// Plot implements plot.Plotter.
func (l level) Plot(c draw.Canvas, p *plot.Plot) {
	_, toY := p.Transforms(&c)
	y := toY(l.Watts)
	c.StrokeLine2(draw.LineStyle{Color: rgb(axisColor), Width: 1, Dashes: []vg.Length{4, 3}}, c.Min.X, y, c.Max.X, y)
	style := draw.TextStyle{Color: rgb(textColor), Font: sans(11), YAlign: draw.YBottom, Handler: plot.DefaultTextHandler}
	c.FillText(style, vg.Point{X: c.Min.X + 6, Y: y + 2}, fmt.Sprintf("%s, %.4g W", l.Name, l.Watts))
}

// errorDots are readings with their bounds.
type errorDots struct {
	points []PowerPoint
	color  string
}

// Plot implements plot.Plotter.
func (d errorDots) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for _, q := range d.points {
		at := vg.Point{X: toX(q.Batch), Y: toY(q.Watts)}
		if !math.IsNaN(q.Low) {
			c.StrokeLine2(draw.LineStyle{Color: rgb(d.color), Width: 1}, at.X, toY(q.Low), at.X, toY(q.High))
		}
		c.DrawGlyph(draw.GlyphStyle{Color: rgb(d.color), Radius: 3, Shape: draw.CircleGlyph{}}, at)
	}
}

// legend names a colour in the upper right corner.
type legend struct {
	text, color string
	row         int
}

// Plot implements plot.Plotter.
func (l legend) Plot(c draw.Canvas, _ *plot.Plot) {
	at := vg.Point{X: c.Max.X - 8, Y: c.Max.Y - vg.Length(8+14*l.row)}
	c.DrawGlyph(draw.GlyphStyle{Color: rgb(l.color), Radius: 3, Shape: draw.CircleGlyph{}}, at)
	style := draw.TextStyle{Color: rgb(textColor), Font: sans(11), XAlign: draw.XRight, YAlign: draw.YCenter, Handler: plot.DefaultTextHandler}
	c.FillText(style, vg.Point{X: at.X - 7, Y: at.Y}, l.text)
}
