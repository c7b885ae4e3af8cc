package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// Markdown writes the summary as summary.md, in GitHub's dialect: what Text
// shows, the intervals of the differences, all metrics, each service where
// there are several, and the command that reproduces it. Errors are as Text's.
func Markdown(w io.Writer, s *results.Summary, o Options) error {
	m := &markdownReport{s: s, o: o}
	if err := m.build(); err != nil {
		return fmt.Errorf("Markdown report of %s: %w", tty.Plain(s.Scenario.Name), err)
	}
	if _, err := io.WriteString(w, m.b.String()); err != nil {
		return fmt.Errorf("Markdown report of %s: %w", tty.Plain(s.Scenario.Name), err)
	}
	return nil
}

// markdownReport is a report in the making.
type markdownReport struct {
	b strings.Builder
	s *results.Summary
	o Options
}

func (m *markdownReport) printf(format string, args ...any) { fmt.Fprintf(&m.b, format, args...) }

func (m *markdownReport) build() error {
	m.printf("# %s\n\n%s, %s; means ± 95%% confidence interval.\n\n", escape(m.s.Scenario.Name), policiesText(m.s), seedsText(m.s))
	for _, p := range m.s.Policies {
		if text, ok := assumedWarning(p); ok {
			m.printf("**⚠ %s.**\n\n", escape(text))
		}
	}
	rows, err := headlineRows(m.s, m.o)
	if err != nil {
		return err
	}
	m.estimates(rows)
	m.differences(rows)
	m.regret()
	m.ledger()
	if err := m.services(); err != nil {
		return err
	}
	if err := m.allMetrics(); err != nil {
		return err
	}
	m.foundations()
	m.power()
	if err := m.carbon(); err != nil {
		return err
	}
	m.notes("Warnings", results.NoteWarning)
	m.notes("Assumptions", results.NoteAssumption)
	m.notes("Sources", results.NoteSource)
	m.reproduce()
	return nil
}

// escape makes text from a scenario or a file safe in a Markdown paragraph or
// table cell. Underscores stay: inside words they mean nothing, and a
// backslash would break an address.
func escape(s string) string { return markdownEscapes.Replace(tty.Plain(s)) }

var markdownEscapes = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "|", `\|`,
)

// table writes rows of cells that are Markdown already; the first column is
// aligned left, the others right.
func (m *markdownReport) table(header []string, rows [][]string) {
	m.row(append([]string{""}, header...))
	m.printf("|---|%s\n", strings.Repeat("---:|", len(header)))
	for _, r := range rows {
		m.row(r)
	}
	m.printf("\n")
}

func (m *markdownReport) row(cells []string) { m.printf("| %s |\n", strings.Join(cells, " | ")) }

func (m *markdownReport) names() []string {
	names := make([]string, len(m.s.Policies))
	for i, p := range m.s.Policies {
		names[i] = escape(p.Name)
	}
	return names
}

func (m *markdownReport) estimates(rows []estimateRow) {
	var out [][]string
	for _, row := range rows {
		cells := []string{escape(row.scale.labelled(row.metric))}
		for _, e := range row.cells {
			cell := absent
			if e != nil {
				cell = tty.Number(e.Mean*row.scale.factor) + " ± " + halfWidth(*e)
			}
			cells = append(cells, cell)
		}
		out = append(out, cells)
	}
	m.table(m.names(), out)
}

func (m *markdownReport) differences(rows []estimateRow) {
	if len(m.s.Comparisons) == 0 {
		return
	}
	var out [][]string
	for _, row := range rows {
		cells := []string{metricLabel(row.metric)}
		for _, p := range m.s.Policies[1:] {
			cells = append(cells, m.difference(p.Name, row.metric))
		}
		out = append(out, cells)
	}
	names := m.names()
	m.printf("## Difference from %s, paired by seed\n\n", names[0])
	m.table(names[1:], out)
	m.printf("In parentheses the 95%% confidence interval and p of the exact sign-flip test, " +
		"Holm-corrected over the metrics of a policy; ~ means that p > 0.05 and the difference cannot be told from chance.\n\n")
}

func (m *markdownReport) difference(policy, metric string) string {
	c, ok := comparisonOf(m.s, policy, metric)
	if !ok {
		return absent
	}
	figure := fmt.Sprintf("%s (%s to %s, %s)", percent(c.DeltaRatio), percent(c.CILow), percent(c.CIHigh), pValue(c.P))
	switch {
	case c.Verdict == results.Better:
		return "**" + figure + " ✓ better**"
	case c.Verdict == results.Worse:
		return "**" + figure + " ✗ worse**"
	case c.Verdict == results.CannotSay && tooFewSeeds(m.s, policy):
		return figure + " ? too few seeds"
	default: // "different" or "~"
		return figure + " " + c.Verdict
	}
}

func (m *markdownReport) ledger() {
	var rows [][]string
	for i, p := range m.s.Policies {
		l := totalLedger(p)
		check := "✓"
		if l.Missing() != 0 {
			check = "**✗ " + grouped(l.Missing()) + " missing**"
		}
		rows = append(rows, []string{m.names()[i], grouped(l.Arrivals), grouped(l.Served), grouped(l.Dropped),
			grouped(l.TimedOut), grouped(l.InFlight), check})
	}
	m.printf("## Requests, all seeds together\n\n")
	m.table([]string{"arrived =", "served +", "dropped +", "timed out +", "in flight", ""}, rows)
}

// services shows each service on its own, where there are several.
func (m *markdownReport) services() error {
	services := map[string]bool{}
	for _, p := range m.s.Policies {
		for name := range p.Services {
			services[name] = true
		}
	}
	if len(services) < 2 {
		return nil
	}
	for _, service := range slices.Sorted(maps.Keys(services)) {
		rows, err := m.catalogueRows(func(i int) map[string]results.Estimate {
			return m.s.Policies[i].Services[service].Metrics
		})
		if err != nil {
			return err
		}
		m.printf("## Service %s\n\n", escape(service))
		m.estimates(rows)
	}
	return m.serviceGeomeans()
}

// serviceGeomeans is one figure for all services.
func (m *markdownReport) serviceGeomeans() error {
	t, err := newServiceGeomeans(m.s)
	if err != nil || len(t.Rows) == 0 {
		return err
	}
	m.printf("## All services, against %s\n\n", escape(t.Base))
	var cells [][]string
	for _, r := range t.Rows {
		cells = append(cells, append([]string{escape(r.Label)}, r.Cells...))
	}
	m.table(t.Policies, cells)
	m.printf("%s\n\n", escape(t.Note))
	return nil
}

func (m *markdownReport) allMetrics() error {
	rows, err := m.catalogueRows(func(i int) map[string]results.Estimate { return m.s.Policies[i].Metrics })
	if err != nil {
		return err
	}
	m.printf("<details><summary>All metrics</summary>\n\n")
	m.estimates(rows)
	m.printf("</details>\n\n")
	return nil
}

func (m *markdownReport) catalogueRows(get func(int) map[string]results.Estimate) ([]estimateRow, error) {
	var names []string
	for _, metric := range metrics.Catalogue() {
		names = append(names, metric.Name)
	}
	return estimateRows(names, len(m.s.Policies), m.o.currency(), get)
}

func (m *markdownReport) foundations() {
	m.printf("## What the figures rest on\n\nWorst grade used: power %s, service time %s, carbon %s (%s). Node energy by the grade of its power figures:\n\n",
		m.s.Grades.Power, m.s.Grades.ServiceTime, m.s.Grades.Carbon, gradeLegend)
	var rows [][]string
	for i, p := range m.s.Policies {
		cells := []string{m.names()[i]}
		for g := grade.A; g <= grade.Last; g++ {
			cells = append(cells, fmt.Sprintf("%.0f%%", 100*p.EnergyByGrade[g.String()]))
		}
		rows = append(rows, cells)
	}
	m.table([]string{"A", "B", "C", "X"}, rows)
}

func (m *markdownReport) notes(title, kind string) {
	texts := noteTexts(m.s, kind)
	if len(texts) == 0 {
		return
	}
	m.printf("## %s\n\n", title)
	for _, text := range texts {
		m.printf("- %s\n", escape(text))
	}
	m.printf("\n")
}

func (m *markdownReport) reproduce() {
	m.printf("## Reproduce\n\n")
	if m.o.Command != "" {
		fence := "```"
		for strings.Contains(m.o.Command, fence) {
			fence += "`"
		}
		m.printf("%ssh\n%s\n%s\n\n", fence, tty.Plain(m.o.Command), fence)
	}
	m.printf("The effective scenario has the SHA-256 `%s`.\n", m.s.Scenario.SHA256)
}
