package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
	"github.com/go-echarts/go-echarts/v2/types"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// mark is a decision of the ledger in a chart over time.
type mark struct {
	Policy string
	Color  string
	X, Y   float64 // minutes on the axis; the replicas asked for
	Text   string  // what the ledger says
}

// maxMarks is how many decisions of a policy are drawn; more would hide the
// lines.
const maxMarks = 150

// markDecisions puts the scale decisions of a service on its chart, each with
// the reason that the ledger holds, and lists them below it.
func (t timeline) markDecisions(c *chart, service string) {
	clock := t.axis
	clock.Step = 1
	table := &dataTable{Head: []string{"time", "policy", "from", "to", "reason"}}
	left := 0
	for _, d := range t.runs {
		all := scalingsOf(d.run.Decisions, service)
		drawn := largestChanges(all, maxMarks)
		left += len(all) - len(drawn)
		for _, e := range drawn {
			x := t.axis.Start + e.T/60
			at := clock.label(x)
			c.Time.Marks = append(c.Time.Marks, mark{
				Policy: d.run.Policy, Color: policyColor(d.index), X: x, Y: float64(e.To),
				Text: fmt.Sprintf("%s, %s: %d → %d, %s", at, d.run.Policy, e.From, e.To, reasonText(e)),
			})
			table.Rows = append(table.Rows, []string{at, d.run.Policy, fmt.Sprint(e.From), fmt.Sprint(e.To), reasonText(e)})
		}
	}
	if len(table.Rows) == 0 {
		return
	}
	c.Caption += " Dots: decisions to scale; hover or open the list for the ledger's reason."
	table.Caption = fmt.Sprintf("%d decisions to scale.", len(table.Rows))
	if left > 0 {
		text := fmt.Sprintf(" The %d largest changes of each policy are shown; the ledger holds %d more.", maxMarks, left)
		c.Caption += text
		table.Caption += text
	}
	c.Decisions = table
}

func reasonText(e decisions.Entry) string {
	if e.Reason == "" {
		return "no reason given"
	}
	return e.Reason
}

func scalingsOf(entries []decisions.Entry, service string) []decisions.Entry {
	var out []decisions.Entry
	for _, e := range entries {
		if e.Kind == decisions.Scale && e.Service == service {
			out = append(out, e)
		}
	}
	return out
}

// largestChanges keeps at most limit entries, those that change most, in order
// of time.
func largestChanges(all []decisions.Entry, limit int) []decisions.Entry {
	if len(all) <= limit {
		return all
	}
	size := func(e decisions.Entry) float64 { return math.Abs(float64(e.To - e.From)) }
	kept := slices.Clone(all)
	slices.SortStableFunc(kept, func(a, b decisions.Entry) int { return cmp.Compare(size(b), size(a)) })
	kept = kept[:limit]
	slices.SortStableFunc(kept, func(a, b decisions.Entry) int { return cmp.Compare(a.T, b.T) })
	return kept
}

// markOptions are the marks as a series for each policy, which the policy's
// legend entry shows and hides.
func markOptions(marks []mark) []charts.SingleSeries {
	var out []charts.SingleSeries
	for i, m := range marks {
		if i == 0 || marks[i-1].Policy != m.Policy {
			out = append(out, charts.SingleSeries{
				Name: m.Policy, Type: types.ChartScatter, SymbolSize: 7, Color: m.Color,
				ItemStyle: &opts.ItemStyle{Opacity: opts.Float(1), Color: "#ffffff", BorderColor: m.Color, BorderWidth: 1.5},
			})
		}
		last := &out[len(out)-1]
		data, _ := last.Data.([]opts.ScatterData)
		data = append(data, opts.ScatterData{Name: m.Text, Value: instants{m.X, m.Y}})
		last.Data = data
	}
	return out
}

// rings draws the marks in a static chart.
type rings []mark

// Plot implements plot.Plotter.
func (r rings) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for _, m := range r {
		at := vg.Point{X: toX(m.X), Y: toY(m.Y)}
		c.DrawGlyph(draw.GlyphStyle{Color: rgb(m.Color), Radius: 3.5, Shape: draw.CircleGlyph{}}, at)
		c.DrawGlyph(draw.GlyphStyle{Color: rgb("#ffffff"), Radius: 2, Shape: draw.CircleGlyph{}}, at)
	}
}
