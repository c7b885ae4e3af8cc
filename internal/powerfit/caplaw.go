package powerfit

import (
	"cmp"
	"math"
	"slices"
)

// CapPoint is a board held down by a power cap.
type CapPoint struct {
	// Ratio is what the cap leaves of the draw above the idle context:
	// (cap − context) / (uncapped draw − context). 1 does not hold it down.
	Ratio float64
	// Slowdown is the time of a batch over its uncapped time.
	Slowdown float64
}

// CapLaw fits the slowdown by ratio: the logarithm of the slowdown never rises
// with the ratio (isotonic regression of all points alike) and is 0 at ratio 1;
// between the knots it is linear. Points at a ratio above 1 count for nothing.
func CapLaw(points []CapPoint, knots []float64) []CapPoint {
	kept := slices.DeleteFunc(slices.Clone(points), func(p CapPoint) bool { return !(p.Ratio <= 1) })
	slices.SortStableFunc(kept, func(a, b CapPoint) int { return cmp.Compare(a.Ratio, b.Ratio) })
	ratio, speed := make([]float64, len(kept)), make([]float64, len(kept))
	for i, p := range kept {
		ratio[i], speed[i] = p.Ratio, -math.Log(p.Slowdown)
	}
	speed = Isotonic(speed, nil)
	x, y := centres(ratio, speed)
	x, y = append(x, 1), append(y, 0)
	out := make([]CapPoint, len(knots))
	for i, k := range knots {
		out[i] = CapPoint{k, math.Exp(max(0, -interpolate(x, y, k)))}
	}
	return out
}

// centres are the pooled blocks of an isotonic regression, each at the mean of
// its x, so that what lies between two of them is interpolated and not a step.
func centres(x, y []float64) (cx, cy []float64) {
	for from := 0; from < len(x); {
		to, sum := from, 0.0
		for to < len(x) && y[to] == y[from] {
			sum += x[to]
			to++
		}
		if c := sum / float64(to-from); c < 1 {
			cx, cy = append(cx, c), append(cy, y[from])
		}
		from = to
	}
	return cx, cy
}

// SlowdownAt interpolates a law at a ratio, linear in the logarithm; outside the
// knots it is flat.
func SlowdownAt(law []CapPoint, ratio float64) float64 {
	x, y := make([]float64, len(law)), make([]float64, len(law))
	for i, p := range law {
		x[i], y[i] = p.Ratio, math.Log(p.Slowdown)
	}
	return math.Exp(interpolate(x, y, ratio))
}
