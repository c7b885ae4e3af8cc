package powerfit

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Point is one reading of a busy GPU.
type Point struct {
	Batch float64 // requests in a batch, at least 1; a mean need not be whole
	Watts float64
	SE    float64 // standard error of Watts, W; 0 when nobody stated one
}

// Data is what a curve is fitted to.
type Data struct {
	Points []Point
	// Context is the draw in W with a model loaded and no kernel running; 0 when
	// it was not measured. The curves that other tools use start from it.
	Context float64
}

// sensorFloor bounds from below, as a part of the median watts, the error that
// a reading is given: no sensor agrees with its neighbour better than that, and
// one point with a tiny stated error would otherwise rule the fit.
const sensorFloor = 0.005

// sample is all readings at one batch.
type sample struct {
	batch float64
	x     float64 // log2 of the batch
	y     float64 // W, weighted mean
	w     float64 // 1/W²
}

// samples checks the data and merges readings of one batch, by ascending batch.
func (d Data) samples() ([]sample, error) {
	if len(d.Points) == 0 {
		return nil, errors.New("no readings of a busy GPU: want at least one batch with its watts")
	}
	var watts []float64
	for i, p := range d.Points {
		switch {
		case !(p.Batch >= 1) || math.IsInf(p.Batch, 0):
			return nil, fmt.Errorf("reading %d: batch %g: want a number of at least 1", i+1, p.Batch)
		case !(p.Watts > 0) || math.IsInf(p.Watts, 0):
			return nil, fmt.Errorf("reading %d: %g W at batch %g: want more than 0", i+1, p.Watts, p.Batch)
		case !(p.SE >= 0) || math.IsInf(p.SE, 0):
			return nil, fmt.Errorf("reading %d: standard error %g W at batch %g: want at least 0", i+1, p.SE, p.Batch)
		}
		watts = append(watts, p.Watts)
	}
	slices.Sort(watts)
	floor := sensorFloor * watts[len(watts)/2]
	points := slices.Clone(d.Points)
	slices.SortStableFunc(points, func(a, b Point) int { return cmp.Compare(a.Batch, b.Batch) })
	var out []sample
	for _, p := range points {
		w := 1 / (float64(p.SE*p.SE) + float64(floor*floor))
		if n := len(out); n > 0 && out[n-1].batch == p.Batch {
			s := &out[n-1]
			s.y += (p.Watts - s.y) * w / (s.w + w)
			s.w += w
			continue
		}
		out = append(out, sample{batch: p.Batch, x: math.Log2(p.Batch), y: p.Watts, w: w})
	}
	return out, nil
}

// without returns the samples but those that drop names.
func without(all []sample, drop func(i int) bool) []sample {
	var kept []sample
	for i, s := range all {
		if !drop(i) {
			kept = append(kept, s)
		}
	}
	return kept
}
