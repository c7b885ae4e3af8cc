package calibrate

import (
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/powerprofile"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// sensor is one of the ways to ask a device for its power.
type sensor struct {
	name string // as the profile names it
	of   func(Row) Quantity
}

var (
	usage   = sensor{"Usage", func(r Row) Quantity { return r.Power.Usage }}
	instant = sensor{"Instant", func(r Row) Quantity { return r.Power.Instant }}
	mean1s  = sensor{"Average", func(r Row) Quantity { return r.Power.Average }}
	energy  = sensor{"Energy", func(r Row) Quantity { return r.Power.Energy }}
)

// there reports whether the device has the sensor, by any of the rows.
func (s sensor) there(rows []Row) bool {
	return slices.ContainsFunc(rows, func(r Row) bool { return s.of(r).OK })
}

// values are the readings, where there are any.
func (s sensor) values(rows []Row) []float64 {
	var values []float64
	for _, r := range rows {
		if q := s.of(r); q.OK {
			values = append(values, q.V)
		}
	}
	return values
}

// changes are the rows at which the reading is another than before.
func (s sensor) changes(rows []Row) []Row {
	var changed []Row
	var last Quantity
	for _, r := range rows {
		q := s.of(r)
		if !q.OK {
			continue
		}
		if last.OK && q.V != last.V {
			changed = append(changed, r)
		}
		last = q
	}
	return changed
}

// fewestChanges is how many changes it takes to speak of a period.
const fewestChanges = 5

// update is the median time between changes of the reading.
func (s sensor) update(rows []Row) (time.Duration, bool) {
	changed := s.changes(rows)
	if len(changed) < fewestChanges {
		return 0, false
	}
	var gaps []time.Duration
	for i := 1; i < len(changed); i++ {
		gaps = append(gaps, changed[i].At.Sub(changed[i-1].At))
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2].Round(time.Millisecond), true
}

// response is the time from the first busy sample to the first reading beyond
// half the rise from the idle mean to the mean of the last second.
func (s sensor) response(idle, busy []Row) (time.Duration, bool) {
	if len(busy) == 0 {
		return 0, false
	}
	late := busy[len(busy)-1].At.Add(-block)
	settled := slices.IndexFunc(busy, func(r Row) bool { return r.At.After(late) })
	from, to := average(s.values(idle)), average(s.values(busy[settled:]))
	if to-from < 10 {
		return 0, false // too small a step to time
	}
	for _, r := range busy {
		if q := s.of(r); q.OK && q.V >= (from+to)/2 {
			return r.At.Sub(busy[0].At).Round(time.Millisecond), true
		}
	}
	return 0, false
}

// slope is the mean power in W by the energy counter, from its first change
// among the rows to its last, so that the counter's own period does not blur
// the ends. Changes must span half of the rows' time.
func slope(rows []Row) Quantity {
	changed := energy.changes(rows)
	if len(changed) < 2 {
		return Quantity{}
	}
	first, last := changed[0], changed[len(changed)-1]
	joules, span := last.Power.Energy.V-first.Power.Energy.V, last.At.Sub(first.At)
	if joules <= 0 || 2*span < rows[len(rows)-1].At.Sub(rows[0].At) {
		return Quantity{}
	}
	return Of(joules / span.Seconds())
}

// readings describes the sensors: which are there, and how they moved in the
// step, if the plan had one.
func readings(cells []Measured) powerprofile.Readings {
	var r powerprofile.Readings
	var step *Measured
	var all []Row
	for i, m := range cells {
		all = append(all, m.Rows...)
		if m.Cell.Kind == Step {
			step = &cells[i]
		}
	}
	for _, s := range []struct {
		sensor
		at **powerprofile.Reading
	}{{usage, &r.Usage}, {instant, &r.Instant}, {mean1s, &r.Average}, {energy, &r.Energy}} {
		if !s.there(all) {
			continue
		}
		reading := &powerprofile.Reading{}
		*s.at = reading
		if step == nil {
			continue
		}
		busy := step.phase(Measure)
		if d, ok := s.update(busy); ok {
			reading.Update = (*units.Duration)(&d)
		}
		if s.name == energy.name {
			continue // it rises at all times
		}
		if d, ok := s.response(step.phase(Settle), busy); ok {
			reading.Response = (*units.Duration)(&d)
		}
	}
	return r
}
