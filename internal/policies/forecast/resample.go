package forecast

import (
	"math"
	"time"
)

// resample turns a history of means over from into means over to. Both end at
// the same instant; the oldest part that does not fill a step is left out. A
// step takes the mean of the values that begin in it, or, between values
// further apart, lies on the line through their centres, held at the ends. A
// step without a value, or beside a missing one, is missing.
func resample(history []float64, from, to time.Duration) []float64 {
	if len(history) == 0 || from <= 0 {
		return nil
	}
	if from == to {
		return history
	}
	length := time.Duration(len(history)) * from
	out := make([]float64, length/to)
	for j := range out {
		// Offsets count back from the end, where both series meet.
		end := time.Duration(len(out)-1-j) * to
		if from > to {
			out[j] = between(history, float64(length-end-to/2)/float64(from)-0.5)
		} else {
			out[j] = meanOf(history, length-end-to, length-end, from)
		}
	}
	return out
}

// between reads v at the position x, in values from the centre of the first.
func between(v []float64, x float64) float64 {
	x = min(max(x, 0), float64(len(v)-1))
	i := min(int(x), len(v)-1)
	part := x - float64(i)
	if part == 0 {
		return v[i]
	}
	return float64(v[i]*(1-part)) + float64(v[i+1]*part)
}

// meanOf is the mean of the known values that begin in [start, end).
func meanOf(v []float64, start, end, step time.Duration) float64 {
	sum, n := 0.0, 0
	for i := int((start + step - 1) / step); i < len(v) && time.Duration(i)*step < end; i++ {
		if !math.IsNaN(v[i]) {
			sum += v[i]
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}
