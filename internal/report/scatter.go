package report

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// Scatter is one metric against another: a point with its intervals for each
// configuration, coloured by its group.
type Scatter struct {
	Title    string
	X, Y     metrics.Metric
	Currency string
	Points   []ScatterPoint
}

// ScatterPoint is a configuration; one without a name is drawn pale.
type ScatterPoint struct {
	Name  string
	Group string
	X, Y  results.Estimate
}

// The size of a scatter plot in CSS pixels.
const scatterWidth, scatterHeight = 720, 420

// WriteSVG writes the plot as an SVG document in the style of the reports.
func (s Scatter) WriteSVG(w io.Writer) error {
	canvas := vgsvg.New(scatterWidth, scatterHeight)
	s.plot().Draw(draw.Crop(draw.New(canvas), 4, -12, 4, -4))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return fmt.Errorf("draw %s: %w", s.Title, err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the drawing %s: %w", s.Title, err)
	}
	return nil
}

func (s Scatter) plot() *plot.Plot {
	xs, xScale, xName := s.axis(s.X, func(p ScatterPoint) results.Estimate { return p.X })
	ys, yScale, yName := s.axis(s.Y, func(p ScatterPoint) results.Estimate { return p.Y })
	out := newPlot(tty.Plain(xName), tty.Plain(yName))
	out.Title.Text = tty.Plain(s.Title)
	out.Title.TextStyle.Font, out.Title.TextStyle.Color = sans(13), rgb(textColor)
	out.Title.Padding = 6
	setScale(&out.X, xScale)
	setScale(&out.Y, yScale)
	out.Add(rules{x: xScale.ticks(), y: yScale.ticks()})
	var groups []string
	var d dotChart
	for i, p := range s.Points {
		if !slices.Contains(groups, p.Group) {
			groups = append(groups, p.Group)
		}
		color := policyColor(slices.Index(groups, p.Group))
		if p.Name == "" {
			out.Add(pale{xs[i].Mean, ys[i].Mean, color})
			continue
		}
		d.Dots = append(d.Dots, dot{Name: p.Name, Color: color, Side: "right", X: xs[i], Y: ys[i]})
	}
	out.Add(dots(d))
	for i, g := range groups {
		out.Add(legend{tty.Plain(g), policyColor(i), i})
	}
	return out
}

// axis are the points' spans on an axis, in the unit that suits them.
func (s Scatter) axis(m metrics.Metric, of func(ScatterPoint) results.Estimate) (spans []span, scale valueScale, name string) {
	largest := 0.0
	for _, p := range s.Points {
		largest = max(largest, math.Abs(of(p).Mean))
	}
	human := scaleFor(m.Unit, Options{Currency: s.Currency}.currency(), largest)
	var values []float64
	for _, p := range s.Points {
		e := of(p)
		spans = append(spans, span{e.Mean * human.factor, e.CILow * human.factor, e.CIHigh * human.factor})
		values = append(values, e.CILow*human.factor, e.CIHigh*human.factor)
	}
	name = Label(m.Name)
	if human.unit != "" {
		name += ", " + human.unit
	}
	return spans, scaleAround(values), name
}

// pale is a small ring without a name.
type pale struct {
	x, y  float64
	color string
}

// Plot implements plot.Plotter.
func (r pale) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	c.DrawGlyph(draw.GlyphStyle{Color: faded(r.color, 0.5), Radius: 3, Shape: draw.RingGlyph{}}, vg.Point{X: toX(r.x), Y: toY(r.y)})
}
