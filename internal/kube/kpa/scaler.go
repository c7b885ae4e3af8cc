package kpa

import (
	"fmt"
	"math"
	"time"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// tick is the autoscaler's.
const tick = 2 * time.Second

// reading is what the metric was at a tick.
type reading struct {
	at    vtime.Time
	value float64
}

type scaler struct {
	settings settings
	readings []reading // of the stable window
	started  bool
	panicAt  vtime.Time // vtime.Forever while calm
	panicMax int32      // the most asked for in this panic
	delay    capacity.Delay
	idle     vtime.Time // since when 0 is asked for; vtime.Forever while more is
}

func newScaler(c *Config, _ policies.Model) (*scaler, error) {
	s, problems := c.read()
	if len(problems) > 0 {
		return nil, fmt.Errorf("knative: %s: %s", problems[0].Path, problems[0].Message)
	}
	return &scaler{settings: s, panicAt: vtime.Forever, idle: vtime.Forever, delay: capacity.Delay{Length: s.delay}}, nil
}

// Interval is the autoscaler's tick.
func (s *scaler) Interval() time.Duration { return tick }

// Decide implements policies.Scaler.
func (s *scaler) Decide(o policies.Observation) policies.Decision {
	if !s.started {
		// It starts in panic where several pods run, so as not to scale down before
		// there is enough history.
		s.started = true
		if o.Ready > 1 {
			s.panicAt, s.panicMax = o.Now, int32(o.Ready)
		}
	}
	if !o.Valid {
		n := int32(o.Desired)
		if s.settings.initial > 0 {
			n = s.settings.initial
		}
		n = s.bounded(n)
		return policies.Decision{Replicas: int(n), Wanted: int(n), Reason: "no data to scale on yet"}
	}
	stable, short := s.averages(o.Now, s.value(o))
	want, panicking := s.scale(o, stable, short)
	n, reason, message := s.toZero(o.Now, s.bounded(want), int32(o.Desired))
	what, mode := "concurrency", "stable"
	if s.settings.rps {
		what = "req/s"
	}
	if panicking {
		mode = "panic"
	}
	d := policies.Decision{Replicas: int(n), Wanted: int(want),
		Reason: fmt.Sprintf("%s: %s %.4g over %v and %.4g over %v, %.4g a pod asked for: %d", mode, what, stable, s.settings.stable, short, s.settings.panicking, s.settings.target, n)}
	if n != want {
		d.Clamps = []decisions.Clamp{{Reason: reason, From: int(want), To: int(n), Message: message}}
	}
	return d
}

// value is the metric of the whole revision. With no pod the activator holds the
// requests and asks for one.
func (s *scaler) value(o policies.Observation) float64 {
	v := o.ArrivalRate
	if !s.settings.rps {
		v = 0
		for _, p := range o.Pods {
			if p.HasMetrics {
				v += p.Metrics.InFlight
			}
		}
	}
	if o.Desired == 0 && o.ArrivalRate > 0 {
		v = max(v, s.settings.target)
	}
	return v
}

// averages takes a reading in and returns the means over the two windows.
func (s *scaler) averages(now vtime.Time, value float64) (stable, short float64) {
	s.readings = append(s.readings, reading{now, value})
	for now.Sub(s.readings[0].at) >= s.settings.stable {
		s.readings = s.readings[1:]
	}
	sum, n := 0.0, 0
	for i := len(s.readings) - 1; i >= 0; i-- {
		sum += s.readings[i].value
		n++
		if now.Sub(s.readings[i].at) < s.settings.panicking {
			short = sum / float64(n)
		}
	}
	return sum / float64(n), short
}

// scale is Scale of Knative's autoscaler.
func (s *scaler) scale(o policies.Observation, stableValue, panicValue float64) (want int32, panicking bool) {
	c := &s.settings
	ready := math.Max(1, float64(o.Ready))
	most, least := math.Ceil(c.upRate*ready), math.Floor(ready/c.downRate)
	forStable, forPanic := math.Ceil(stableValue/c.target), math.Ceil(panicValue/c.target)
	stable := int32(math.Min(math.Max(forStable, least), most))
	short := int32(math.Min(math.Max(forPanic, least), most))
	if forStable > 0 {
		stable = max(stable, c.activate)
	}
	if forPanic > 0 {
		short = max(short, c.activate)
	}
	over := forPanic/ready >= c.panicThreshold
	switch {
	case over:
		s.panicAt = o.Now
	case s.panicAt != vtime.Forever && s.panicAt.Add(c.stable) < o.Now:
		s.panicAt, s.panicMax = vtime.Forever, 0
	}
	want, panicking = stable, s.panicAt != vtime.Forever
	if panicking { // nothing is scaled down
		s.panicMax = max(s.panicMax, stable, short)
		want = s.panicMax
	}
	if c.delay > 0 {
		want = int32(s.delay.Highest(o.Now, int(want)))
	}
	return want, panicking
}

// bounded applies min-scale and max-scale.
func (s *scaler) bounded(n int32) int32 {
	n = max(n, s.settings.min)
	if s.settings.max > 0 {
		n = min(n, s.settings.max)
	}
	return n
}

// toZero keeps the last pod for the grace period, or the retention if that is
// longer, or altogether where scaling to zero is off.
func (s *scaler) toZero(now vtime.Time, want, current int32) (n int32, reason, message string) {
	if want > 0 || current == 0 {
		s.idle = vtime.Forever
		return want, "ScaleBounds", "min-scale or max-scale"
	}
	if s.idle == vtime.Forever {
		s.idle = now
	}
	if s.settings.toZero && now.Sub(s.idle) >= max(s.settings.grace, s.settings.retention) {
		return 0, "", ""
	}
	return 1, "ScaleToZero", "the last pod is kept for the grace period"
}
