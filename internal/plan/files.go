package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// The files of a plan's results directory, but manifest.json; the tables come as CSV
// and as Parquet.
const (
	ReportFile      = "plan.json"
	CandidatesTable = "plan"      // a row for each candidate
	RunsTable       = "runs"      // a row for each run of the search
	FrontFile       = "front.svg" // cost against CO2e
)

// Files are what a search comes to.
func (r *Report) Files(found *Found) []results.File {
	files := []results.File{{Name: ReportFile, Fill: func(w io.Writer) error {
		out := json.NewEncoder(w)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		return out.Encode(r)
	}}}
	for _, t := range []*results.Table{r.candidatesTable(), r.runsTable(found)} {
		files = append(files, t.Files()...)
	}
	if plot := r.frontPlot(); len(plot.Points) > 0 {
		files = append(files, results.File{Name: FrontFile, Fill: plot.WriteSVG})
	}
	return files
}

func text(name string) results.Column  { return results.Column{Name: name, Kind: results.TextColumn} }
func whole(name string) results.Column { return results.Column{Name: name, Kind: results.WholeColumn} }
func figure(name, unit string) results.Column {
	return results.Column{Name: name, Kind: results.FigureColumn, Unit: unit}
}

// head are the columns that every table begins with.
func (r *Report) head() []results.Column {
	columns := []results.Column{whole("candidate"), text("policy")}
	for _, p := range r.Parameters {
		columns = append(columns, text(p))
	}
	return columns
}

// lead are a candidate's cells of head; a value that is as written is empty.
func (r *Report) lead(i int) []any {
	c := &r.Candidates[i]
	row := []any{uint64(i), c.Policy}
	for k := range r.Parameters {
		if c.Values == nil {
			row = append(row, "")
		} else {
			row = append(row, c.Values[k])
		}
	}
	return row
}

// tableMetrics are those that every candidate's row has.
var tableMetrics = []string{costMetric, "energy_kwh", carbonMetric, latencyMetric, "slo_attainment_ratio", "gpu_hours"}

func (r *Report) candidatesTable() *results.Table {
	t := &results.Table{Name: CandidatesTable, Columns: append(r.head(), text("fate"), text("why"), text("slo"), whole("front"), whole("seeds"))}
	for _, name := range tableMetrics {
		m, err := metrics.Find(name)
		if err != nil {
			panic("plan: " + err.Error()) // names of our own
		}
		unit := m.Unit
		if unit == "USD" {
			unit = r.Currency
		}
		t.Columns = append(t.Columns, figure(name, unit), figure(name+"_ci_low", unit), figure(name+"_ci_high", unit))
	}
	for i, c := range r.Candidates {
		var states []string
		for _, slo := range r.SLOs {
			states = append(states, slo+": "+string(c.SLOs[slo]))
		}
		onFront := uint64(0)
		for _, k := range r.Front {
			if k == i {
				onFront = 1
			}
		}
		row := append(r.lead(i), string(c.Fate), c.Why, strings.Join(states, "; "), onFront, uint64(c.Figures[costMetric].N))
		for _, name := range tableMetrics {
			e := c.Figures[name]
			switch e.N {
			case 0:
				row = append(row, nil, nil, nil)
			case 1:
				row = append(row, e.Mean, nil, nil)
			default:
				row = append(row, e.Mean, e.CILow, e.CIHigh)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// runsTable has every run that the search made.
func (r *Report) runsTable(found *Found) *results.Table {
	t := &results.Table{Name: RunsTable, Columns: append(r.head(), text("stage"), whole("seed"))}
	for _, m := range metrics.Catalogue() {
		t.Columns = append(t.Columns, figure(m.Name, m.Unit))
	}
	for i := range found.Outcomes {
		o := &found.Outcomes[i]
		for _, stage := range []struct {
			name string
			runs []*results.Run
		}{{"screen", o.Short}, {"race", o.Runs}, {"confirm", o.Fresh}} {
			for _, run := range stage.runs {
				row := append(r.lead(i), stage.name, run.Seed)
				for _, m := range metrics.Catalogue() {
					if x, ok := run.Metrics[m.Name]; ok {
						row = append(row, x)
					} else {
						row = append(row, nil)
					}
				}
				t.Rows = append(t.Rows, row)
			}
		}
	}
	return t
}

// frontPlot is every candidate that was run over the whole window and is not known
// to break an SLO; those on the front are named.
func (r *Report) frontPlot() report.Scatter {
	x, _ := metrics.Find(costMetric) // names of our own
	y, _ := metrics.Find(carbonMetric)
	p := report.Scatter{Title: "Cost and CO2e of the candidates; the Pareto front is numbered", X: x, Y: y, Currency: r.Currency}
	for _, c := range r.Candidates {
		if c.Figures[costMetric].N == 0 || c.Fate == Misses || c.Fate == Screened {
			continue
		}
		point := report.ScatterPoint{X: c.Figures[costMetric], Y: c.Figures[carbonMetric], Group: c.Policy}
		for _, k := range r.Front {
			if k == c.Number {
				point.Name = fmt.Sprintf("#%d", k)
			}
		}
		p.Points = append(p.Points, point)
	}
	return p
}
