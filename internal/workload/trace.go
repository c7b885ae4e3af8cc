// Package workload turns recorded request rates into arrivals: traces, the
// rate curve a scenario makes of one, and the processes that sample it.
package workload

import (
	"math"
	"time"
)

// Kind says what a bin of a trace is.
type Kind uint8

// The kinds of bins.
const (
	Published Kind = iota // a figure its source publishes, or counted from published rows
	Estimated             // derived from coarser published figures; never call it measured
	Missing               // a hole in the record: not zero, unknown
)

var kindNames = [...]string{"published", "estimated", "missing"}

// String returns the word that the kind column of a trace file holds.
func (k Kind) String() string { return kindNames[k] }

// Trace is a recorded request rate in equal bins.
type Trace struct {
	Name    string // "taobao-2017"
	Title   string // one line for people
	Source  string // where the figures come from, with version or commit
	License string
	Notes   []string      // what else a reader has to know, a line each
	Start   time.Time     // of the first bin, in the trace's own time zone
	Bin     time.Duration // width of a bin
	Rates   []float64     // req/s, mean over each bin; NaN where missing
	Kinds   []Kind        // as long as Rates; nil when no bin is estimated
	// Arrivals holds ns since Start, sorted, when the trace recorded each
	// request; nil otherwise.
	Arrivals []int64
}

// Duration returns the span of the trace.
func (t *Trace) Duration() time.Duration { return time.Duration(len(t.Rates)) * t.Bin }

// End returns the instant at which the last bin ends.
func (t *Trace) End() time.Time { return t.Start.Add(t.Duration()) }

// KindAt returns the kind of bin i.
func (t *Trace) KindAt(i int) Kind {
	if math.IsNaN(t.Rates[i]) {
		return Missing
	}
	if t.Kinds == nil {
		return Published
	}
	return t.Kinds[i]
}

// Gap is a run of missing bins, from From up to but not including To.
type Gap struct{ From, To int }

// Gaps returns the runs of missing bins, in order.
func (t *Trace) Gaps() []Gap {
	var gaps []Gap
	for i, r := range t.Rates {
		if !math.IsNaN(r) {
			continue
		}
		if n := len(gaps); n > 0 && gaps[n-1].To == i {
			gaps[n-1].To++
		} else {
			gaps = append(gaps, Gap{From: i, To: i + 1})
		}
	}
	return gaps
}

// Summary is a trace in a few figures.
type Summary struct {
	Requests      float64   // over all bins that are not missing
	Mean, Peak    float64   // req/s; the mean is over the bins that are not missing
	PeakAt        time.Time // start of the highest bin, the first if several are
	Published     int       // bins
	Estimated     int       // bins
	Missing       int       // bins
	ZeroPublished int       // published bins in which nothing arrived
}

// Summary returns the trace's figures.
func (t *Trace) Summary() Summary {
	s := Summary{Peak: math.Inf(-1), PeakAt: t.Start}
	sum := 0.0
	for i, r := range t.Rates {
		switch t.KindAt(i) {
		case Missing:
			s.Missing++
			continue
		case Estimated:
			s.Estimated++
		case Published:
			s.Published++
			if r == 0 {
				s.ZeroPublished++
			}
		}
		sum += r
		if r > s.Peak {
			s.Peak, s.PeakAt = r, t.Start.Add(time.Duration(i)*t.Bin)
		}
	}
	known := s.Published + s.Estimated
	if known == 0 {
		s.Peak = math.NaN()
	}
	s.Mean = sum / float64(known)
	s.Requests = sum * t.Bin.Seconds()
	return s
}
