package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/stats"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// carbonTable is how the policies rank by CO2e on other grids.
type carbonTable struct {
	Title string // the metric with its unit
	Rows  []carbonRow
	Notes []string
}

type carbonRow struct {
	Label   string
	Cells   []string // by policy
	Verdict string
	Alarm   bool // the ranking is another one
}

// carbonMeaning explains the last column.
const carbonMeaning = "≈ is a tie: a difference that may be chance (exact sign-flip test, p > 0.05, Holm-corrected over the pairs of a row) or lies within the 95% interval of the power figures and of embodied carbon. " +
	"same: every pair of policies compares as on the scenario's own grid; tie: a difference became a tie, or a tie a difference; REVERSED: two policies change places, and neither way it is a tie."

// newCarbonTable is nil when nobody asked for the sensitivity.
func newCarbonTable(s *results.Summary) (*carbonTable, error) {
	c := s.CarbonSensitivity
	if c == nil {
		return nil, nil
	}
	metric, err := metrics.Find(c.Metric)
	if err != nil {
		return nil, err
	}
	largest := 0.0
	for _, e := range c.Reference.Figures {
		largest = max(largest, math.Abs(e.Mean))
	}
	scale := scaleFor(metric.Unit, "", largest)
	t := &carbonTable{Title: scale.labelled(c.Metric)}
	t.add(s, &c.Reference, "scenario "+c.Reference.Zone, scale)
	for i := range c.Cases {
		t.add(s, &c.Cases[i], carbonLabel(&c.Cases[i]), scale)
	}
	t.Notes = append(t.Notes, ranking(c, &c.Reference)+".")
	t.survival(c)
	t.Notes = append(t.Notes, carbonMeaning)
	if text, ok := resimulated(c); ok {
		t.Notes = append(t.Notes, text)
	}
	pairs, seeds := len(c.Reference.Pairs), math.MaxInt
	for _, e := range c.Reference.Figures {
		seeds = min(seeds, e.N)
	}
	if w, few := stats.CheckPairs(seeds, results.Alpha, pairs); few && pairs > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("Every pair is a tie with so few seeds: %d of the %d that %d pairs need.", w.Have, w.Need, pairs))
	}
	return t, nil
}

func carbonLabel(c *results.CarbonCase) string {
	switch c.Axis {
	case results.AxisYear:
		return fmt.Sprintf("year %d", c.Year)
	case results.AxisPUE:
		return fmt.Sprintf("PUE %g", c.PUE)
	case results.AxisSignal:
		return fmt.Sprintf("%s %s", c.Signal, c.Zone)
	}
	return "zone " + c.Zone
}

func (t *carbonTable) add(s *results.Summary, c *results.CarbonCase, label string, scale humanScale) {
	row := carbonRow{Label: tty.Plain(label), Verdict: map[string]string{results.RankingSame: "same", results.RankingUndecided: "tie", results.RankingReversed: "REVERSED"}[c.Verdict]}
	row.Alarm = c.Verdict == results.RankingReversed
	if c.Axis == "" {
		row.Verdict = ""
	}
	for _, p := range s.Policies {
		cell := absent
		if e, ok := c.Figures[p.Name]; ok {
			cell = tty.Number(e.Mean * scale.factor)
		}
		row.Cells = append(row.Cells, cell)
	}
	t.Rows = append(t.Rows, row)
}

// ranking writes "hpa < forecast ≈ static".
func ranking(s *results.CarbonSensitivity, c *results.CarbonCase) string {
	var b strings.Builder
	for i, name := range c.Ranking {
		if i > 0 {
			sign := " < "
			for _, p := range c.Pairs {
				if p.Less == c.Ranking[i-1] && p.More == name && p.Tie {
					sign = " ≈ "
				}
			}
			b.WriteString(sign)
		}
		b.WriteString(tty.Plain(name))
	}
	if c.Axis == "" {
		return fmt.Sprintf("On the scenario's own grid (%s, PUE %g): %s", gridOf(&s.Reference), s.Reference.PUE, b.String())
	}
	return carbonLabel(c) + ": " + b.String()
}

func gridOf(c *results.CarbonCase) string {
	if c.Year == 0 {
		return tty.Plain(c.Zone)
	}
	return fmt.Sprintf("%s %d, %s", tty.Plain(c.Zone), c.Year, c.Signal)
}

// survival says of each axis whether the ranking holds along it.
func (t *carbonTable) survival(c *results.CarbonSensitivity) {
	for _, axis := range []string{results.AxisZone, results.AxisYear, results.AxisSignal, results.AxisPUE} {
		count := map[string]int{}
		all := 0
		var other []string
		for i := range c.Cases {
			k := &c.Cases[i]
			if k.Axis != axis {
				continue
			}
			all++
			count[k.Verdict]++
			if k.Verdict != results.RankingSame {
				other = append(other, ranking(c, k))
			}
		}
		if all == 0 {
			continue
		}
		name := axis
		if axis == results.AxisPUE {
			name = "PUE"
		}
		text := fmt.Sprintf("The ranking %s the %s: the same in %d of %d", survives(count[results.RankingReversed], count[results.RankingUndecided]), name, count[results.RankingSame], all)
		if len(other) > 0 {
			text += "; " + strings.Join(other, "; ")
		}
		t.Notes = append(t.Notes, text+".")
	}
	if k := c.Combined; k != nil {
		t.Notes = append(t.Notes, fmt.Sprintf("All zones, years and PUEs together: the ranking %s %d combinations, the same in %d, with other ties in %d, reversed in %d.",
			survives(k.Reversed, k.Undecided), k.Cases, k.Same, k.Undecided, k.Reversed))
	}
}

func survives(reversed, undecided int) string {
	switch {
	case reversed > 0:
		return "DOES NOT SURVIVE"
	case undecided > 0:
		return "survives, but for ties,"
	}
	return "survives"
}

func resimulated(c *results.CarbonSensitivity) (string, bool) {
	for i := range c.Cases {
		if names := c.Cases[i].Resimulated; len(names) > 0 {
			return fmt.Sprintf("Simulated again on each grid, because its scheduler scores nodes by the intensity: %s. Zone, year and PUE are not combined then.", tty.Plain(strings.Join(names, ", "))), true
		}
	}
	return "", false
}

// carbon writes the table for a terminal.
func (t *textReport) carbon() error {
	c, err := newCarbonTable(t.s)
	if c == nil {
		return err
	}
	table := tty.Table{Header: append(append([]string{}, t.names...), "ranking")}
	for _, row := range c.Rows {
		r := tty.Row{Label: row.Label}
		for _, cell := range row.Cells {
			r.Cells = append(r.Cells, tty.Cell{Text: cell})
		}
		color := tty.NoColor
		if row.Alarm {
			color = tty.Red
		}
		table.Rows = append(table.Rows, tty.Row{Label: r.Label, Cells: append(r.Cells, tty.Cell{Text: row.Verdict, Color: color})})
	}
	t.heading(c.Title + " on other grids")
	t.table(&table)
	for _, note := range c.Notes {
		t.line(tty.NoColor, note)
	}
	return nil
}

// carbon writes the table as Markdown.
func (m *markdownReport) carbon() error {
	c, err := newCarbonTable(m.s)
	if c == nil {
		return err
	}
	var rows [][]string
	for _, row := range c.Rows {
		verdict := row.Verdict
		if row.Alarm {
			verdict = "**" + verdict + "**"
		}
		cells := append([]string{escape(row.Label)}, row.Cells...)
		rows = append(rows, append(cells, verdict))
	}
	m.printf("## %s on other grids\n\n", escape(c.Title))
	m.table(append(m.names(), "ranking"), rows)
	for _, note := range c.Notes {
		m.printf("- %s\n", escape(note))
	}
	m.printf("\n")
	return nil
}
