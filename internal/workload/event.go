package workload

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Event is a flash sale: the rate ramps up to a multiple of the trace's rate,
// holds and decays. Events that overlap multiply each other.
type Event struct {
	At       time.Duration // start of the ramp, from the window's start
	Ramp     time.Duration // linear rise from 1 to Multiply; 0 is a jump
	Hold     time.Duration
	Decay    time.Duration // linear fall back to 1; 0 is a drop
	Multiply float64       // above 0; below 1 it is an outage
}

func (e Event) validate() error {
	for _, d := range []time.Duration{e.At, e.Ramp, e.Hold, e.Decay} {
		if d < 0 || d > maxWindow {
			return fmt.Errorf("event at %v: a time of %v is not between 0 and %v", e.At, d, maxWindow)
		}
	}
	if e.Ramp+e.Hold+e.Decay == 0 {
		return fmt.Errorf("event at %v lasts no time; set ramp, hold or decay", e.At)
	}
	if !(e.Multiply > 0) || math.IsInf(e.Multiply, 0) {
		return fmt.Errorf("event at %v: multiply is %v, want a number above 0", e.At, e.Multiply)
	}
	return nil
}

// knots returns the instants, in ns since the window's start, at which the
// event's course bends: the start and end of the ramp, of the hold, of the decay.
func (e Event) knots() [4]int64 {
	at, top := int64(e.At), int64(e.At+e.Ramp)
	return [4]int64{at, top, top + int64(e.Hold), top + int64(e.Hold) + int64(e.Decay)}
}

// factor returns the multiple at t ns since the window's start.
func (e Event) factor(t float64) float64 {
	k := e.knots()
	switch {
	case t < float64(k[0]) || t >= float64(k[3]):
		return 1
	case t < float64(k[1]):
		return 1 + float64((e.Multiply-1)*(t-float64(k[0]))/float64(e.Ramp))
	case t < float64(k[2]):
		return e.Multiply
	}
	return e.Multiply + float64((1-e.Multiply)*(t-float64(k[2]))/float64(e.Decay))
}

// events are the events of a window.
type events []Event

// active reports whether an event changes the rate between a and b, in ns since
// the window's start.
func (es events) active(a, b int64) bool {
	return slices.ContainsFunc(es, func(e Event) bool {
		k := e.knots()
		return k[0] < b && a < k[3]
	})
}

// next returns the first knot after t and before limit, or limit.
func (es events) next(t, limit int64) int64 {
	for _, e := range es {
		for _, k := range e.knots() {
			if k > t && k < limit {
				limit = k
			}
		}
	}
	return limit
}

// factor returns the product of all events at t ns since the window's start.
func (es events) factor(t float64) float64 {
	product := 1.0
	for _, e := range es {
		product *= e.factor(t)
	}
	return product
}

// Gauss–Legendre quadrature with three nodes on [0, 1] is exact up to degree 5:
// a linear rate under up to four overlapping ramps.
var (
	gaussNodes   = [3]float64{0.5 - math.Sqrt(0.15), 0.5, 0.5 + math.Sqrt(0.15)}
	gaussWeights = [3]float64{5.0 / 18, 8.0 / 18, 5.0 / 18}
)

// mean returns the mean of rate × factor from a to b, in ns since the window's
// start, which lies offset ns after the trace's.
func (es events) mean(s *shape, offset, a, b int64) float64 {
	sum := 0.0
	for t := a; t < b; {
		p := s.pieceAt(offset+t, offset+es.next(t, b))
		part := 0.0
		for i, node := range gaussNodes {
			part += float64(gaussWeights[i] * p.at(node) * es.factor(float64(t)+float64(node*p.length())))
		}
		sum += float64(part * p.length())
		t = p.to - offset
	}
	return sum / float64(b-a)
}
