package metrics

import "math/bits"

// The histogram's buckets: below 2^subBits ns one a nanosecond, above it
// 2^(subBits-1) equal ones for every doubling.
const (
	subBits    = 9
	maxBits    = 43 // 2^43 ns is 2 h 26 min; longer latencies count as that
	numBuckets = (maxBits-subBits)<<(subBits-1) + 1<<subBits
)

// Histogram counts latencies in nanoseconds in log-linear buckets, like
// HdrHistogram: a quantile is off by at most 1/512 (0.2 %) of its value.
// Recording is one increment; it allocates nothing.
type Histogram struct {
	counts [numBuckets]uint64
	n      uint64
	sum    uint64 // ns modulo 2^64, which is 585 years
	over   uint64 // how often the sum passed 2^64; only merging comes so far
}

// Bucket returns the index of the bucket of a latency of ns >= 0.
func bucket(ns int64) int {
	shift := bits.Len64(uint64(ns)) - subBits
	if shift <= 0 {
		return int(ns)
	}
	if shift > maxBits-subBits {
		return numBuckets - 1
	}
	return shift<<(subBits-1) + int(ns>>shift)
}

// bounds returns the bucket's range [low, high) in ns.
func bounds(i int) (low, high int64) {
	if i < 1<<subBits {
		return int64(i), int64(i) + 1
	}
	shift := i>>(subBits-1) - 1
	m := int64(i - shift<<(subBits-1))
	return m << shift, (m + 1) << shift
}

// Record counts one latency in nanoseconds; it must not be negative.
func (h *Histogram) Record(ns int64) {
	h.counts[bucket(ns)]++
	h.n++
	h.sum += uint64(ns)
}

// RecordSince counts the latencies from each start to end, in nanoseconds, and
// returns their sum.
func (h *Histogram) RecordSince(starts []int64, end int64) (sum int64) {
	for _, s := range starts {
		ns := end - s
		h.counts[bucket(ns)]++
		sum += ns
	}
	h.n += uint64(len(starts))
	h.sum += uint64(sum)
	return sum
}

// Add counts all of o's latencies too.
func (h *Histogram) Add(o *Histogram) {
	if o.n == 0 {
		return
	}
	for i, c := range o.counts {
		h.counts[i] += c
	}
	h.n += o.n
	sum, carry := bits.Add64(h.sum, o.sum, 0)
	h.sum, h.over = sum, h.over+o.over+carry
}

// Reset forgets everything.
func (h *Histogram) Reset() {
	if h.n > 0 {
		*h = Histogram{}
	}
}

// N returns how many latencies were recorded.
func (h *Histogram) N() uint64 { return h.n }

// MeanSeconds returns the mean in seconds, exact to rounding; ok is false when empty.
func (h *Histogram) MeanSeconds() (mean float64, ok bool) {
	if h.n == 0 {
		return 0, false
	}
	sum := float64(h.sum) + float64(float64(h.over)*0x1p64)
	return sum / float64(h.n) / 1e9, true
}

// QuantileSeconds returns the q-quantile, 0 < q < 1, in seconds: the middle of
// the bucket that holds the ⌈q·n⌉-th smallest latency. ok is false when empty.
func (h *Histogram) QuantileSeconds(q float64) (quantile float64, ok bool) {
	v, ok := h.QuantilesSeconds([]float64{q})
	return v[0], ok
}

// QuantilesSeconds returns several quantiles, asked for in ascending order,
// in one pass.
func (h *Histogram) QuantilesSeconds(qs []float64) (values []float64, ok bool) {
	values = make([]float64, len(qs))
	if h.n == 0 {
		return values, false
	}
	k, seen := 0, uint64(0)
	for i, c := range h.counts {
		if c == 0 {
			continue
		}
		seen += c
		for k < len(qs) && float64(seen) >= qs[k]*float64(h.n) {
			low, high := bounds(i)
			values[k] = (float64(low) + float64(high-1)) / 2 / 1e9
			k++
		}
		if k == len(qs) {
			break
		}
	}
	return values, true
}
