// Package report shows a summary to people: a text table for the terminal,
// Markdown for pull requests, and a self-contained HTML page. A report is a
// function of the summary and the options: the same bytes every time.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// defaultWidth fits four policies; minWidth is what one policy needs.
const (
	defaultWidth = 80
	minWidth     = 50
)

// Text writes the summary for a terminal: means with their intervals, paired
// differences from the first policy, the request ledger, what the figures rest
// on, and every warning, assumption and source. No line is wider than
// Options.Width. An error is the writer's, or names a metric that the
// catalogue lacks.
func Text(w io.Writer, s *results.Summary, o Options) error {
	if o.Width == 0 {
		o.Width = defaultWidth
	}
	o.Width = max(o.Width, minWidth)
	t := &textReport{s: s, o: o, names: shortNames(s)}
	rows, err := headlineRows(s, o)
	if err != nil {
		return fmt.Errorf("text report of %s: %w", tty.Plain(s.Scenario.Name), err)
	}
	t.line(tty.NoColor, fmt.Sprintf("%s: %s, %s, means ± 95%% confidence interval",
		tty.Plain(s.Scenario.Name), policiesText(s), seedsText(s)))
	t.legendOfNames()
	t.means(rows)
	t.differences(rows)
	t.regret()
	t.ledger()
	t.grades()
	t.power()
	if err := t.carbon(); err != nil {
		return fmt.Errorf("text report of %s: %w", tty.Plain(s.Scenario.Name), err)
	}
	t.notes()
	if _, err := io.WriteString(w, t.b.String()); err != nil {
		return fmt.Errorf("text report of %s: %w", tty.Plain(s.Scenario.Name), err)
	}
	return nil
}

// textReport is a report in the making.
type textReport struct {
	b     strings.Builder
	s     *results.Summary
	o     Options
	names []string // of the policies, short enough for a column
}

// line writes a paragraph, wrapped.
func (t *textReport) line(c tty.Color, text string) {
	for l := range strings.Lines(tty.Wrap(text, t.o.Width, 2)) {
		t.b.WriteString(c.Paint(strings.TrimSuffix(l, "\n"), t.o.Color) + "\n")
	}
}

func (t *textReport) heading(text string) {
	t.b.WriteByte('\n')
	t.line(tty.Bold, text)
}

func (t *textReport) table(table *tty.Table) { table.Write(&t.b, t.o.Width, t.o.Color) }

// longestName is what a column of the table of means can carry at 80 columns.
const longestName = 13

// shortNames are the policies' names, or "policy N" where one is too long.
func shortNames(s *results.Summary) []string {
	names := make([]string, len(s.Policies))
	for i, p := range s.Policies {
		names[i] = tty.Plain(p.Name)
		if tty.Runes(names[i]) > longestName {
			names[i] = fmt.Sprintf("policy %d", i+1)
		}
	}
	return names
}

func (t *textReport) legendOfNames() {
	for i, p := range t.s.Policies {
		if full := tty.Plain(p.Name); full != t.names[i] {
			t.line(tty.NoColor, fmt.Sprintf("%s is %s", t.names[i], full))
		}
	}
}

func (t *textReport) means(rows []estimateRow) {
	table := tty.Table{Header: t.names}
	for _, row := range rows {
		r := tty.Row{Label: row.scale.labelled(row.metric)}
		for _, e := range row.cells {
			cell := absent
			if e != nil {
				cell = tty.Number(e.Mean*row.scale.factor) + " ± " + tty.PadLeft(halfWidth(*e), 4)
			}
			r.Cells = append(r.Cells, tty.Cell{Text: cell})
		}
		table.Rows = append(table.Rows, r)
	}
	t.b.WriteByte('\n')
	t.table(&table)
}

func (t *textReport) differences(rows []estimateRow) {
	if len(t.s.Comparisons) == 0 {
		return
	}
	table := tty.Table{Header: t.names[1:]}
	for _, row := range rows {
		r := tty.Row{Label: metricLabel(row.metric)}
		for _, p := range t.s.Policies[1:] {
			r.Cells = append(r.Cells, t.difference(p.Name, row.metric))
		}
		table.Rows = append(table.Rows, r)
	}
	t.heading("difference from " + t.names[0] + ", paired by seed")
	t.table(&table)
	t.line(tty.NoColor, "✓ better, ✗ worse, ~ cannot tell (p > 0.05), ? too few seeds to tell; p of the exact sign-flip test, Holm-corrected over a policy's metrics")
}

func (t *textReport) difference(policy, metric string) tty.Cell {
	c, ok := comparisonOf(t.s, policy, metric)
	if !ok {
		return tty.Cell{Text: absent + "  "}
	}
	figure := percent(c.DeltaRatio) + " (" + pValue(c.P) + ")"
	switch {
	case c.Verdict == results.Better:
		return tty.Cell{Text: figure + " ✓", Color: tty.Green}
	case c.Verdict == results.Worse:
		return tty.Cell{Text: figure + " ✗", Color: tty.Red}
	case c.Verdict == results.CannotSay && tooFewSeeds(t.s, policy):
		return tty.Cell{Text: percent(c.DeltaRatio) + " ?"}
	case c.Verdict == results.CannotSay:
		return tty.Cell{Text: "~ (" + pValue(c.P) + ")  "}
	default:
		return tty.Cell{Text: figure + "  "}
	}
}

func (t *textReport) ledger() {
	table := tty.Table{Header: []string{"arrived =", "served +", "dropped +", "timed out +", "in flight", ""}}
	for i, p := range t.s.Policies {
		l := totalLedger(p)
		r := tty.Row{Label: t.names[i]}
		for _, n := range []int64{l.Arrivals, l.Served, l.Dropped, l.TimedOut, l.InFlight} {
			r.Cells = append(r.Cells, tty.Cell{Text: grouped(n)})
		}
		check := tty.Cell{Text: "✓", Color: tty.Green}
		if l.Missing() != 0 {
			check = tty.Cell{Text: "✗ " + grouped(l.Missing()) + " missing", Color: tty.Red}
		}
		r.Cells = append(r.Cells, check)
		table.Rows = append(table.Rows, r)
	}
	t.heading("requests, all seeds together")
	t.table(&table)
}

func (t *textReport) grades() {
	table := tty.Table{Header: []string{"grade A", "grade B", "grade C", "grade X"}}
	for i, p := range t.s.Policies {
		r := tty.Row{Label: t.names[i]}
		for g := grade.A; g <= grade.Last; g++ {
			r.Cells = append(r.Cells, tty.Cell{Text: fmt.Sprintf("%.0f%%", 100*p.EnergyByGrade[g.String()])})
		}
		table.Rows = append(table.Rows, r)
	}
	t.heading("node energy by the grade of its power figures")
	t.table(&table)
	t.line(tty.NoColor, fmt.Sprintf("worst grade used: power %s, service time %s, carbon %s", t.s.Grades.Power, t.s.Grades.ServiceTime, t.s.Grades.Carbon))
	t.line(tty.NoColor, gradeLegend)
	for _, p := range t.s.Policies {
		if text, ok := assumedWarning(p); ok {
			t.line(tty.Red, "!! "+tty.Plain(text))
		}
	}
}

func (t *textReport) notes() {
	for _, kind := range []string{results.NoteWarning, results.NoteAssumption, results.NoteSource} {
		texts := noteTexts(t.s, kind)
		if len(texts) > 0 {
			t.b.WriteByte('\n')
		}
		for _, text := range texts {
			t.line(tty.NoColor, kind+": "+tty.Plain(text))
		}
	}
}
