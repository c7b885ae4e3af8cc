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

// Trace is a recorded request rate in equal bins.
type Trace struct {
	Name    string // "taobao-2017"
	Title   string // one line for people
	Source  string // where the figures come from, with version or commit
	License string
	Start   time.Time     // of the first bin, in the trace's own time zone
	Bin     time.Duration // width of a bin
	Rates   []float64     // req/s, mean over each bin; NaN where missing
	Kinds   []Kind        // as long as Rates; nil when all bins are published
	// Arrivals holds ns since Start, sorted, when the trace recorded each
	// request; nil otherwise.
	Arrivals []int64
}

// Duration returns the span of the trace.
func (t *Trace) Duration() time.Duration { return time.Duration(len(t.Rates)) * t.Bin }

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
