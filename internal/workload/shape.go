package workload

import (
	"fmt"
	"math"
)

// shape is a trace's rate as a function of time, in req/s by ns since the
// trace's start. It is linear in pieces: between the centres of neighbouring
// bins, and flat before the first and after the last; or, as steps, flat in
// each bin.
type shape struct {
	rates  []float64 // missing bins bridged
	bin    int64     // ns
	linear bool
}

func newShape(t *Trace, linear bool) (*shape, error) {
	rates, err := bridge(t.Rates)
	if err != nil {
		return nil, fmt.Errorf("trace %s: %w", t.Name, err)
	}
	return &shape{rates: rates, bin: int64(t.Bin), linear: linear}, nil
}

// bridge fills missing bins on the line between their known neighbours, and
// with the nearest known bin at the ends.
func bridge(rates []float64) ([]float64, error) {
	filled := make([]float64, len(rates))
	last := -1 // the last known bin
	for i, r := range rates {
		if math.IsNaN(r) {
			continue
		}
		filled[i] = r
		for j := last + 1; j < i; j++ {
			if last < 0 {
				filled[j] = r
				continue
			}
			share := float64(j-last) / float64(i-last)
			filled[j] = filled[last] + float64(share*(r-filled[last]))
		}
		last = i
	}
	if last < 0 {
		return nil, fmt.Errorf("no bin has a rate")
	}
	for j := last + 1; j < len(rates); j++ {
		filled[j] = filled[last]
	}
	return filled, nil
}

// piece is a stretch of a shape on which it is linear.
type piece struct {
	from, to   int64 // ns since the trace's start
	start, end float64
}

// length in ns.
func (p piece) length() float64 { return float64(p.to - p.from) }

// at returns the rate where share of the piece, 0 to 1, has passed.
func (p piece) at(share float64) float64 { return p.start + float64(share*(p.end-p.start)) }

// pieceAt returns the piece from instant t up to limit or to the next knot,
// whichever comes first.
func (s *shape) pieceAt(t, limit int64) piece {
	if !s.linear {
		k := t / s.bin
		r := s.rate(k)
		return piece{t, min(limit, (k+1)*s.bin), r, r}
	}
	half := s.bin / 2
	k := floorTo(t-half, s.bin) / s.bin // the bin whose centre is at or before t
	centre := k*s.bin + half
	whole := piece{centre, centre + s.bin, s.rate(k), s.rate(k + 1)}
	to := min(limit, whole.to)
	return piece{t, to,
		whole.at(float64(t-centre) / float64(s.bin)),
		whole.at(float64(to-centre) / float64(s.bin))}
}

// rate of bin k, where the first and the last bin go on beyond the ends.
func (s *shape) rate(k int64) float64 {
	return s.rates[max(0, min(k, int64(len(s.rates)-1)))]
}

// mean returns the exact mean rate from a to b, in ns since the trace's start.
func (s *shape) mean(a, b int64) float64 {
	p := s.pieceAt(a, b)
	if p.to == b {
		return (p.start + p.end) / 2
	}
	sum := 0.0
	for {
		sum += float64((p.start + p.end) / 2 * p.length())
		if p.to == b {
			return sum / float64(b-a)
		}
		p = s.pieceAt(p.to, b)
	}
}
