package report

import (
	"fmt"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/kwatt-sim/kwatt/internal/forecast/backtest"
	"github.com/kwatt-sim/kwatt/internal/tty"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// The sizes of a backtest's drawing in CSS pixels: a row a trace, the held-out
// days to the left and the losses to the right.
const (
	backtestWidth, backtestRowHeight = 1180, 300
	backtestLeft                     = 760
)

// BacktestSVG draws backtests as an SVG document.
func BacktestSVG(w io.Writer, results []*backtest.Result) error {
	height := vg.Length(backtestRowHeight * len(results))
	canvas := vgsvg.New(backtestWidth, height)
	all := draw.New(canvas)
	all.FillPolygon(rgb("#ffffff"), []vg.Point{{}, {X: backtestWidth}, {X: backtestWidth, Y: height}, {Y: height}})
	for i, r := range results {
		top := height - vg.Length(i*backtestRowHeight)
		row := draw.Crop(all, 0, 0, top-backtestRowHeight, top-height)
		heldOutPlot(r).Draw(draw.Crop(row, 6, backtestLeft-backtestWidth, 6, -6))
		lossPlot(r).Draw(draw.Crop(row, backtestLeft+20, -10, 6, -6))
	}
	if _, err := canvas.WriteTo(w); err != nil {
		return fmt.Errorf("draw backtests: %w", err)
	}
	return nil
}

// modelColor is the same for a model in every chart of a backtest; grey is what
// was. The LSTM, last among the methods, has a colour of its own: yellow is pale.
func modelColor(r *backtest.Result, i int) string {
	if r.Entries[i].Method == "LSTM" {
		return okabeIto[0]
	}
	return okabeIto[1+i%6]
}

// heldOutPlot shows the held-out rates and medians at the furthest horizon.
func heldOutPlot(r *backtest.Result) *plot.Plot {
	s := r.Series
	last := len(r.Steps) - 1
	p := newPlot("hours since "+minuteOf(s.HeldStart()), "req/s")
	p.Title.Text = fmt.Sprintf("%s: held out, and medians %v ahead", tty.Plain(s.Trace.Name), units.Duration(r.Horizon(r.Steps[last])))
	p.Title.TextStyle.Font = sans(12.5)
	held := s.Values[s.HeldFrom:]
	x := make([]float64, len(held))
	for i := range held {
		x[i] = (float64(i) + 0.5) * s.Step.Hours()
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, float64(len(held))*s.Step.Hours(), 0, 1.05*maxKnown(held)
	p.Add(rules{y: ticksOf(p.Y.Max)})
	p.Y.Tick.Marker = labelled(ticksOf(p.Y.Max), tickLabel)
	was := series{Color: demandColor, Area: true, Y: held}
	for _, part := range was.parts(x, false) {
		p.Add(part)
	}
	for _, i := range shown(r, last) {
		y := make([]float64, len(held))
		for k, v := range r.Entries[i].Points[last] {
			y[k] = min(v, p.Y.Max)
		}
		line := series{Color: modelColor(r, i), Y: y}
		parts := line.parts(x, false)
		for _, part := range parts {
			p.Add(part)
		}
		if len(parts) > 0 {
			p.Legend.Add(r.Entries[i].Method, parts[0].(plot.Thumbnailer))
		}
	}
	legendStyle(p)
	return p
}

func legendStyle(p *plot.Plot) {
	p.Legend.Top, p.Legend.Left, p.Legend.XOffs = true, true, 6
	p.Legend.TextStyle.Font, p.Legend.TextStyle.Color = sans(10.5), rgb(textColor)
	p.Legend.ThumbnailWidth, p.Legend.Padding = 16, 1
}

func maxKnown(v []float64) float64 {
	top := 0.0
	for _, y := range v {
		if y > top {
			top = y
		}
	}
	return max(top, 1e-9)
}

// ticksOf are round values from 0 up to top.
func ticksOf(top float64) []float64 {
	var in []float64
	for _, v := range scaleOf(false, []float64{0, top}).ticks() {
		if v <= top {
			in = append(in, v)
		}
	}
	return in
}

// shown are the entries whose medians a chart has room for: the baseline, the
// LSTM and the two best others.
func shown(r *backtest.Result, horizon int) []int {
	var out, others []int
	for i, e := range r.Entries {
		switch {
		case e.Oracle || e.Refused != "":
		case e.Method == r.Baseline || e.Method == "LSTM":
			out = append(out, i)
		default:
			others = append(others, i)
		}
	}
	slices.SortStableFunc(others, func(a, b int) int {
		d := r.Entries[a].Scores[horizon].MeanPinball - r.Entries[b].Scores[horizon].MeanPinball
		switch {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return 0
	})
	return append(out, others[:min(2, len(others))]...)
}

// beyondReason is how many times the best loss a model may have in a chart.
const beyondReason = 20

// lossPlot shows the mean pinball loss by horizon.
func lossPlot(r *backtest.Result) *plot.Plot {
	p := newPlot("minutes ahead", "mean pinball loss, % of the mean rate")
	p.Title.Text, p.Title.TextStyle.Font = "loss by horizon", sans(12.5)
	least, most := math.Inf(1), 0.0
	var minutes []float64
	for k, steps := range r.Steps {
		minutes = append(minutes, r.Horizon(steps).Minutes())
		if b := r.Best(k); b >= 0 {
			least = min(least, 100*r.Entries[b].Scores[k].Relative)
		}
	}
	for i, e := range r.Entries {
		if e.Oracle || e.Refused != "" {
			continue
		}
		var points plotter.XYs
		for k := range r.Steps {
			if y := 100 * e.Scores[k].Relative; y <= beyondReason*least {
				points = append(points, plotter.XY{X: minutes[k], Y: y})
				most = max(most, y)
			}
		}
		if len(points) == 0 {
			continue
		}
		style := draw.LineStyle{Color: rgb(modelColor(r, i)), Width: 1.5}
		line := &plotter.Line{XYs: points, LineStyle: style}
		p.Add(line, &plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: style.Color, Radius: 3, Shape: draw.CircleGlyph{}}})
		p.Legend.Add(e.Method, line)
	}
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, labelled(minutes, tickLabel)
	p.X.Min, p.X.Max = minutes[0]/1.5, minutes[len(minutes)-1]*1.5
	p.Y.Min, p.Y.Max = 0, 1.5*max(most, 1e-9)
	p.Y.Tick.Marker = labelled(ticksOf(p.Y.Max), tickLabel)
	legendStyle(p)
	return p
}
