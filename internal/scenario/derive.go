package scenario

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/units"
)

// Target returns the latency target and its quantile; ok is false when the
// service promises none.
func (l *LatencySLO) Target() (target time.Duration, quantile float64, ok bool) {
	if l == nil {
		return 0, 0, false
	}
	for _, x := range []struct {
		d *units.Duration
		q float64
	}{{l.P50, 0.5}, {l.P90, 0.9}, {l.P95, 0.95}, {l.P99, 0.99}} {
		if x.d != nil {
			return x.d.D(), x.q, true
		}
	}
	return 0, 0, false
}

// Law returns the distribution of batch times around their mean: the inline
// one, or LogNormal for a profile with noise.
func (m *Model) Law() string {
	switch {
	case m.ServiceTime != nil:
		return m.ServiceTime.Distribution
	case m.Noise > 0:
		return "LogNormal"
	}
	return "Deterministic"
}

// MeanSeconds returns the mean time in seconds of a batch of b: constant,
// α + β·b, or linear between the table's points. Below the table's first point
// it is the first, beyond the last it continues the last segment.
func (s *ServiceTime) MeanSeconds(b int) float64 {
	switch {
	case s.Mean != nil:
		return s.Mean.Seconds()
	case len(s.Batches) == 0:
		t := 0.0
		if s.Base != nil {
			t = s.Base.Seconds()
		}
		if s.PerItem != nil {
			t += float64(float64(b) * s.PerItem.Seconds())
		}
		return t
	}
	first := s.Batches[0]
	if b <= first.Batch || len(s.Batches) == 1 {
		return first.Time.Seconds()
	}
	i := 1
	for i < len(s.Batches)-1 && s.Batches[i].Batch < b {
		i++
	}
	lo, hi := s.Batches[i-1], s.Batches[i]
	part := float64(b-lo.Batch) / float64(hi.Batch-lo.Batch)
	return lo.Time.Seconds() + float64(part*(hi.Time.Seconds()-lo.Time.Seconds()))
}
