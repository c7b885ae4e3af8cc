package gate

import (
	"fmt"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// Marker is the hidden first line of a gate's Markdown, by which a comment on a
// pull request is found again and replaced.
func Marker(gate string) string { return "<!-- kwatt-gate: " + report.Escape(gate) + " -->" }

// Markdown writes the verdicts as a comment in GitHub's dialect; command is what
// reproduces them.
func (r *Report) Markdown(command string) string {
	var b strings.Builder
	printf := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	printf("%s\n", Marker(r.Gate))
	printf("### %s kwatt gate **%s**: %s\n\n", r.Verdict.emoji(), report.Escape(r.Gate), r.Verdict)
	printf("Scenario %s, %s.\n\n", report.Escape(r.Scenario), seedCount(r.Seeds))
	printf("| | | was | is | measured | bounds | limit |\n|---|---|---:|---:|---:|---:|---:|\n")
	for _, o := range r.Outcomes {
		was, is := "–", "–"
		if o.Baseline != nil {
			was = report.Figure(o.metric, *o.Baseline, o.currency)
		}
		if o.Value != nil {
			is = report.Figure(o.metric, *o.Value, o.currency)
		}
		printf("| %s %s | %s | %s | %s | %s | %s | %s |\n", o.Verdict.emoji(), o.Verdict, report.Escape(o.label()), was, is,
			o.measuredText(), o.between(), report.Escape(o.Limit))
	}
	printf("\n")
	for _, o := range r.Outcomes {
		if o.Verdict != Pass {
			printf("- %s **%s** (`%s:%d`): %s\n", o.Verdict.emoji(), report.Escape(o.label()), code(r.Path), o.Line, report.Escape(o.Reason))
		}
	}
	for _, n := range r.Notes {
		printf("- %s\n", report.Escape(n))
	}
	printf("\n<details><summary>How to read and reproduce this</summary>\n\n%s\n\n```sh\n%s\n```\n\n</details>\n", explanation, strings.ReplaceAll(tty.Plain(command), "```", ""))
	return b.String()
}

const explanation = "The same seeds bring the same customers before and after a change. Bounds are one-sided, of the exact sign-flip test; a check passes or fails when " +
	"they clear its limit, and is inconclusive when so many seeds cannot tell. Failures are Holm-corrected over the checks."

// code makes text safe between backticks.
func code(text string) string { return strings.ReplaceAll(tty.Plain(text), "`", "'") }

func (v Verdict) emoji() string {
	switch v {
	case Pass:
		return "✅"
	case Fail:
		return "❌"
	}
	return "❔"
}
