package report

import (
	"fmt"
	"time"
)

// timeAxis is the horizontal axis of a chart over time, in minutes: since the
// midnight before the trace's start when that is known, else since the
// scenario's start.
type timeAxis struct {
	Name  string
	Start float64 // minutes at the scenario's start
	Span  float64 // minutes of the scenario
	Step  float64 // minutes between labels
	// Midnight is what minute 0 means on the wall clock of the trace; zero
	// when the trace has no clock. It carries a fixed offset: the clock is not
	// moved for summer time within a scenario.
	Midnight time.Time
}

// tickSteps are the distances between labels, in minutes, that read well.
var tickSteps = []float64{1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2 * 1440, 7 * 1440, 14 * 1440, 28 * 1440, 91 * 1440}

// stepFor is the smallest round step that divides span into at most n parts.
func stepFor(span float64, n int) float64 {
	for _, step := range tickSteps {
		if span/step <= float64(n) {
			return step
		}
	}
	return tickSteps[len(tickSteps)-1]
}

// newTimeAxis makes the axis of a scenario of so many minutes.
func newTimeAxis(start time.Time, span float64) timeAxis {
	a := timeAxis{Name: "hours since the scenario's start", Span: span, Step: stepFor(span, 8)}
	if start.IsZero() {
		return a
	}
	_, offset := start.Zone()
	clock := start.In(time.FixedZone("", offset))
	a.Midnight = time.Date(clock.Year(), clock.Month(), clock.Day(), 0, 0, 0, 0, clock.Location())
	a.Start = clock.Sub(a.Midnight).Minutes()
	a.Name = "trace's clock, from " + clock.Format("2 January 2006") + " (UTC" + clock.Format("-07:00") + ")"
	return a
}

// clocked reports whether the axis shows the trace's wall clock.
func (a timeAxis) clocked() bool { return !a.Midnight.IsZero() }

// label prints a minute of the axis for a tick. tickText in report.js does the
// same in the browser, where zooming makes new ticks.
func (a timeAxis) label(minute float64) string {
	if !a.clocked() {
		if a.Step >= 60 {
			return tickLabel(minute / 60)
		}
		return fmt.Sprintf("%d:%02d", int(minute)/60, int(minute)%60)
	}
	t := a.Midnight.Add(time.Duration(minute * float64(time.Minute)))
	if a.Start+a.Span > 2*1440 && t.Hour() == 0 && t.Minute() == 0 {
		return t.Format("2 Jan")
	}
	return t.Format("15:04")
}

// ticks lists the labelled minutes.
func (a timeAxis) ticks() []float64 {
	var out []float64
	for i := int(a.Start / a.Step); float64(i)*a.Step <= a.Start+a.Span; i++ {
		if v := float64(i) * a.Step; v >= a.Start {
			out = append(out, v)
		}
	}
	return out
}
