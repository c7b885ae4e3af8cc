package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/sweep"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// sweepWriter writes a finished sweep and tells of it.
type sweepWriter struct {
	env     Env
	started time.Time
	out     string
	output  string
	color   string
	metrics []string
	quiet   bool
}

func (w sweepWriter) write(p *sweep.Plan, runs map[sweep.Unit]*results.Run) error {
	files, err := p.Files(runs)
	if err != nil {
		return err
	}
	dir := filepath.Join(w.out, p.Scenario, p.ID)
	if err := results.WriteFiles(dir, manifest(w.env, "sim", w.started), files); err != nil {
		return filesError(err)
	}
	if err := w.print(p, runs, files); err != nil {
		return err
	}
	if !w.quiet {
		fmt.Fprintf(w.env.Stderr, "sweep   %s\n", dir)
	}
	return nil
}

func (w sweepWriter) print(p *sweep.Plan, runs map[sweep.Unit]*results.Run, files []results.File) error {
	switch w.output {
	case "csv":
		for _, f := range files {
			if f.Name == sweep.PointsTable+".csv" {
				return filesError(f.Fill(w.env.Stdout))
			}
		}
	case "text":
		text, err := w.text(p, runs)
		if err != nil {
			return err
		}
		_, err = w.env.Stdout.Write([]byte(text))
		return filesError(err)
	}
	return nil
}

// mostSweepRows is how many rows a terminal gets; the files have all.
const mostSweepRows = 60

// text is a table of means over the seeds: a row for each point and policy.
func (w sweepWriter) text(p *sweep.Plan, runs map[sweep.Unit]*results.Run) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d points, %d seeds, means\n\n", tty.Plain(p.Scenario), len(p.Points), len(p.Seeds))
	var table tty.Table
	for _, m := range w.metrics {
		table.Header = append(table.Header, report.Label(m))
	}
	left := 0
	for i := range p.Points {
		for _, policy := range p.Policies {
			if len(table.Rows) == mostSweepRows {
				left++
				continue
			}
			row := tty.Row{Label: tty.Plain(strings.Join(append(p.Points[i].Values[:len(p.Parameters):len(p.Parameters)], policy), "  "))}
			for _, name := range w.metrics {
				cell, err := sweepCell(p, runs, i, policy, name)
				if err != nil {
					return "", err
				}
				row.Cells = append(row.Cells, tty.Cell{Text: cell})
			}
			table.Rows = append(table.Rows, row)
		}
	}
	for _, path := range p.Parameters {
		b.WriteString(tty.Plain(path) + "  ")
	}
	b.WriteString("policy\n")
	table.Write(&b, 100, w.env.color(w.env.Stdout, w.color))
	if left > 0 {
		fmt.Fprintf(&b, "and %d more rows; all are in %s.csv\n", left, sweep.PointsTable)
	}
	return b.String(), nil
}

func sweepCell(p *sweep.Plan, runs map[sweep.Unit]*results.Run, point int, policy, metric string) (string, error) {
	m, err := metrics.Find(metric)
	if err != nil {
		return "", err
	}
	e, err := p.Estimate(runs, point, policy, metric)
	if err != nil || e.N == 0 {
		return "–", err
	}
	return report.Figure(m, e.Mean, p.Currency), nil
}
