package forecast

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/forecast"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// series is the service's rate in steps and the model that follows it.
type series struct {
	step, refit time.Duration
	method      forecast.Method
	options     forecast.Options
	values      []float64
	model       forecast.Forecaster // nil until there is a value
	stepEnd     vtime.Time          // of the step that is being filled
	sum         float64             // of the rates seen in it
	seen        int
	fitAt       vtime.Time // when to fit again
}

// keptHorizon is how many steps ahead errors are kept apart; further ahead
// the errors at this horizon count.
const keptHorizon = 64

// newSeries starts with the history before the window.
func newSeries(c *Config, method forecast.Method, history []float64, steps int) *series {
	s := &series{
		method: method, step: c.Step.D(), refit: c.Refit.D(), stepEnd: vtime.At(c.Step.D()),
		options: forecast.Options{Season: int(c.Season / c.Step), Horizon: min(steps, keptHorizon)},
	}
	for _, y := range history {
		s.values = append(s.values, finite(y))
	}
	s.fit(0)
	return s
}

// finite makes an infinite rate a missing one.
func finite(y float64) float64 {
	if math.IsInf(y, 0) {
		return math.NaN()
	}
	return y
}

// see takes in the rate that telemetry shows, at the centre of its window, and
// closes the steps that ended before it. A tick without telemetry is late by
// nothing that is known: it closes the steps up to now.
func (s *series) see(o policies.Observation) {
	at := o.Now
	if o.Valid {
		at = o.At.Add(-min(o.Window, time.Duration(o.At)) / 2)
	}
	for at >= s.stepEnd {
		s.close()
	}
	if rate := finite(o.ArrivalRate); o.Valid && !math.IsNaN(rate) {
		s.sum += rate
		s.seen++
	}
}

// close ends the step with the mean of what was seen in it.
func (s *series) close() {
	y := math.NaN()
	if s.seen > 0 {
		y = s.sum / float64(s.seen)
	}
	s.sum, s.seen = 0, 0
	s.values = append(s.values, y)
	if s.model != nil {
		s.model.Observe(y)
	}
	if s.stepEnd >= s.fitAt || s.model == nil {
		s.fit(s.stepEnd)
	}
	s.stepEnd = s.stepEnd.Add(s.step)
}

// fit fits the model to the latest values.
func (s *series) fit(now vtime.Time) {
	s.values = slices.Clone(forecast.Recent(s.values, s.options.Season))
	m, err := s.method.Fit(s.values, s.options)
	if err != nil { // there is no value yet, the one fault of a finite series
		return
	}
	s.model = m
	again := s.refit
	if seasonal, ok := m.(forecast.Seasonal); ok && !seasonal.UsesSeason() {
		again = min(again, time.Hour)
	}
	s.fitAt = now.Add(again)
}

func (s *series) what(horizon time.Duration, q float64) string {
	return fmt.Sprintf("%v: p%.3g of the next %s", s.model, 100*q, horizon)
}

// highest returns the highest quantile forecast from now to now + horizon,
// false when there is no model yet. The step that is being filled is step 1. A
// forecast is a mean over its step: it stands for the step's centre, and the
// end of the horizon lies on the line between two of them.
func (s *series) highest(now vtime.Time, horizon time.Duration, q float64) (float64, bool) {
	if s.model == nil {
		return 0, false
	}
	firstCentre := s.stepEnd.Add(-s.step / 2)
	x := float64(now.Add(horizon).Sub(firstCentre)) / float64(s.step)
	top := s.model.Quantile(1, q)
	last := 1
	for ; float64(last) <= x; last++ {
		top = max(top, s.model.Quantile(last+1, q))
	}
	if part := x - float64(last-1); part > 0 {
		low, high := s.model.Quantile(last, q), s.model.Quantile(last+1, q)
		top = max(top, low+float64(part*(high-low)))
	}
	return top, true
}
