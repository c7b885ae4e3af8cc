package calibrate

import (
	"math"
	"time"
)

// Criterion is when a state counts as steady. Over the last Window, in means
// of one second: power has no trend, its mean is known well enough,
// temperature and SM clock have no trend. A trend is the least-squares slope
// times the window.
type Criterion struct {
	Window  time.Duration
	Timeout time.Duration // after which a state is measured all the same, and marked
	// PowerTrend is a part of the mean; at least 1 W is allowed.
	PowerTrend float64
	// PowerError is the standard error as a part of the mean; at least 0.5 W is allowed.
	PowerError float64
	// TemperatureTrend in °C. Temperatures are whole degrees: one step within the
	// window alone makes a trend of up to 1.5.
	TemperatureTrend float64
	ClockTrend       float64 // a part of the mean
}

// block is the span of one mean. It is longer than the sensors' own averaging
// and than many periods of a load, so the means are nearly independent.
const block = time.Second

// fewestBlocks is how many means a trend takes.
const fewestBlocks = 4

// met reports whether the rows, which end now, are steady; rows before the
// window are ignored.
func (c Criterion) met(rows []Row) bool {
	power := c.blocks(rows, func(r Row) Quantity { return r.Power.reading() })
	if len(power) < fewestBlocks {
		return false
	}
	mean := average(power)
	if math.Abs(trend(power)) > max(1, c.PowerTrend*mean) {
		return false
	}
	if deviation(power)/math.Sqrt(float64(len(power))) > max(0.5, c.PowerError*mean) {
		return false
	}
	celsius := c.blocks(rows, func(r Row) Quantity { return r.State.Celsius })
	if math.Abs(trend(celsius)) > c.TemperatureTrend {
		return false
	}
	clock := c.blocks(rows, func(r Row) Quantity { return r.State.SMClock })
	return math.Abs(trend(clock)) <= c.ClockTrend*average(clock)
}

// blocks returns the means of a series over each second of the window; a
// second without a sample has none.
func (c Criterion) blocks(rows []Row, of func(Row) Quantity) []float64 {
	if len(rows) == 0 {
		return nil
	}
	start := rows[len(rows)-1].At.Add(-c.Window)
	n := int(c.Window / block)
	sums, counts := make([]float64, n), make([]int, n)
	for _, r := range rows {
		q := of(r)
		i := int(r.At.Sub(start) / block)
		if r.At.Before(start) || !q.OK || n == 0 {
			continue
		}
		i = min(i, n-1) // the last sample lies on the window's edge
		sums[i] += q.V
		counts[i]++
	}
	var means []float64
	for i, sum := range sums {
		if counts[i] > 0 {
			means = append(means, sum/float64(counts[i]))
		}
	}
	return means
}

// average is 0 without values.
func average(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// deviation is the sample standard deviation, 0 of fewer than two values.
func deviation(values []float64) float64 {
	if len(values) < 2 {
		return 0
	}
	mean, sum := average(values), 0.0
	for _, v := range values {
		sum += float64((v - mean) * (v - mean))
	}
	return math.Sqrt(sum / float64(len(values)-1))
}

// trend is the least-squares slope of equidistant values times their number:
// how much they change over their whole span.
func trend(values []float64) float64 {
	n := float64(len(values))
	if n < 2 {
		return 0
	}
	middle, mean := (n-1)/2, average(values)
	sxy, sxx := 0.0, 0.0
	for i, v := range values {
		x := float64(i) - middle
		sxy += float64(x * (v - mean))
		sxx += float64(x * x)
	}
	return sxy / sxx * n
}
