package lstm

import "math"

// lossLevels are the quantiles that the outputs are trained for: the median and
// the ends of the spread below and above.
var lossLevels = [3]float64{0.1, 0.5, 0.9}

// pinball is the loss of quantile q at y when y came: q(y - f) above it and
// (1-q)(f - y) below; slope is its derivative by f.
func pinball(f, y, q float64) (loss, slope float64) {
	if y >= f {
		return q * (y - f), -q
	}
	return (1 - q) * (f - y), 1 - q
}

// lossOf adds up the pinball losses of a step's outputs over all horizons whose
// target is known, each with its horizon's weight, and writes their derivatives to d.
func lossOf(out, target []float64, weight *[Ahead]float64, d []float64) (loss float64, n int) {
	clear(d)
	for h := 1; h <= Ahead; h++ {
		y := target[h-1]
		if math.IsNaN(y) {
			continue
		}
		middle, down, up := heads(out, h)
		low, dLow := pinball(middle-down, y, lossLevels[0])
		mid, dMid := pinball(middle, y, lossLevels[1])
		high, dHigh := pinball(middle+up, y, lossLevels[2])
		scale := weight[h-1]
		loss += float64(scale * (low + mid + high))
		n += 3
		o := 3 * (h - 1)
		d[o] = scale * (dLow + dMid + dHigh)
		d[o+1] = -scale * dLow * logistic(out[o+1])
		d[o+2] = scale * dHigh * logistic(out[o+2])
	}
	return loss, n
}
