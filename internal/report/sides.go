package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// Sides writes a comparison for a terminal: both means with their intervals, the
// change, and what so many seeds could have shown. Errors are as Text's.
func Sides(w io.Writer, s *results.SideBySide, o Options) error {
	if o.Width == 0 {
		o.Width = defaultWidth
	}
	o.Width, o.Currency = max(o.Width, minWidth), s.B.Currency
	t := &textReport{o: o}
	rows, err := sideRows(s, o.currency())
	if err != nil {
		return fmt.Errorf("compare %s with %s: %w", tty.Plain(s.B.Name), tty.Plain(s.A.Name), err)
	}
	t.line(tty.NoColor, "A: "+sideText(s.A))
	t.line(tty.NoColor, "B: "+sideText(s.B))
	t.line(tty.NoColor, fmt.Sprintf("%s, means ± 95%% confidence interval", pairsText(s)))
	t.b.WriteByte('\n')
	table := tty.Table{Header: []string{"A", "B", "B against A", "detects"}}
	for _, r := range rows {
		table.Rows = append(table.Rows, tty.Row{Label: r.label, Cells: []tty.Cell{{Text: r.a}, {Text: r.b}, {Text: r.change, Color: r.color}, {Text: r.detects}}})
	}
	t.table(&table)
	for _, note := range sideNotes(s) {
		t.line(tty.NoColor, note)
	}
	for _, warning := range s.Warnings {
		t.line(tty.NoColor, "warning: "+tty.Plain(warning))
	}
	_, err = io.WriteString(w, t.b.String())
	return err
}

func sideText(s results.Side) string {
	text := tty.Plain(s.Name)
	if s.Policy != "" && s.Policy != s.Name {
		text += ", policy " + tty.Plain(s.Policy)
	}
	if s.Scenario != "" {
		text += ", scenario " + tty.Plain(s.Scenario)
	}
	return text
}

func pairsText(s *results.SideBySide) string {
	if len(s.Seeds) == 1 {
		return "1 seed"
	}
	return fmt.Sprintf("%d paired seeds", len(s.Seeds))
}

// sideRow is a row of a comparison, as text and Markdown both show it.
type sideRow struct {
	label, a, b, change, detects string
	color                        tty.Color
}

func sideRows(s *results.SideBySide, currency string) ([]sideRow, error) {
	var out []sideRow
	for _, r := range s.Rows {
		m, err := metrics.Find(r.Metric)
		if err != nil {
			return nil, err
		}
		scale := scaleFor(m.Unit, currency, max(math.Abs(r.A.Mean), math.Abs(r.B.Mean)))
		row := sideRow{label: scale.labelled(r.Metric), detects: absent}
		row.a, row.b = meanText(r.A, scale), meanText(r.B, scale)
		row.change, row.color = changeText(s, r, scale)
		if r.Detectable != nil {
			row.detects = strings.TrimPrefix(percent(*r.Detectable), "+")
		}
		out = append(out, row)
	}
	if g := s.Geomean; g != nil {
		out = append(out, sideRow{label: fmt.Sprintf("geomean of %d", len(g.Metrics)), change: percent(g.Change.Mean) + "  "})
	}
	for _, g := range s.ServiceGeomeans {
		out = append(out, sideRow{label: fmt.Sprintf("%s, of %d", metricLabel(g.Metric), len(g.Services)), change: percent(g.Change) + "  "})
	}
	return out, nil
}

func meanText(e results.Estimate, scale humanScale) string {
	return tty.Number(e.Mean*scale.factor) + " ± " + tty.PadLeft(halfWidth(e), 4)
}

// changeText is the change with its p and verdict; a difference where there is
// no ratio.
func changeText(s *results.SideBySide, r results.Row, scale humanScale) (string, tty.Color) {
	change := signed(r.Difference.Mean*scale.factor) + " " + scale.unit
	if r.Change != nil {
		change = percent(r.Change.Mean)
	}
	change = strings.TrimSpace(change)
	_, few := s.TooFew(r.A.N)
	figure := change + " (" + pValue(r.P) + ")"
	switch {
	case r.Verdict == results.Better:
		return figure + " ✓", tty.Green
	case r.Verdict == results.Worse:
		return figure + " ✗", tty.Red
	case r.Verdict == results.CannotSay && r.Difference.Mean == 0:
		return "0%  ", tty.NoColor
	case r.Verdict == results.CannotSay && few:
		return change + " ?", tty.NoColor
	case r.Verdict == results.CannotSay:
		return "~ (" + pValue(r.P) + ")  ", tty.NoColor
	}
	return figure + "  ", tty.NoColor
}

func signed(x float64) string {
	if x > 0 {
		return "+" + tty.Number(x)
	}
	return tty.Number(x)
}

// sideNotes explain the table.
func sideNotes(s *results.SideBySide) []string {
	test := "the exact sign-flip test"
	if s.Test == results.TTest {
		test = "Student's paired t test, which takes differences for normal"
	}
	notes := []string{fmt.Sprintf("✓ better, ✗ worse, ~ cannot tell (p > %.3g), ? too few seeds to tell; p of %s, Holm-corrected over %d metrics",
		s.Alpha, test, len(s.Rows)),
		"detects: the smallest change that so many seeds find four times in five"}
	for _, r := range s.Rows {
		if r.SeedsToTell > 0 {
			notes = append(notes, fmt.Sprintf("%s: about %d seeds would tell a change of %s from none", metricLabel(r.Metric), r.SeedsToTell, percent(r.Change.Mean)))
		}
	}
	if g := s.Geomean; g != nil {
		labels := make([]string, len(g.Metrics))
		for i, m := range g.Metrics {
			labels[i] = metricLabel(m)
		}
		notes = append(notes, fmt.Sprintf("geomean: of B/A over what improves downwards (%s); 95%% interval %s to %s, bootstrapped over the seeds",
			strings.Join(labels, ", "), percent(g.Change.CILow), percent(g.Change.CIHigh)))
	}
	if len(s.ServiceGeomeans) > 0 {
		notes = append(notes, "METRIC, of N services: "+serviceGeomeanNote("B/A"))
	}
	return notes
}

// SidesMarkdown writes a comparison in GitHub's dialect, with the intervals of the
// changes. Errors are as Text's.
func SidesMarkdown(w io.Writer, s *results.SideBySide, o Options) error {
	o.Currency = s.B.Currency
	rows, err := sideRows(s, o.currency())
	if err != nil {
		return fmt.Errorf("compare %s with %s: %w", tty.Plain(s.B.Name), tty.Plain(s.A.Name), err)
	}
	m := &markdownReport{o: o}
	m.printf("A: %s\n\nB: %s\n\n%s, means ± 95%% confidence interval.\n\n", escape(sideText(s.A)), escape(sideText(s.B)), pairsText(s))
	var cells [][]string
	for i, r := range rows {
		interval := ""
		switch {
		case i < len(s.Rows) && s.Rows[i].Change != nil:
			interval = intervalText(*s.Rows[i].Change)
		case i == len(s.Rows) && s.Geomean != nil:
			interval = intervalText(s.Geomean.Change)
		}
		change := strings.TrimSpace(r.change)
		if r.color != tty.NoColor {
			change = "**" + change + "**"
		}
		cells = append(cells, []string{escape(r.label), r.a, r.b, change, interval, r.detects})
	}
	m.table([]string{"A", "B", "B against A", "95% interval", "detects"}, cells)
	for _, note := range sideNotes(s) {
		m.printf("- %s\n", escape(note))
	}
	for _, warning := range s.Warnings {
		m.printf("- **warning**: %s\n", escape(warning))
	}
	_, err = io.WriteString(w, m.b.String())
	return err
}

func intervalText(e results.Estimate) string { return percent(e.CILow) + " to " + percent(e.CIHigh) }

// SidesCSV writes one line per metric, in base units.
func SidesCSV(w io.Writer, s *results.SideBySide) error {
	out := csv.NewWriter(w)
	test := "p_sign_flip_holm"
	if s.Test == results.TTest {
		test = "p_paired_t_holm"
	}
	lines := [][]string{{"metric", "n", "a_mean", "a_ci_low", "a_ci_high", "b_mean", "b_ci_low", "b_ci_high",
		"difference", "difference_ci_low", "difference_ci_high", "change_ratio", "change_ci_low", "change_ci_high",
		test, "p_paired_t", "verdict", "detectable_ratio", "seeds_to_tell"}}
	for _, r := range s.Rows {
		line := []string{r.Metric, strconv.Itoa(r.A.N)}
		change := []string{"", "", ""}
		if r.Change != nil {
			change = figures(r.Change.Mean, r.Change.CILow, r.Change.CIHigh)
		}
		line = append(line, figures(r.A.Mean, r.A.CILow, r.A.CIHigh, r.B.Mean, r.B.CILow, r.B.CIHigh,
			r.Difference.Mean, r.Difference.CILow, r.Difference.CIHigh)...)
		line = append(append(line, change...), figures(r.P, r.PairedT)...)
		detectable, seeds := "", ""
		if r.Detectable != nil {
			detectable = figures(*r.Detectable)[0]
		}
		if r.SeedsToTell > 0 {
			seeds = strconv.Itoa(r.SeedsToTell)
		}
		lines = append(lines, append(line, r.Verdict, detectable, seeds))
	}
	return out.WriteAll(lines)
}

func figures(xs ...float64) []string {
	out := make([]string, len(xs))
	for i, x := range xs {
		out[i] = strconv.FormatFloat(x, 'g', -1, 64)
	}
	return out
}
