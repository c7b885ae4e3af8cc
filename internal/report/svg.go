package report

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The sizes of a drawing in CSS pixels; the page scales it to its column.
const (
	svgWidth, svgWideWidth   = 660, 1340
	svgHeight, svgWideHeight = 250, 280
)

// svg draws the chart as an SVG element to stand in an HTML page: without XML
// head, scaled by its box, every text escaped.
func (c *chart) svg() (string, error) {
	p := c.plot()
	w, h := vg.Length(svgWidth), vg.Length(c.height())
	if c.Wide {
		w = svgWideWidth
	}
	canvas := &fittedCanvas{Canvas: vgsvg.New(w, h)}
	p.Draw(draw.Crop(draw.New(canvas), 2, -8, 2, -6))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", fmt.Errorf("draw %s: %w", c.ID, err)
	}
	_, drawing, ok := bytes.Cut(b.Bytes(), []byte("<svg "))
	if ok {
		_, drawing, ok = bytes.Cut(drawing, []byte(">"))
	}
	if !ok {
		return "", fmt.Errorf("draw %s: the drawing library wrote no svg element", c.ID)
	}
	return fmt.Sprintf(`<svg class="drawing" role="img" aria-label="%s" viewBox="0 0 %g %g" xmlns="http://www.w3.org/2000/svg">%s`,
		html.EscapeString(c.describe()), w.Points(), h.Points(), canvas.fit(drawing)), nil
}

func (c *chart) plot() *plot.Plot {
	switch {
	case c.Time != nil:
		return c.Time.plot()
	case c.Heat != nil:
		return c.Heat.plot()
	default:
		return c.Dots.plot()
	}
}

func (t *timeChart) plot() *plot.Plot {
	p := newPlot(t.Axis.Name, t.YName)
	p.X.Min, p.X.Max = t.Axis.Start, t.Axis.Start+math.Max(t.Axis.Span, 1e-9)
	p.X.Tick.Marker = labelled(t.Axis.ticks(), t.Axis.label)
	setScale(&p.Y, t.Scale)
	p.Add(rules{y: t.Scale.ticks()})
	for _, s := range t.Series {
		for _, part := range s.parts(t.X, t.Scale.Log) {
			if l, ok := part.(*plotter.Line); ok && t.Stacked {
				l.Width, l.FillColor = 0, rgb(s.Color)
			}
			p.Add(part)
		}
	}
	p.Add(rings(t.Marks))
	if t.Target != nil {
		p.Add(targetLine(*t.Target))
	}
	return p
}

// parts are the lines between the gaps of a series.
func (s series) parts(x []float64, logScale bool) []plot.Plotter {
	var out []plot.Plotter
	var run plotter.XYs
	flush := func() {
		if len(run) == 1 { // a value between two gaps: a dot, as nothing leads to it
			run = append(run, plotter.XY{X: run[0].X + 1e-6, Y: run[0].Y})
		}
		if len(run) > 0 {
			out = append(out, s.line(run))
		}
		run = nil
	}
	for i, v := range s.Y {
		if math.IsNaN(v) || logScale && v <= 0 {
			flush()
			continue
		}
		run = append(run, plotter.XY{X: x[i], Y: v})
	}
	flush()
	return out
}

func (s series) line(points plotter.XYs) *plotter.Line {
	l := &plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: rgb(s.Color), Width: 1.5}}
	if s.Step {
		l.StepStyle = plotter.PreStep
	}
	if s.Dash {
		l.Width, l.Dashes = 1, []vg.Length{4, 3}
	}
	if s.Area {
		l.Width = 1
		l.FillColor = faded(s.Color, 0.22)
	}
	return l
}

func (d *dotChart) plot() *plot.Plot {
	p := newPlot(d.XName, d.YName)
	setScale(&p.X, d.X)
	setScale(&p.Y, d.Y)
	if d.Rows != nil {
		p.Y.Min, p.Y.Max = -d.Y.Max, -d.Y.Min // the first row on top
		marks := make(plot.ConstantTicks, len(d.Rows))
		for i, row := range d.Rows {
			marks[i] = plot.Tick{Value: -float64(i), Label: row}
		}
		p.Y.Tick.Marker = marks
		p.Add(rules{x: d.X.ticks()})
	} else {
		p.Add(rules{x: d.X.ticks(), y: d.Y.ticks()})
	}
	p.Add(dots(*d))
	if d.Target != nil {
		p.Add(targetLine(*d.Target))
	}
	return p
}

func setScale(a *plot.Axis, s valueScale) {
	a.Min, a.Max = s.Min, s.Max
	if s.Log {
		a.Scale = plot.LogScale{}
	}
	a.Tick.Marker = labelled(s.ticks(), tickLabel)
}

func labelled(values []float64, label func(float64) string) plot.ConstantTicks {
	out := make(plot.ConstantTicks, len(values))
	for i, v := range values {
		out[i] = plot.Tick{Value: v, Label: label(v)}
	}
	return out
}

// rgb reads a colour written as #rrggbb.
func rgb(hex string) color.NRGBA {
	var c color.NRGBA
	c.A = 255
	if _, err := fmt.Sscanf(hex, "#%02x%02x%02x", &c.R, &c.G, &c.B); err != nil {
		panic(fmt.Sprintf("report: %q is not a colour: %v", hex, err)) // our own constants only
	}
	return c
}

// faded is a colour at an opacity from 0 to 1.
func faded(hex string, opacity float64) color.NRGBA {
	c := rgb(hex)
	c.A = uint8(math.Round(opacity * 255))
	return c
}
