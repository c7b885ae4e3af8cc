package gate

import (
	"fmt"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// width of the table, in runes.
const width = 80

// Text writes the verdicts for a terminal: a line for each check, ✓ for a pass, ✗
// for a failure, ? where seeds are too few to tell; then the reason of each that
// did not pass, with its place in the gate file.
func (r *Report) Text(color bool) string {
	var b strings.Builder
	b.WriteString(tty.Wrap(tty.Plain(r.headline()), width, 2))
	b.WriteByte('\n')
	table := tty.Table{Header: []string{"measured", "bounds", "limit"}}
	for _, o := range r.Outcomes {
		table.Rows = append(table.Rows, tty.Row{Label: o.Verdict.mark() + " " + o.label(), Cells: []tty.Cell{
			{Text: o.measuredText()}, {Text: o.between()}, {Text: o.Limit, Color: o.Verdict.color()},
		}})
	}
	table.Write(&b, width, color)
	for _, o := range r.Outcomes {
		if o.Verdict != Pass {
			b.WriteByte('\n')
			b.WriteString(tty.Wrap(tty.Plain(fmt.Sprintf("%s:%d: %s: %s: %s", r.Path, o.Line, o.label(), o.Verdict, o.Reason)), width, 2))
		}
	}
	if len(r.Notes) > 0 {
		b.WriteByte('\n')
	}
	for _, n := range r.Notes {
		b.WriteString(tty.Wrap("note: "+tty.Plain(n), width, 2))
	}
	return b.String()
}

// headline is the verdict in one line.
func (r *Report) headline() string {
	var counts []string
	for _, v := range []Verdict{Fail, Inconclusive, Pass} {
		if n := r.Count(v); n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, v))
		}
	}
	return fmt.Sprintf("gate %s: %s (%s; %s)", r.Gate, strings.ToUpper(string(r.Verdict)), strings.Join(counts, ", "), seedCount(r.Seeds))
}

func seedCount(n int) string {
	if n == 1 {
		return "1 seed"
	}
	return fmt.Sprintf("%d seeds", n)
}

// mark is a verdict as a sign that needs no colour.
func (v Verdict) mark() string {
	switch v {
	case Pass:
		return "✓"
	case Fail:
		return "✗"
	}
	return "?"
}

func (v Verdict) color() tty.Color {
	switch v {
	case Pass:
		return tty.Green
	case Fail:
		return tty.Red
	}
	return tty.NoColor
}

// who is the policy, and the service where it is one's figure.
func (o *Outcome) who() string {
	if o.Service != "" {
		return o.Policy + "/" + o.Service
	}
	return o.Policy
}

// label names the figure: "hpa latency p95", "hpa/ranker latency p95".
func (o *Outcome) label() string { return o.who() + " " + report.Label(o.Metric) }

func (o *Outcome) measuredText() string {
	switch {
	case o.Measured != nil:
		return o.measured(*o.Measured)
	case o.Value != nil: // a change from a baseline of 0
		return o.figure()
	}
	return "–"
}

// between are the bounds, or what there is of them.
func (o *Outcome) between() string {
	if o.Low == nil || o.High == nil {
		return "–"
	}
	return o.measured(*o.Low) + " to " + o.measured(*o.High)
}
