package sweep

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// A plot with more values of a parameter than this could not be read.
const mostPlotted = 40

// plots are an SVG for each headline metric, of a sweep over one parameter or two.
func (p *Plan) plots(runs map[Unit]*results.Run) ([]results.File, error) {
	if n := len(p.Parameters); n < 1 || n > 2 {
		return nil, nil
	}
	x, y := p.values(0), []string{""}
	if len(p.Parameters) == 2 {
		y, x = x, p.values(1)
	}
	if len(x) < 2 || len(x) > mostPlotted || len(y) > mostPlotted {
		return nil, nil
	}
	var files []results.File
	for _, name := range results.Headline() {
		plot, found, err := p.plot(runs, name, x, y)
		if err != nil {
			return nil, err
		}
		if found {
			files = append(files, results.File{Name: name + ".svg", Fill: plot.WriteSVG})
		}
	}
	return files, nil
}

// values are those that a parameter takes, in the order of the points.
func (p *Plan) values(parameter int) []string {
	var out []string
	for _, point := range p.Points {
		if v := point.Values[parameter]; !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// plot is that of a metric; found says whether there is a figure in it.
func (p *Plan) plot(runs map[Unit]*results.Run, metric string, x, y []string) (out report.SweepPlot, found bool, err error) {
	m, err := metrics.Find(metric)
	if err != nil {
		return out, false, err
	}
	axes := p.shortNames()
	out = report.SweepPlot{
		Metric: m, Currency: p.Currency, Note: fmt.Sprintf(" (mean of %d seeds)", len(p.Seeds)),
		Policies: p.Policies, XName: axes[len(axes)-1], X: x, Y: y,
	}
	if len(p.Parameters) == 2 {
		out.YName = axes[0]
	}
	for _, policy := range p.Policies {
		rows := make([][]results.Estimate, len(y))
		for i := range rows {
			rows[i] = make([]results.Estimate, len(x))
		}
		for i, point := range p.Points {
			row := 0
			if out.YName != "" {
				row = slices.Index(y, point.Values[0])
			}
			e, err := p.Estimate(runs, i, policy, metric)
			if err != nil {
				return out, false, err
			}
			rows[row][slices.Index(x, point.Values[len(point.Values)-1])] = e
			found = found || e.N > 0
		}
		out.Cells = append(out.Cells, rows)
	}
	return out, found, nil
}

// shortNames are the last words of the paths, or the paths where those are alike.
func (p *Plan) shortNames() []string {
	var names []string
	for _, path := range p.Parameters {
		short := path[strings.LastIndex(path, ".")+1:]
		if slices.Contains(names, short) {
			return p.Parameters
		}
		names = append(names, short)
	}
	return names
}
