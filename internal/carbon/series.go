// Package carbon is the carbon intensity of grids over time, how it meets a
// scenario's clock, and the software carbon intensity that follows.
package carbon

import (
	"fmt"
	"time"
	_ "time/tzdata" // local time on a machine that has no zone database

	"github.com/kwatt-sim/kwatt/internal/grade"
)

// Signal says what an intensity means.
type Signal string

// The signals.
const (
	Average  Signal = "average"  // emissions of the mix, per kWh consumed
	Marginal Signal = "marginal" // emissions of the plants that answer one kWh more
)

// maxIntensity in gCO2e/kWh is several times that of the dirtiest plant; a larger
// figure is a wrong unit.
const maxIntensity = 10_000

// Series is a grid's carbon intensity over time.
type Series struct {
	Zone        string // "DE"
	Year        int    // of the figures, the first if they span several; 0 for a constant
	Signal      Signal
	License     string
	Source      string
	Attribution string // the text that the licence asks to show; empty if none
	Grade       grade.Grade
	Location    *time.Location // the region's time zone
	Bridged     []Gap          // holes that were filled between their neighbours

	profile profile
	origin  time.Time // the first instant of the figures
}

// Gap is a run of hours that the file lacks.
type Gap struct {
	From  time.Time
	Hours int
}

// profile is where the figures of a series come from.
type profile interface {
	// at returns the intensity at t, an instant in the region's time zone.
	at(t time.Time) float64
	// next returns the first instant after t at which it may change, or the
	// zero time if it never does.
	next(t time.Time) time.Time
}

// At returns the intensity in gCO2e/kWh at an instant. A series of one year
// stands for any other: monthly means by the month and hour of the region's local
// time, an hourly file by month, day and hour outside its own span. It is NaN where a
// file that is shorter than a year has no such hour; Aligned checks for that.
func (s *Series) At(t time.Time) float64 { return s.profile.at(t.In(s.Location)) }

// NextChange returns the first instant after t at which the intensity may be
// another one, an hour on at most; the zero time when it is constant.
func (s *Series) NextChange(t time.Time) time.Time { return s.profile.next(t.In(s.Location)) }

// Constant returns a series of one intensity in gCO2e/kWh, with grade X: it is
// as good as the reason the user has for it.
func Constant(v float64) (*Series, error) {
	if !(v >= 0) || v > maxIntensity {
		return nil, fmt.Errorf("constant carbon intensity %v g/kWh: want 0 to %d", v, maxIntensity)
	}
	return &Series{Signal: Average, Source: "a constant of the scenario", Grade: grade.X, Location: time.UTC, profile: constant(v)}, nil
}

type constant float64

func (c constant) at(time.Time) float64     { return float64(c) }
func (c constant) next(time.Time) time.Time { return time.Time{} }

// monthHours are the means of a year by month and hour of local time.
type monthHours [12][24]float64

func (m *monthHours) at(t time.Time) float64     { return m[t.Month()-1][t.Hour()] }
func (m *monthHours) next(t time.Time) time.Time { return nextLocalHour(t) }

// nextLocalHour returns when the hour of local time next changes: at a full hour
// of the local clock, or when the clock is put forward or back.
func nextLocalHour(t time.Time) time.Time {
	past := time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
	next := t.Add(time.Hour - past)
	if _, shift := t.ZoneBounds(); !shift.IsZero() && shift.Before(next) {
		return shift
	}
	return next
}
