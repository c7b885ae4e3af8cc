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
		return fmt.Errorf("text report of %s: %w", plain(s.Scenario.Name), err)
	}
	t.line(noColor, fmt.Sprintf("%s: %s, %s, means ± 95%% confidence interval",
		plain(s.Scenario.Name), policiesText(s), seedsText(s)))
	t.legendOfNames()
	t.means(rows)
	t.differences(rows)
	t.ledger()
	t.grades()
	t.power()
	t.notes()
	if _, err := io.WriteString(w, t.b.String()); err != nil {
		return fmt.Errorf("text report of %s: %w", plain(s.Scenario.Name), err)
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
func (t *textReport) line(c ansi, text string) {
	for l := range strings.Lines(wrap(text, t.o.Width, 2)) {
		t.b.WriteString(c.paint(strings.TrimSuffix(l, "\n"), t.o.Color) + "\n")
	}
}

func (t *textReport) heading(text string) {
	t.b.WriteByte('\n')
	t.line(bold, text)
}

func (t *textReport) table(table *textTable) { table.write(&t.b, t.o.Width, t.o.Color) }

// longestName is what a column of the table of means can carry at 80 columns.
const longestName = 13

// shortNames are the policies' names, or "policy N" where one is too long.
func shortNames(s *results.Summary) []string {
	names := make([]string, len(s.Policies))
	for i, p := range s.Policies {
		names[i] = plain(p.Name)
		if runes(names[i]) > longestName {
			names[i] = fmt.Sprintf("policy %d", i+1)
		}
	}
	return names
}

func (t *textReport) legendOfNames() {
	for i, p := range t.s.Policies {
		if full := plain(p.Name); full != t.names[i] {
			t.line(noColor, fmt.Sprintf("%s is %s", t.names[i], full))
		}
	}
}

func (t *textReport) means(rows []estimateRow) {
	table := textTable{header: t.names}
	for _, row := range rows {
		r := textRow{label: row.scale.labelled(row.metric)}
		for _, e := range row.cells {
			cell := absent
			if e != nil {
				cell = number(e.Mean*row.scale.factor) + " ± " + padLeft(halfWidth(*e), 4)
			}
			r.cells = append(r.cells, textCell{text: cell})
		}
		table.rows = append(table.rows, r)
	}
	t.b.WriteByte('\n')
	t.table(&table)
}

func (t *textReport) differences(rows []estimateRow) {
	if len(t.s.Comparisons) == 0 {
		return
	}
	table := textTable{header: t.names[1:]}
	for _, row := range rows {
		r := textRow{label: metricLabel(row.metric)}
		for _, p := range t.s.Policies[1:] {
			r.cells = append(r.cells, t.difference(p.Name, row.metric))
		}
		table.rows = append(table.rows, r)
	}
	t.heading("difference from " + t.names[0] + ", paired by seed")
	t.table(&table)
	t.line(noColor, "✓ better, ✗ worse, ~ cannot tell (p > 0.05), ? too few seeds to tell; p of the exact sign-flip test, Holm-corrected over a policy's metrics")
}

func (t *textReport) difference(policy, metric string) textCell {
	c, ok := comparisonOf(t.s, policy, metric)
	if !ok {
		return textCell{text: absent + "  "}
	}
	figure := percent(c.DeltaRatio) + " (" + pValue(c.P) + ")"
	switch {
	case c.Verdict == results.Better:
		return textCell{figure + " ✓", green}
	case c.Verdict == results.Worse:
		return textCell{figure + " ✗", red}
	case c.Verdict == results.CannotSay && tooFewSeeds(t.s, policy):
		return textCell{text: percent(c.DeltaRatio) + " ?"}
	case c.Verdict == results.CannotSay:
		return textCell{text: "~ (" + pValue(c.P) + ")  "}
	default:
		return textCell{text: figure + "  "}
	}
}

func (t *textReport) ledger() {
	table := textTable{header: []string{"arrived =", "served +", "dropped +", "timed out +", "in flight", ""}}
	for i, p := range t.s.Policies {
		l := totalLedger(p)
		r := textRow{label: t.names[i]}
		for _, n := range []int64{l.Arrivals, l.Served, l.Dropped, l.TimedOut, l.InFlight} {
			r.cells = append(r.cells, textCell{text: grouped(n)})
		}
		check := textCell{"✓", green}
		if l.Missing() != 0 {
			check = textCell{"✗ " + grouped(l.Missing()) + " missing", red}
		}
		r.cells = append(r.cells, check)
		table.rows = append(table.rows, r)
	}
	t.heading("requests, all seeds together")
	t.table(&table)
}

func (t *textReport) grades() {
	table := textTable{header: []string{"grade A", "grade B", "grade C", "grade X"}}
	for i, p := range t.s.Policies {
		r := textRow{label: t.names[i]}
		for g := grade.A; g <= grade.Last; g++ {
			r.cells = append(r.cells, textCell{text: fmt.Sprintf("%.0f%%", 100*p.EnergyByGrade[g.String()])})
		}
		table.rows = append(table.rows, r)
	}
	t.heading("node energy by the grade of its power figures")
	t.table(&table)
	t.line(noColor, fmt.Sprintf("worst grade used: power %s, service time %s, carbon %s", t.s.Grades.Power, t.s.Grades.ServiceTime, t.s.Grades.Carbon))
	t.line(noColor, gradeLegend)
	for _, p := range t.s.Policies {
		if text, ok := assumedWarning(p); ok {
			t.line(red, "!! "+plain(text))
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
			t.line(noColor, kind+": "+plain(text))
		}
	}
}
