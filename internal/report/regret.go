package report

import (
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// regretTable is how much more each policy needs than the bounds.
type regretTable struct {
	Rows  []powerRow
	Notes []string
}

// regretMeaning says how to read it.
const regretMeaning = "How much more than the bound each policy needs, over the same seeds; below 0 it needs less, which a policy that lets the SLO slip can. " +
	"SLO kept: seeds in which every service's share of requests within its target is at least the promised one. The bounds keep it in all."

// newRegretTable has no rows when the summary holds no bounds.
func newRegretTable(s *results.Summary) regretTable {
	var t regretTable
	if s.Regret == nil {
		return t
	}
	for _, metric := range results.RegretMetrics() {
		for _, b := range s.Regret.Bounds {
			row, found := powerRow{Label: metricLabel(metric) + " over " + tty.Plain(b.Name)}, false
			for _, p := range s.Regret.Policies {
				cell := absent
				for _, r := range p.Regrets {
					if r.Bound == b.Name && r.Metric == metric {
						cell, found = percent(r.Ratio), true
					}
				}
				row.Cells = append(row.Cells, cell)
			}
			if found {
				t.Rows = append(t.Rows, row)
			}
		}
	}
	kept := powerRow{Label: "SLO kept"}
	for _, p := range s.Regret.Policies {
		kept.Cells = append(kept.Cells, fmt.Sprintf("%d/%d", p.SLOKept, p.Seeds))
	}
	t.Rows = append(t.Rows, kept)
	t.Notes = append(t.Notes, regretMeaning)
	for _, b := range s.Regret.Bounds {
		t.Notes = append(t.Notes, boundText(b, s.Currency))
	}
	return t
}

// boundText says what a bound is and what it needed.
func boundText(b results.Bound, currency string) string {
	if b.Missing != "" {
		return fmt.Sprintf("There is no %s: %s.", tty.Plain(b.Name), tty.Plain(b.Missing))
	}
	text := tty.Plain(b.Name) + " is " + tty.Plain(b.What) + ":"
	for i, metric := range results.RegretMetrics() {
		e, ok := b.Metrics[metric]
		if !ok || metric == "cost_usd" && e.Mean == 0 {
			continue
		}
		unit := map[string]string{"energy_kwh": "kWh", "co2e_grams": "g CO2e", "cost_usd": tty.Plain(currency)}[metric]
		if i > 0 {
			text += ","
		}
		text += " " + tty.Number(e.Mean) + " " + unit
	}
	return text + "."
}

// regret writes the table for a terminal.
func (t *textReport) regret() {
	r := newRegretTable(t.s)
	if len(r.Rows) == 0 {
		return
	}
	t.heading("regret: how far from the best")
	t.cells(r.Rows)
	for _, note := range r.Notes {
		t.line(tty.NoColor, note)
	}
}

// regret writes the table as Markdown.
func (m *markdownReport) regret() {
	r := newRegretTable(m.s)
	if len(r.Rows) == 0 {
		return
	}
	var rows [][]string
	for _, row := range r.Rows {
		rows = append(rows, append([]string{row.Label}, row.Cells...))
	}
	m.printf("## Regret: how far from the best\n\n")
	m.table(m.names(), rows)
	for _, note := range r.Notes {
		m.printf("%s\n\n", escape(note))
	}
}
