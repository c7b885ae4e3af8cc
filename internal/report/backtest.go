package report

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/forecast/backtest"
	"github.com/kwatt-sim/kwatt/internal/tty"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// BacktestText writes backtests for a terminal: a table a trace and horizon. No
// line is wider than Options.Width.
func BacktestText(w io.Writer, results []*backtest.Result, o Options) error {
	if o.Width == 0 {
		o.Width = defaultWidth
	}
	o.Width = max(o.Width, minWidth)
	t := &textReport{o: o}
	for i, r := range results {
		if i > 0 {
			t.b.WriteByte('\n')
		}
		t.line(tty.Bold, tty.Plain(heldOut(r)))
		t.line(tty.NoColor, tty.Plain(scaleText(r)))
		for k, steps := range r.Steps {
			table := tty.Table{Header: backtestColumns}
			for _, row := range backtestRows(r, k) {
				tr := tty.Row{Label: row.model}
				for _, c := range row.cells {
					tr.Cells = append(tr.Cells, tty.Cell{Text: c})
				}
				table.Rows = append(table.Rows, tr)
			}
			t.heading(units.Duration(r.Horizon(steps)).String() + " ahead")
			t.table(&table)
		}
		for _, n := range backtestNotes(r) {
			t.line(tty.NoColor, tty.Plain(n))
		}
	}
	t.b.WriteByte('\n')
	for _, l := range backtestLegend {
		t.line(tty.NoColor, l)
	}
	if _, err := io.WriteString(w, t.b.String()); err != nil {
		return fmt.Errorf("text of a backtest: %w", err)
	}
	return nil
}

// BacktestMarkdown writes backtests as one Markdown table a trace.
func BacktestMarkdown(w io.Writer, results []*backtest.Result) error {
	var b strings.Builder
	for i, r := range results {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "**%s** %s\n\n", tty.Plain(heldOut(r)), tty.Plain(scaleText(r)))
		fmt.Fprintf(&b, "| Ahead | Model | %s |\n|---|---|%s\n", strings.Join(backtestColumns, " | "), strings.Repeat("---:|", len(backtestColumns)))
		for k, steps := range r.Steps {
			for _, row := range backtestRows(r, k) {
				fmt.Fprintf(&b, "| %v | %s | %s |\n", units.Duration(r.Horizon(steps)), row.model, strings.Join(row.cells, " | "))
			}
		}
		for _, n := range backtestNotes(r) {
			b.WriteString("\n" + tty.Plain(n) + "\n")
		}
	}
	b.WriteString("\n" + strings.Join(backtestLegend, " ") + "\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("backtest as Markdown: %w", err)
	}
	return nil
}

var backtestColumns = []string{"pinball", "skill", "in80", "<p95", "<p99", "MASE", "sMAPE"}

var backtestLegend = []string{
	"pinball: mean pinball loss of the quantiles " + levelsText() + ", per cent of the mean rate.",
	"skill: how much less that is than the baseline's, in per cent; * p < 0.05 (Diebold-Mariano), + the best.",
	"in80: per cent of values between p10 and p90; <p95, <p99: at or below that quantile.",
}

func levelsText() string {
	var words []string
	for _, l := range backtest.Levels {
		words = append(words, fmt.Sprintf("%g", l))
	}
	return strings.Join(words, " ")
}

// heldOut says what was measured.
func heldOut(r *backtest.Result) string {
	s := r.Series
	text := fmt.Sprintf("%s: %d steps of %v held out, from %s", s.Trace.Name, len(s.Values)-s.HeldFrom, units.Duration(s.Step), minuteOf(s.HeldStart()))
	if r.Missing > 0 {
		text += fmt.Sprintf(", %d of them missing", r.Missing)
	}
	return text
}

func minuteOf(t time.Time) string { return t.Format("2006-01-02 15:04 -07:00") }

func scaleText(r *backtest.Result) string {
	s := r.Series
	text := fmt.Sprintf("Season %v; %d steps known before; baseline %s.", units.Duration(s.Season), s.HeldFrom, r.Baseline)
	if math.IsNaN(r.Scale) {
		text += " No MASE: the steps before do not change."
	} else {
		text += fmt.Sprintf(" MASE 1 is %s req/s, the error there of %s.", tty.Number(r.Scale), r.ScaledBy)
	}
	if r.Estimated > 0 {
		text += fmt.Sprintf(" %.3g %% of the held-out rates are estimates of the source.", 100*r.Estimated)
	}
	return text
}

type backtestRow struct {
	model string
	cells []string
}

// backtestRows are the lines of horizon k.
func backtestRows(r *backtest.Result, k int) []backtestRow {
	best := r.Best(k)
	var rows []backtestRow
	for i, e := range r.Entries {
		row := backtestRow{model: e.Method}
		if e.Refused != "" {
			for range backtestColumns {
				row.cells = append(row.cells, absent)
			}
			rows = append(rows, row)
			continue
		}
		s := e.Scores[k]
		mark := ""
		if s.P < 0.05 {
			mark = "*"
		}
		if i == best {
			mark += "+"
		}
		row.cells = []string{
			bounded(100*s.Relative, 2), bounded(100*s.Skill, 0) + mark, bounded(100*s.Inside80, 0),
			bounded(100*s.Below[len(s.Below)-2], 1), bounded(100*s.Below[len(s.Below)-1], 1), bounded(s.MASE, 3), bounded(100*s.SMAPE, 1),
		}
		rows = append(rows, row)
	}
	return rows
}

// bounded prints a figure, and only its side when it is beyond reason.
func bounded(x float64, digits int) string {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return absent
	case x <= -1000:
		return "<-999"
	case x >= 1000:
		return ">999"
	}
	return fmt.Sprintf("%.*f", digits, x)
}

// backtestNotes say which model was not run, and which was not what its name says.
func backtestNotes(r *backtest.Result) []string {
	var notes, uses []string
	for _, e := range r.Entries {
		switch {
		case e.Refused != "":
			notes = append(notes, e.Method+" is not scored: "+e.Refused+".")
		case e.InUse != e.Form:
			uses = append(uses, e.Method+" was "+e.InUse)
		}
	}
	if len(uses) > 0 {
		notes = append(notes, "At the end "+strings.Join(uses, "; ")+".")
	}
	return notes
}
