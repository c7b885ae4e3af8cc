package report

import (
	"math"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
	"github.com/go-echarts/go-echarts/v2/types"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// heatOption is the heat map as an ECharts option. Its axes are categories: the
// columns' labels are blank but for those that begin a step of the time axis.
func (c *chart) heatOption() map[string]any {
	h := c.Heat
	heat := charts.NewHeatMap()
	names := make([]string, len(h.Rows))
	for i, r := range h.Rows {
		names[i] = shorten(r.Name)
	}
	heat.SetGlobalOptions(append(c.common("item", ""),
		charts.WithGridOpts(opts.Grid{Left: "8", Right: "18", Top: "6", Bottom: "26", ContainLabel: opts.Bool(true)}),
		charts.WithXAxisOpts(opts.XAxis{
			Type: "category", Data: h.labels(), Name: h.Axis.Name, NameLocation: "middle", NameGap: 26,
			AxisLine: quietLine(), AxisLabel: h.everyLabel(), AxisTick: &opts.AxisTick{Show: opts.Bool(false)}, SplitLine: noLines(),
		}),
		charts.WithYAxisOpts(opts.YAxis{Type: "category", Data: names, Inverse: opts.Bool(true), AxisLine: quietLine(), AxisLabel: quietLabel(), SplitLine: noLines()}),
	)...)
	var cells []numbers
	for y, r := range h.Rows {
		for x, v := range r.Cells {
			cells = append(cells, numbers{float64(x), float64(y), math.Round(float64(v))})
		}
	}
	heat.MultiSeries = append(heat.MultiSeries, charts.SingleSeries{Name: "busy share", Type: types.ChartHeatMap, Data: cells})
	heat.Validate()
	option := heat.JSON()
	option["visualMap"] = map[string]any{"type": "piecewise", "show": false, "dimension": 2, "pieces": heatPieces()}
	return option
}

// everyLabel shows all labels, as most are blank.
func (h *heatChart) everyLabel() *opts.AxisLabel {
	l := quietLabel()
	l.Interval, l.ShowMinLabel, l.ShowMaxLabel = "0", opts.Bool(true), opts.Bool(true)
	return l
}

// labels are those of the columns in which a labelled minute of the axis lies.
func (h *heatChart) labels() []string {
	out := make([]string, len(h.Ends))
	column := 0
	for _, tick := range h.Axis.ticks() {
		for column < len(h.Ends)-1 && h.Ends[column] <= tick+1e-9 {
			column++
		}
		out[column] = h.Axis.label(tick)
	}
	return out
}

// heatPieces are the classes for the charting library. Cells are whole percents
// there, and a class begins on one.
func heatPieces() []map[string]any {
	var out []map[string]any
	for i, k := range heatClasses {
		switch {
		case k.Least < 0:
			out = append(out, map[string]any{"value": float64(k.Least), "color": k.Color})
		case i == len(heatClasses)-1:
			out = append(out, map[string]any{"gte": float64(k.Least), "color": k.Color})
		default:
			out = append(out, map[string]any{"gte": float64(k.Least), "lt": float64(heatClasses[i+1].Least), "color": k.Color})
		}
	}
	return out
}

// heatData is what the page's script needs for the tooltip of a cell.
type heatData struct {
	Rows   []string       `json:"rows"`
	Starts instants       `json:"starts"` // minutes at which the columns begin
	States map[int]string `json:"states"` // by the value of a cell that is no share
}

func (h *heatChart) data() *heatData {
	d := &heatData{States: map[int]string{}, Starts: append(instants{h.Axis.Start}, h.Ends[:len(h.Ends)-1]...)}
	for _, r := range h.Rows {
		d.Rows = append(d.Rows, r.Name)
	}
	for _, k := range heatClasses {
		if k.Least < 0 {
			d.States[int(k.Least)] = k.Name
		}
	}
	return d
}

func (h *heatChart) plot() *plot.Plot {
	p := newPlot(h.Axis.Name, "")
	p.X.Min, p.X.Max = h.Axis.Start, h.Axis.Start+math.Max(h.Axis.Span, 1e-9)
	p.X.Tick.Marker = labelled(h.Axis.ticks(), h.Axis.label)
	p.Y.Min, p.Y.Max = -float64(len(h.Rows))+0.5, 0.5
	marks := make(plot.ConstantTicks, len(h.Rows))
	for i, r := range h.Rows {
		marks[i] = plot.Tick{Value: -float64(i), Label: shorten(r.Name)}
	}
	p.Y.Tick.Marker, p.Y.Tick.Length = marks, 0
	p.Add((*heatCells)(h))
	return p
}

// heatCells draws the cells, those of one colour beside each other as one.
type heatCells heatChart

// Plot implements plot.Plotter.
func (h *heatCells) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for i, r := range h.Rows {
		bottom, top := toY(-float64(i)-0.47), toY(-float64(i)+0.47)
		left := toX(h.Axis.Start)
		for x, v := range r.Cells {
			if x+1 < len(r.Cells) && r.Cells[x+1].drawn() == v.drawn() {
				continue
			}
			right := toX(h.Ends[x])
			c.FillPolygon(rgb(heatClasses[v.drawn()].Color), []vg.Point{{X: left, Y: bottom}, {X: right, Y: bottom}, {X: right, Y: top}, {X: left, Y: top}})
			left = right
		}
	}
}

// drawn is the class of a cell in whole percents, as the charting library has it.
func (c heatCell) drawn() int { return heatCell(math.Round(float64(c))).class() }
