package plan

import (
	"fmt"
	"math"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// textWidth is the width of a terminal.
const textWidth = 80

// superlatives of the objectives.
var superlatives = map[string]string{costMetric: "cheapest", "energy_kwh": "least energy", carbonMetric: "least carbon"}

// Text writes a report for a terminal.
func (r *Report) Text(color bool) string {
	var b strings.Builder
	wrap := func(indent int, format string, args ...any) { b.WriteString(wrapped(indent, format, args...)) }
	wrap(0, "%s: %d candidates, %d seeds to race, %d fresh ones to confirm", r.Scenario, len(r.Candidates), len(r.Seeds), len(r.Fresh))
	wrap(0, "SLOs, at %.4g%% confidence: %s", 100*r.Confidence, strings.Join(r.SLOs, "; "))
	wrap(0, "%s", r.fates())
	for i := range r.Best {
		b.WriteByte('\n')
		b.WriteString(r.bestText(&r.Best[i], color))
	}
	if r.Nearest != nil {
		c := &r.Candidates[*r.Nearest]
		b.WriteByte('\n')
		where := ""
		if c.Fate == Screened {
			where = " (in the busiest part alone)"
		}
		wrap(0, "nearest: %s%s", r.Name(c.Number), where)
		for _, s := range r.NearestSLOs {
			wrap(2, "%s: %s, %s", s.SLO, r.sloFigure(s), c.SLOs[s.SLO])
		}
	}
	if len(r.Front) > 0 {
		b.WriteByte('\n')
		b.WriteString(r.frontText(color))
	}
	for _, n := range r.Notes {
		wrap(0, "note: %s", n)
	}
	return b.String()
}

// wrapped is a paragraph that is indented, its second line and the others by two more.
func wrapped(indent int, format string, args ...any) string {
	margin := strings.Repeat(" ", indent)
	text := tty.Wrap(tty.Plain(fmt.Sprintf(format, args...)), textWidth-indent, 2)
	return margin + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+margin) + "\n"
}

// sloFigure writes an SLO's figure.
func (r *Report) sloFigure(s SLOReport) string {
	return r.figure(s.Metric, map[string]results.Estimate{s.Metric: s.Figure})
}

// fates counts how the candidates ended.
func (r *Report) fates() string {
	count := map[Fate]int{}
	for _, c := range r.Candidates {
		count[c.Fate]++
	}
	text := ""
	if r.Screen != nil {
		text = fmt.Sprintf("%d lose an SLO in the busiest part alone (%s); ", count[Screened], r.Screen.Window)
	}
	text += fmt.Sprintf("%d miss an SLO, %d are worse than another, %d reached the end", count[Misses], count[Dearer], count[Finalist])
	if count[Cut] > 0 {
		text += fmt.Sprintf("; %d were cut for want of time", count[Cut])
	}
	return text
}

// Name is a candidate for people: "#12 hpa, maxBatch=8".
func (r *Report) Name(i int) string {
	c := &r.Candidates[i]
	words := []string{fmt.Sprintf("#%d %s", i, c.Policy)}
	if c.Written {
		words = append(words, "as written")
	}
	for k, v := range c.Values {
		if path := r.Parameters[k]; c.takes(path) {
			words = append(words, path[strings.LastIndex(path, ".")+1:]+"="+v)
		}
	}
	return strings.Join(words, ", ")
}

// takes reports whether a path is not that of another policy.
func (c *CandidateReport) takes(path string) bool {
	return !strings.HasPrefix(path, "spec.policies[") || strings.HasPrefix(path, "spec.policies["+c.Policy+"]")
}

func (r *Report) figure(metric string, of map[string]results.Estimate) string {
	m, err := metrics.Find(metric)
	e, ok := of[metric]
	if err != nil || !ok {
		return "–"
	}
	return r.estimate(m, e)
}

// estimate writes "12.3 ms [12.1, 12.5]".
func (r *Report) estimate(m metrics.Metric, e results.Estimate) string {
	if e.N == 0 {
		return "–"
	}
	return fmt.Sprintf("%s [%s, %s]", report.Figure(m, e.Mean, r.Currency),
		number(report.FigureBeside(m, e.CILow, e.Mean, r.Currency)), number(report.FigureBeside(m, e.CIHigh, e.Mean, r.Currency)))
}

// number drops the unit.
func number(figure string) string {
	n, _, _ := strings.Cut(figure, " ")
	return n
}

func (r *Report) bestText(b *BestReport, color bool) string {
	title := superlatives[b.Objective]
	if b.Winner == nil {
		return wrapped(0, "%s: no candidate is known to keep the SLOs%s", title, r.rivals(b))
	}
	var out strings.Builder
	wrap := func(indent int, format string, args ...any) { out.WriteString(wrapped(indent, format, args...)) }
	verdict := tty.Green.Paint("confirmed", color)
	if !b.Confirmed {
		verdict = tty.Red.Paint("not confirmed", color)
	}
	fmt.Fprintf(&out, "%s: %s, on %d fresh seeds\n", tty.Bold.Paint(title, color), verdict, len(r.Fresh))
	c := &r.Candidates[*b.Winner]
	written := ""
	if c.Written {
		written = ", as written"
	}
	wrap(2, "#%d, policy %s%s", c.Number, c.Policy, written)
	for k, v := range c.Values {
		if c.takes(r.Parameters[k]) {
			wrap(4, "%s=%s", r.Parameters[k], v)
		}
	}
	wrap(2, "%s %s", report.Label(b.Objective), r.figure(b.Objective, b.Figures))
	if b.Change != nil {
		wrap(2, "%s [%s, %s] against %s, the best as written", report.Change(b.Change.Ratio), report.Change(b.Change.CILow), report.Change(b.Change.CIHigh), r.Name(*b.Reference))
	}
	for _, s := range b.SLOs {
		kept := "kept"
		if !s.Kept {
			kept = "not shown to be kept"
		}
		wrap(2, "%s: %s, %s", s.SLO, r.sloFigure(s), kept)
	}
	if text := r.rivals(b); text != "" {
		wrap(2, "%s", strings.TrimPrefix(text, "; "))
	}
	return out.String()
}

// rivals are the candidates that the seeds do not tell from the winner.
func (r *Report) rivals(b *BestReport) string {
	if len(b.Rivals) == 0 {
		return ""
	}
	const most = 8
	var names []string
	for _, i := range b.Rivals[:min(len(b.Rivals), most)] {
		names = append(names, fmt.Sprintf("#%d", i))
	}
	text := "; not ruled out: " + strings.Join(names, ", ")
	if more := len(b.Rivals) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// mostFrontRows is how much of the front a terminal gets; plan.csv has all.
const mostFrontRows = 20

// frontText is the front as a table, with the candidates' values below.
func (r *Report) frontText(color bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Pareto front of the race, means with their %.4g%% intervals\n", 100*r.Confidence)
	table := tty.Table{Header: []string{"cost", "CO2e", "latency p95", "seeds"}}
	shown := r.Front[:min(len(r.Front), mostFrontRows)]
	for _, i := range shown {
		c := &r.Candidates[i]
		row := tty.Row{Label: fmt.Sprintf("#%d %s", i, c.Policy)}
		for _, name := range frontMetrics {
			row.Cells = append(row.Cells, tty.Cell{Text: r.plusMinus(name, c.Figures[name])})
		}
		row.Cells = append(row.Cells, tty.Cell{Text: fmt.Sprint(c.Figures[costMetric].N)})
		table.Rows = append(table.Rows, row)
	}
	table.Write(&b, textWidth, color)
	if more := len(r.Front) - len(shown); more > 0 {
		fmt.Fprintf(&b, "and %d more; all are in %s.csv\n", more, CandidatesTable)
	}
	for _, i := range shown {
		b.WriteString(wrapped(0, "%s", r.Name(i)))
	}
	return b.String()
}

// plusMinus writes "12.3 ms ± 0.8%".
func (r *Report) plusMinus(metric string, e results.Estimate) string {
	m, err := metrics.Find(metric)
	if err != nil || e.N == 0 {
		return "–"
	}
	half := (e.CIHigh - e.CILow) / 2 / math.Abs(e.Mean)
	text := fmt.Sprintf("%.2f%%", 100*half)
	switch {
	case e.N == 1:
		text = "∞"
	case e.Mean == 0, half < 0.00005:
		text = "0.00%"
	}
	return report.Figure(m, e.Mean, r.Currency) + " ± " + text
}
