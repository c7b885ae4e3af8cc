package report

import "math"

// downsample thins columns over a common grid x to at most limit points; NaN
// marks a gap. Each bucket of neighbouring points keeps its smallest and its
// largest value, in the order in which they came, so that no peak is lost: a
// reader judges a fleet by them. All columns keep the same grid, so that one
// moment can be read across them. With limit points or fewer nothing changes.
func downsample(x []float64, columns [][]float64, limit int) ([]float64, [][]float64) {
	if len(x) <= limit || limit < 2 {
		return x, columns
	}
	buckets := limit / 2
	grid := make([]float64, 0, 2*buckets)
	for b := range buckets {
		from, to := bucket(b, buckets, len(x))
		grid = append(grid, x[from], x[to-1])
	}
	out := make([][]float64, len(columns))
	for i, column := range columns {
		out[i] = make([]float64, 0, 2*buckets)
		for b := range buckets {
			from, to := bucket(b, buckets, len(x))
			first, second := extremes(column[from:to])
			out[i] = append(out[i], first, second)
		}
	}
	return grid, out
}

// thinMeans thins columns to at most limit points, each the mean of a bucket of
// neighbours and at the bucket's end: unlike peaks, means of parts add up to the
// mean of the whole. A bucket with a gap is a gap.
func thinMeans(x []float64, columns [][]float64, limit int) ([]float64, [][]float64) {
	if len(x) <= limit || limit < 1 {
		return x, columns
	}
	grid, out := make([]float64, limit), make([][]float64, len(columns))
	for b := range limit {
		_, to := bucket(b, limit, len(x))
		grid[b] = x[to-1]
	}
	for i, column := range columns {
		out[i] = make([]float64, limit)
		for b := range limit {
			from, to := bucket(b, limit, len(x))
			for _, v := range column[from:to] {
				out[i][b] += v / float64(to-from)
			}
		}
	}
	return grid, out
}

// pile adds to each column those after it, in place.
func pile(columns [][]float64) {
	for i := len(columns) - 2; i >= 0; i-- {
		for k := range columns[i] {
			columns[i][k] += columns[i+1][k]
		}
	}
}

// bucket is the half-open range of points in bucket b; it holds at least two
// when there are at least twice as many points as buckets.
func bucket(b, buckets, points int) (from, to int) {
	return b * points / buckets, (b + 1) * points / buckets
}

// extremes returns the smallest and the largest value in the order in which
// they occur, or twice NaN when there is none.
func extremes(values []float64) (first, second float64) {
	low, high := -1, -1
	for i, v := range values {
		if math.IsNaN(v) {
			continue
		}
		if low < 0 || v < values[low] {
			low = i
		}
		if high < 0 || v > values[high] {
			high = i
		}
	}
	if low < 0 {
		return math.NaN(), math.NaN()
	}
	return values[min(low, high)], values[max(low, high)]
}
