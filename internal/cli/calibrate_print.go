package cli

import (
	"fmt"
	"math"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/powerprofile"
)

// printProfile prints the figures for people.
func printProfile(env Env, p *powerprofile.Profile) error {
	var rows []string
	add := func(state string, f *powerprofile.Figure) {
		if f != nil {
			rows = append(rows, fmt.Sprintf("%s\t%.1f\t%.2f\t%d\t%s\t%s", state, f.Watts, f.Std, f.N, f.Grade, strings.Join(f.Notes, "; ")))
		}
	}
	s := &p.Spec
	add("bare", s.Bare)
	add("bare, at the end", s.BareAgain)
	add("context", s.Context)
	add("context, at the end", s.ContextAgain)
	for _, points := range [][]powerprofile.BusyPoint{s.Busy, s.ClockSweep, s.CapSweep} {
		for i := range points {
			add(loadName(&points[i]), &points[i].Figure)
		}
	}
	for i := range s.Observed {
		o := &s.Observed[i]
		state := o.At.Format("15:04:05")
		if o.Rate != nil {
			state += fmt.Sprintf(", %.1f req/s", *o.Rate)
		}
		add(state, &o.Figure)
	}
	if err := table(env.Stdout, "STATE\tW\tSTD\tN\tGRADE\tNOTES", rows); err != nil {
		return err
	}
	for _, m := range s.Missing {
		fmt.Fprintf(env.Stdout, "missing: %s: %s\n", m.Cell, m.Reason)
	}
	if d := s.Readings.Disagreement; d != nil {
		fmt.Fprintf(env.Stdout, "the %s reading is %.1f %% off the energy counter on average, %.1f %% at worst (%s)\n", d.Reading, percent(d.Mean), percent(d.Worst), d.WorstCell)
	}
	return nil
}

// percent rounds a part to tenths of a per cent; there is no minus zero.
func percent(part float64) float64 { return math.Round(1000*part)/10 + 0 }

// loadName is a load in a few words.
func loadName(b *powerprofile.BusyPoint) string {
	name := fmt.Sprintf("%s, batch %d", b.Kernel, b.Batch)
	if b.Duty < 1 {
		name += fmt.Sprintf(", duty %g", b.Duty)
	}
	if b.LockedClockMHz != nil {
		name += fmt.Sprintf(", %g MHz", *b.LockedClockMHz)
	}
	if b.CapWatts != nil {
		name += fmt.Sprintf(", cap %g W", *b.CapWatts)
	}
	return name
}
