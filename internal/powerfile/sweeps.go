package powerfile

import (
	"cmp"
	"math"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/powerfit"
	"github.com/kwatt-sim/kwatt/internal/powerprofile"
)

// sweeps turns the sweeps of a profile into laws, each against the same load
// with nothing held down: points of the chosen kernel at the full duty that say
// how long a launch took.
func (r *Readings) sweeps(s *powerprofile.Spec, busy []powerprofile.BusyPoint, full float64) {
	free := map[int]powerprofile.BusyPoint{}
	for _, b := range busy {
		if b.Duty == full && b.KernelTime != nil && b.Watts > r.Context.Watts {
			free[b.Batch] = b
		}
	}
	of := func(points []powerprofile.BusyPoint) []held {
		var out []held
		for _, p := range points {
			if f, ok := free[p.Batch]; ok && p.Kernel == r.Load && p.Duty == full && p.KernelTime != nil {
				out = append(out, held{p, f})
			}
		}
		return out
	}
	r.Caps = capLaw(of(s.CapSweep), r.Context.Watts)
	r.Clocks = clockLaw(of(s.ClockSweep), r.Context.Watts)
}

// held is a load with a limit, and without.
type held struct{ limited, free powerprofile.BusyPoint }

func (h held) slowdown() float64 {
	return max(1, h.limited.KernelTime.Seconds()/h.free.KernelTime.Seconds())
}

// capLaw is the slowdown at the ratios that were measured; nil without any.
func capLaw(sweep []held, context float64) []CapPoint {
	var points []powerfit.CapPoint
	var ratios []float64
	for _, h := range sweep {
		if h.limited.CapWatts == nil {
			continue
		}
		ratio := (*h.limited.CapWatts - context) / (h.free.Watts - context)
		if ratio > 0 && ratio < 1 {
			points = append(points, powerfit.CapPoint{Ratio: ratio, Slowdown: h.slowdown()})
			ratios = append(ratios, significant(ratio, 3))
		}
	}
	if len(points) == 0 {
		return nil
	}
	slices.Sort(ratios)
	u := sensorSpread
	var law []CapPoint
	for _, p := range powerfit.CapLaw(points, append(slices.Compact(ratios), 1)) {
		law = append(law, CapPoint{Ratio: p.Ratio, Slowdown: significant(p.Slowdown, 4), Origin: Origin{Uncertainty: &u}})
	}
	return law
}

// clockLaw is time and draw at the clocks that were measured, the board's own
// included; nil without any.
func clockLaw(sweep []held, context float64) []ClockPoint {
	type point struct{ mhz, slow, dynamic float64 }
	var points []point
	top := 0.0
	for _, h := range sweep {
		if h.limited.LockedClockMHz == nil {
			continue
		}
		points = append(points, point{*h.limited.LockedClockMHz, h.slowdown(), (h.limited.Watts - context) / (h.free.Watts - context)})
		if h.free.SMClockMHz != nil {
			top = max(top, *h.free.SMClockMHz)
		}
	}
	if len(points) == 0 {
		return nil
	}
	slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(a.mhz, b.mhz) })
	// Loads of several batches at one clock count as one.
	var merged []point
	n := 0.0
	for _, p := range points {
		if k := len(merged) - 1; k >= 0 && merged[k].mhz == p.mhz {
			n++
			merged[k].slow += (p.slow - merged[k].slow) / n
			merged[k].dynamic += (p.dynamic - merged[k].dynamic) / n
			continue
		}
		merged, n = append(merged, p), 1
	}
	if last := merged[len(merged)-1].mhz; top > last {
		merged = append(merged, point{top, 1, 1})
	}
	speed, dynamic := make([]float64, len(merged)), make([]float64, len(merged))
	for i, p := range merged {
		speed[i], dynamic[i] = -math.Log(p.slow), math.Log(min(max(p.dynamic, 0.01), 1))
	}
	speed, dynamic = powerfit.Isotonic(speed, nil), powerfit.Isotonic(dynamic, nil)
	u := sensorSpread
	var law []ClockPoint
	for i, p := range merged {
		law = append(law, ClockPoint{
			MHz: p.mhz, Slowdown: significant(math.Exp(-speed[i]), 4), Dynamic: significant(math.Exp(dynamic[i]), 4), Origin: Origin{Uncertainty: &u},
		})
	}
	return law
}
