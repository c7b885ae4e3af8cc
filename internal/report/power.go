package report

import (
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// powerTable is how far the power figures can be off, apart from the seeds.
type powerTable struct {
	Rows []powerRow
	// Notes say what the table means, and which figure leaves most of it.
	Notes []string
}

type powerRow struct {
	Label string
	Cells []string // by policy
}

// powerMetrics are the ones that the table is about.
var powerMetrics = []string{"energy_kwh", "co2e_grams_per_million_requests"}

// powerMeaning says why a difference is known better than a value.
const powerMeaning = "95%% intervals of what the power figures leave open (Δ: of the difference from %s), apart from the ± of the seeds: more seeds do not narrow them. " +
	"The same boards are wrong by the same factor under every policy, so differences are known better than values."

// newPowerTable has no rows when the summary tells of no such uncertainty.
func newPowerTable(s *results.Summary) powerTable {
	var t powerTable
	for _, metric := range powerMetrics {
		value := powerRow{Label: metricLabel(metric) + " ±"}
		change := powerRow{Label: metricLabel(metric) + " Δ"}
		known, compared := false, false
		for _, p := range s.Policies {
			cell := absent
			if e := p.Metrics[metric]; e.ModelHigh > e.ModelLow && e.Mean > 0 {
				known = true
				cell = fmt.Sprintf("%.0f%%", 50*(e.ModelHigh-e.ModelLow)/e.Mean)
			}
			value.Cells = append(value.Cells, cell)
			cell = absent
			if c, ok := comparisonOf(s, p.Name, metric); ok && (c.ModelLow != 0 || c.ModelHigh != 0) {
				compared = true
				cell = fmt.Sprintf("%+.1f…%+.1f%%", 100*c.ModelLow, 100*c.ModelHigh)
			}
			change.Cells = append(change.Cells, cell)
		}
		if known {
			t.Rows = append(t.Rows, value)
		}
		if compared {
			t.Rows = append(t.Rows, change)
		}
	}
	if len(t.Rows) == 0 {
		return t
	}
	t.Notes = []string{fmt.Sprintf(powerMeaning, tty.Plain(s.Policies[0].Name))}
	for _, p := range s.Policies {
		if len(p.EnergyByComponent) > 0 {
			c := p.EnergyByComponent[0]
			t.Notes = append(t.Notes, fmt.Sprintf("Most of it, under %s: %s, %.0f%% of the energy and known to ±%.0f%%.",
				tty.Plain(p.Name), tty.Plain(c.Name), 100*c.Share, 100*1.96*c.Uncertainty/c.Share))
			break
		}
	}
	return t
}

// power writes the table for a terminal.
func (t *textReport) power() {
	p := newPowerTable(t.s)
	if len(p.Rows) == 0 {
		return
	}
	t.heading("uncertainty of the power figures")
	t.cells(p.Rows)
	for _, note := range p.Notes {
		t.line(tty.NoColor, note)
	}
}

// cells writes a table with a column a policy.
func (t *textReport) cells(rows []powerRow) {
	table := tty.Table{Header: t.names}
	for _, row := range rows {
		r := tty.Row{Label: row.Label}
		for _, cell := range row.Cells {
			r.Cells = append(r.Cells, tty.Cell{Text: cell})
		}
		table.Rows = append(table.Rows, r)
	}
	t.table(&table)
}

// power writes the table as Markdown.
func (m *markdownReport) power() {
	p := newPowerTable(m.s)
	if len(p.Rows) == 0 {
		return
	}
	var rows [][]string
	for _, row := range p.Rows {
		rows = append(rows, append([]string{row.Label}, row.Cells...))
	}
	m.printf("Uncertainty of the power figures:\n\n")
	m.table(m.names(), rows)
	for _, note := range p.Notes {
		m.printf("%s\n\n", escape(note))
	}
}
