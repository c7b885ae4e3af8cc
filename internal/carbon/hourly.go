package carbon

import (
	"math"
	"time"
)

// hourly is a file's hours. Within its span an instant has its own figure;
// outside, the mean of the same month, day and hour of local time stands in.
type hourly struct {
	first    time.Time // start of hour 0
	values   []float64
	calendar [12][31][24]mean
}

type mean struct {
	sum    float64
	weight float64
}

// newHourly lays out the calendar, half an hour of a value at a time, because
// local time may run half an hour beside the file's hours.
func newHourly(first time.Time, values []float64, region *time.Location) *hourly {
	h := &hourly{first: first, values: values}
	for i, v := range values {
		for half := range 2 {
			t := first.Add(time.Duration(2*i+half) * 30 * time.Minute).In(region)
			cell := h.cell(t)
			cell.sum += v
			cell.weight++
		}
	}
	return h
}

// cell returns the calendar's cell of a local time, whatever its year.
func (h *hourly) cell(t time.Time) *mean {
	return &h.calendar[t.Month()-1][t.Day()-1][t.Hour()]
}

func (h *hourly) at(t time.Time) float64 {
	if i := t.Sub(h.first); i >= 0 && i < time.Duration(len(h.values))*time.Hour {
		return h.values[i/time.Hour]
	}
	return h.standIn(t.Month(), t.Day(), t.Hour())
}

// standIn returns the mean of the file's hours of this month, day and hour. 28
// February stands in for a 29th that the file lacks, and the hour before for the
// one that summer time skips.
func (h *hourly) standIn(month time.Month, day, hour int) float64 {
	// Any leap year will do, to do arithmetic with a date of no year.
	t := time.Date(2024, month, day, hour, 0, 0, 0, time.UTC)
	if c := h.cell(t); c.weight > 0 {
		return c.sum / c.weight
	}
	if month == time.February && day == 29 {
		return h.standIn(month, 28, hour)
	}
	before, after := h.cell(t.Add(-time.Hour)), h.cell(t.Add(time.Hour))
	if before.weight > 0 && after.weight > 0 {
		return before.sum / before.weight
	}
	return math.NaN()
}

// next is the next hour of the file or of the local clock; they differ where
// local time runs half an hour beside the file's hours.
func (h *hourly) next(t time.Time) time.Time {
	past := t.Sub(h.first) % time.Hour
	if past < 0 {
		past += time.Hour
	}
	next := t.Add(time.Hour - past)
	if local := nextLocalHour(t); local.Before(next) {
		return local
	}
	return next
}
