package sweep

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// The files of a sweep's results directory, but manifest.json; the tables come as
// CSV and as Parquet.
const (
	PlanFile     = "sweep.json"
	RunsTable    = "runs"     // a row for each run
	ServiceTable = "services" // a row for each run and service
	PointsTable  = "points"   // a row for each point, policy and metric: over the seeds
)

// Files are what a sweep comes to: a function of the plan and its runs alone.
func (p *Plan) Files(runs map[Unit]*results.Run) ([]results.File, error) {
	if err := p.complete(runs); err != nil {
		return nil, err
	}
	files := []results.File{{Name: PlanFile, Fill: func(w io.Writer) error {
		out := json.NewEncoder(w)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		return out.Encode(p)
	}}}
	points, err := p.pointsTable(runs)
	if err != nil {
		return nil, err
	}
	for _, t := range []*results.Table{p.runsTable(runs), p.servicesTable(runs), points} {
		files = append(files, t.Files()...)
	}
	plots, err := p.plots(runs)
	return append(files, plots...), err
}

func text(name string) results.Column  { return results.Column{Name: name, Kind: results.TextColumn} }
func whole(name string) results.Column { return results.Column{Name: name, Kind: results.WholeColumn} }
func figure(name, unit string) results.Column {
	return results.Column{Name: name, Kind: results.FigureColumn, Unit: unit}
}

// parameters are the columns that every table begins with, and their cells.
type parameters struct {
	columns []results.Column
	cells   [][]any // by point
}

// parameters makes a column of numbers where all values of a path are.
func (p *Plan) parameters() parameters {
	out := parameters{columns: []results.Column{whole("point")}}
	for i := range p.Points {
		out.cells = append(out.cells, []any{uint64(i)})
	}
	for k, path := range p.Parameters {
		c := figure(path, "")
		numbers := make([]float64, len(p.Points))
		for i, point := range p.Points {
			x, err := strconv.ParseFloat(point.Values[k], 64)
			if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
				c.Kind = results.TextColumn
				break
			}
			numbers[i] = x
		}
		out.columns = append(out.columns, c)
		for i, point := range p.Points {
			var cell any = point.Values[k]
			if c.Kind == results.FigureColumn {
				cell = numbers[i]
			}
			out.cells[i] = append(out.cells[i], cell)
		}
	}
	return out
}

// unit is a metric's; costs are in the scenario's currency.
func (p *Plan) unit(m metrics.Metric) string {
	if m.Unit == "USD" {
		return p.Currency
	}
	return m.Unit
}

func (p *Plan) runsTable(runs map[Unit]*results.Run) *results.Table {
	par := p.parameters()
	t := &results.Table{Name: RunsTable, Columns: append(slices.Clone(par.columns), text("policy"), whole("seed"))}
	catalogue := metrics.Catalogue()
	for _, m := range catalogue {
		t.Columns = append(t.Columns, figure(m.Name, p.unit(m)))
	}
	for _, u := range p.Units() {
		row := append(slices.Clone(par.cells[u.Point]), u.Policy, u.Seed)
		t.Rows = append(t.Rows, appendFigures(row, catalogue, runs[u].Metrics))
	}
	return t
}

func (p *Plan) servicesTable(runs map[Unit]*results.Run) *results.Table {
	par := p.parameters()
	t := &results.Table{Name: ServiceTable, Columns: append(slices.Clone(par.columns), text("policy"), text("service"), whole("seed"))}
	perService := slices.DeleteFunc(slices.Clone(metrics.Catalogue()), func(m metrics.Metric) bool { return !m.PerService })
	for _, m := range perService {
		t.Columns = append(t.Columns, figure(m.Name, p.unit(m)))
	}
	for _, u := range p.Units() {
		services := runs[u].Services
		for _, name := range slices.Sorted(maps.Keys(services)) {
			row := append(slices.Clone(par.cells[u.Point]), u.Policy, name, u.Seed)
			t.Rows = append(t.Rows, appendFigures(row, perService, services[name]))
		}
	}
	return t
}

func appendFigures(row []any, of []metrics.Metric, values metrics.Values) []any {
	for _, m := range of {
		if x, ok := values[m.Name]; ok {
			row = append(row, x)
		} else {
			row = append(row, nil)
		}
	}
	return row
}

// pointsTable has means over the seeds with Student's 95 % interval; n is how many
// seeds have the results.FigureColumn, and one alone has no interval.
func (p *Plan) pointsTable(runs map[Unit]*results.Run) (*results.Table, error) {
	par := p.parameters()
	t := &results.Table{Name: PointsTable, Columns: append(slices.Clone(par.columns), text("policy"), text("metric"), text("unit"),
		whole("n"), figure("mean", ""), figure("ci_low", ""), figure("ci_high", ""))}
	for point := range p.Points {
		for _, policy := range p.Policies {
			for _, m := range metrics.Catalogue() {
				e, err := p.Estimate(runs, point, policy, m.Name)
				if err != nil {
					return nil, err
				}
				if e.N == 0 {
					continue
				}
				row := append(slices.Clone(par.cells[point]), policy, m.Name, p.unit(m), uint64(e.N), e.Mean, nil, nil)
				if e.N > 1 {
					row[len(row)-2], row[len(row)-1] = e.CILow, e.CIHigh
				}
				t.Rows = append(t.Rows, row)
			}
		}
	}
	return t, nil
}

// Estimate is the mean of a metric over the seeds of a policy at a point, with its
// 95 % interval; N is 0 where no seed has it.
func (p *Plan) Estimate(runs map[Unit]*results.Run, point int, policy, metric string) (results.Estimate, error) {
	var values []float64
	for _, seed := range p.Seeds {
		if r := runs[Unit{point, policy, seed}]; r != nil {
			if x, ok := r.Metrics[metric]; ok {
				values = append(values, results.Round(x))
			}
		}
	}
	if len(values) == 0 {
		return results.Estimate{}, nil
	}
	in, err := stats.TInterval(values, 0.95)
	if err != nil {
		return results.Estimate{}, fmt.Errorf("%s of %s at %s: %w", metric, policy, p.Describe(point), err)
	}
	return results.Estimate{Mean: in.Mean, CILow: in.Low, CIHigh: in.High, N: in.N}, nil
}
