package study

import (
	"fmt"
	"io"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// PageFile is the page in a study's results directory, beside the tables of its
// sweep.
const PageFile = "study.md"

// chartFile is the chart of a metric; those of the sweep have the metric's name.
func chartFile(metric string) string { return "steps-" + metric + ".svg" }

// Charts are an SVG for each metric of the study: before, and the steps added one
// by one.
func (r *Report) Charts() ([]results.File, error) {
	var files []results.File
	steps := r.Study.Spec.Steps
	for _, name := range r.Study.Spec.Metrics {
		m, err := metrics.Find(name)
		if err != nil {
			return nil, err
		}
		plot := report.SweepPlot{Metric: m, Currency: r.Sweep.Currency, Note: fmt.Sprintf(" (mean of %d seeds, 95 %% intervals)", len(r.Sweep.Seeds)),
			Policies: []string{r.Study.Metadata.Name}, XName: "steps, one by one", Cells: [][][]results.Estimate{{nil}}}
		for k := range len(steps) + 1 {
			x := before
			if k > 0 {
				x = "+ " + steps[k-1].Name
			}
			e, err := r.Estimate(r.cumulative(k), name)
			if err != nil {
				return nil, err
			}
			plot.X = append(plot.X, x)
			plot.Cells[0][0] = append(plot.Cells[0][0], e)
		}
		files = append(files, results.File{Name: chartFile(name), Fill: plot.WriteSVG})
	}
	return files, nil
}

// Files are what a study comes to: the page, the charts and the sweep's tables.
func (r *Report) Files() ([]results.File, error) {
	page, err := r.Page(".")
	if err != nil {
		return nil, err
	}
	files := []results.File{{Name: PageFile, Fill: func(w io.Writer) error {
		_, err := w.Write(page)
		return err
	}}}
	charts, err := r.Charts()
	if err != nil {
		return nil, err
	}
	tables, err := r.Sweep.Files(r.Runs)
	if err != nil {
		return nil, err
	}
	return append(append(files, charts...), tables...), nil
}
