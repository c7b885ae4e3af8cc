package workload

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Process says how requests are sampled from a rate.
type Process struct {
	Name string  // "Poisson", "Gamma", "Deterministic" or "Recorded"
	CV   float64 // of a Gamma process's gaps
}

// Arrivals yields the instants at which requests arrive, in order. It draws
// from its own stream and never looks at the system, so every policy that runs
// with one seed meets the same customers.
type Arrivals struct {
	// A renewal process in operational time: the gaps have mean 1, and real
	// time passes at rate λ(t), piecewise constant over the curve's steps.
	curve *Curve
	fill  func([]float64)
	gaps  []float64 // drawn and not yet used
	buf   [512]float64
	gap   float64 // what is left of the gap to the next arrival
	step  int     // index into curve.Rates
	at    float64 // ns into the step

	recorded []int64 // or: the instants still to come
}

// NewArrivals returns the arrivals of a process whose rate is curve.
func NewArrivals(curve *Curve, p Process, stream *rng.Stream) (*Arrivals, error) {
	a := &Arrivals{curve: curve}
	switch p.Name {
	case "Poisson":
		a.fill = stream.FillExp
	case "Gamma":
		if p.CV <= 0 {
			return nil, fmt.Errorf("gamma arrivals need a coefficient of variation above 0, got %v", p.CV)
		}
		shape := 1 / (p.CV * p.CV)
		law := distuv.Gamma{Alpha: shape, Beta: shape, Src: rand.New(stream)}
		a.fill = func(dst []float64) {
			for i := range dst {
				dst[i] = law.Rand()
			}
		}
	case "Deterministic":
		a.fill = func(dst []float64) {
			for i := range dst {
				dst[i] = 1
			}
		}
	case "Recorded":
		var err error
		if a.recorded, err = curve.Recorded(); err != nil {
			return nil, err
		}
		return a, nil
	default:
		return nil, fmt.Errorf("unknown arrival process %q", p.Name)
	}
	a.gap = a.draw()
	return a, nil
}

func (a *Arrivals) draw() float64 {
	if len(a.gaps) == 0 {
		a.gaps = a.buf[:]
		a.fill(a.gaps)
	}
	g := a.gaps[0]
	a.gaps = a.gaps[1:]
	return g
}

// Fill writes the next arrivals before until into dst, in ns since the window's
// start, and returns how many. Fewer than len(dst) means there are no more
// before until. How calls cut the time does not change the arrivals.
func (a *Arrivals) Fill(dst []int64, until vtime.Time) int {
	if a.curve.Rates == nil || a.fill == nil {
		return a.fillRecorded(dst, until)
	}
	n := 0
	stepNs := float64(a.curve.Step)
	gap, gaps := a.gap, a.gaps
	for a.step < len(a.curve.Rates) {
		start := int64(a.step) * int64(a.curve.Step)
		if start >= int64(until) {
			break
		}
		rate := a.curve.Rates[a.step] / 1e9 // per ns
		limit := stepNs
		if left := float64(int64(until) - start); left < limit {
			limit = left
		}
		at := a.at
		if rate > 0 {
			perGap := 1 / rate
			for {
				next := at + float64(gap*perGap)
				if next >= limit {
					break
				}
				if n == len(dst) {
					a.gap, a.gaps, a.at = gap, gaps, at
					return n
				}
				at = next
				dst[n] = start + int64(at)
				n++
				if len(gaps) == 0 {
					gaps = a.buf[:]
					a.fill(gaps)
				}
				gap = gaps[0]
				gaps = gaps[1:]
			}
		}
		if limit < stepNs {
			a.at = at
			break // the rest of the step comes with a later call
		}
		gap -= float64((stepNs - at) * rate)
		a.step++
		a.at = 0
	}
	a.gap, a.gaps = gap, gaps
	return n
}

func (a *Arrivals) fillRecorded(dst []int64, until vtime.Time) int {
	n := 0
	for n < len(dst) && n < len(a.recorded) && a.recorded[n] < int64(until) {
		dst[n] = a.recorded[n]
		n++
	}
	a.recorded = a.recorded[n:]
	return n
}
