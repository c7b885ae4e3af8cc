package workload

import (
	"fmt"
	"math"

	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Split deals one stream of arrivals out to several consumers. Each request
// takes one random number, whatever the shares are, so under every policy the
// same customers arrive and carry the same number; the shares alone say to whom
// a number leads. Poisson arrivals that are dealt so are independent Poisson
// processes of the consumers' parts of the rate.
//
// The consumers advance in lockstep: shares change only when all have read what
// comes before that instant.
type Split struct {
	source  *Arrivals
	stream  *rng.Stream
	upTo    []float64 // cumulative shares, the last 1
	waiting []lane    // by consumer
	read    vtime.Time
	dealt   int64
	buf     [512]int64
}

// lane is what has been dealt to a consumer; what stands before head it has read.
type lane struct {
	arrivals []int64
	head     int
}

// NewSplit returns the split of source over n consumers, in equal shares until
// SetShares is called; stream decides who gets which request.
func NewSplit(source *Arrivals, n int, stream *rng.Stream) *Split {
	s := &Split{source: source, stream: stream, waiting: make([]lane, n), upTo: make([]float64, n)}
	for i := range s.upTo {
		s.upTo[i] = float64(i+1) / float64(n)
	}
	return s
}

// SetShares sets what part of the requests from now on each consumer gets; the
// shares are in proportion to weights, which must not be negative nor all zero.
func (s *Split) SetShares(weights []float64) error {
	if len(weights) != len(s.upTo) {
		return fmt.Errorf("%d shares for %d consumers", len(weights), len(s.upTo))
	}
	sum := 0.0
	for _, w := range weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("a share of %v", w)
		}
		sum += w
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return fmt.Errorf("shares that add up to %v", sum)
	}
	below, last := 0.0, 0
	for i, w := range weights {
		below += w
		s.upTo[i] = below / sum
		if w > 0 {
			last = i
		}
	}
	for i := last; i < len(s.upTo); i++ {
		s.upTo[i] = 1 // what rounding leaves belongs to the last who gets anything
	}
	return nil
}

// Dealt returns how many requests have been dealt out.
func (s *Split) Dealt() int64 { return s.dealt }

// Part returns what consumer i reads.
func (s *Split) Part(i int) *Part { return &Part{s, i} }

// Part is one consumer's arrivals.
type Part struct {
	split *Split
	index int
}

// Fill writes the consumer's next arrivals before until into dst; see
// Arrivals.Fill.
func (p *Part) Fill(dst []int64, until vtime.Time) int {
	s, n := p.split, 0
	for mine := &s.waiting[p.index]; ; s.deal(until) {
		for mine.head < len(mine.arrivals) && n < len(dst) && mine.arrivals[mine.head] < int64(until) {
			dst[n] = mine.arrivals[mine.head]
			mine.head++
			n++
		}
		if mine.head == len(mine.arrivals) {
			mine.arrivals, mine.head = mine.arrivals[:0], 0
		}
		if n == len(dst) || len(mine.arrivals) > 0 || s.read >= until {
			return n
		}
	}
}

// deal reads on in the source, but not beyond until.
func (s *Split) deal(until vtime.Time) {
	n := s.source.Fill(s.buf[:], until)
	for _, t := range s.buf[:n] {
		i := 0
		for u := s.stream.Float64(); i < len(s.upTo)-1 && u >= s.upTo[i]; i++ {
		}
		s.waiting[i].arrivals = append(s.waiting[i].arrivals, t)
	}
	s.dealt += int64(n)
	if n < len(s.buf) {
		s.read = until
	}
}
