package workload

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// maxWindow bounds a curve: a year of steps is 250 MB.
const maxWindow = 366 * 24 * time.Hour

// CurveConfig says which rate a scenario makes of a trace.
type CurveConfig struct {
	Trace    *Trace        // nil for a constant rate
	Constant float64       // req/s, without a trace
	Start    time.Time     // of the window; the trace's start when zero
	Duration time.Duration // of the window, which lies within the trace
	Linear   bool          // through the bins' centres, instead of steps
	Peak     *float64      // req/s that the highest second reaches, events left out
	Factor   *float64      // or: what every rate is multiplied by
	Events   []Event
}

// Curve is the arrival rate over a scenario's window.
type Curve struct {
	Start    time.Time // of the window, in the trace's time zone
	Duration time.Duration
	Step     time.Duration
	Rates    []float64 // req/s, the exact mean over each step; the last may be cut short
	Scale    float64   // the trace's rates were multiplied by this

	// The shares of the window's time in which the trace has no figure, and
	// has an estimated one. Missing bins are bridged between their neighbours.
	MissingShare, EstimatedShare float64

	trace  *Trace // nil for a constant rate
	shape  *shape
	offset int64   // ns from the trace's start to the window's
	from   float64 // a rate of from becomes one of to
	to     float64
	events events
}

// NewCurve makes the curve of a window.
func NewCurve(cfg CurveConfig) (*Curve, error) {
	if cfg.Duration <= 0 || cfg.Duration > maxWindow {
		return nil, fmt.Errorf("window of %v: want more than 0 and at most %v", cfg.Duration, maxWindow)
	}
	c := &Curve{Start: cfg.Start, Duration: cfg.Duration, Step: time.Second, trace: cfg.Trace, events: cfg.Events}
	for _, e := range c.events {
		if err := e.validate(); err != nil {
			return nil, err
		}
	}
	if err := c.place(cfg); err != nil {
		return nil, err
	}
	c.Rates = make([]float64, (c.Duration+c.Step-1)/c.Step)
	for i := range c.Rates {
		a, b := c.step(i)
		c.Rates[i] = c.shape.mean(c.offset+a, c.offset+b)
	}
	if err := c.setScale(cfg.Peak, cfg.Factor); err != nil {
		return nil, err
	}
	for i, r := range c.Rates {
		if a, b := c.step(i); c.events.active(a, b) {
			r = c.events.mean(c.shape, c.offset, a, b)
		}
		c.Rates[i] = c.scaled(r)
	}
	return c, nil
}

// step returns the bounds of step i in ns since the window's start.
func (c *Curve) step(i int) (from, to int64) {
	from = int64(i) * int64(c.Step)
	return from, min(from+int64(c.Step), int64(c.Duration))
}

// place finds the window in the trace.
func (c *Curve) place(cfg CurveConfig) error {
	t := cfg.Trace
	if t == nil {
		if !(cfg.Constant >= 0) || cfg.Constant > maxRate {
			return fmt.Errorf("constant rate of %v req/s: want 0 to %g", cfg.Constant, maxRate)
		}
		c.shape = &shape{rates: []float64{cfg.Constant}, bin: int64(cfg.Duration)}
		return nil
	}
	if c.Start.IsZero() {
		c.Start = t.Start
	}
	c.Start = c.Start.In(t.Start.Location())
	if c.Start.Before(t.Start) || c.Start.Add(c.Duration).After(t.End()) {
		return fmt.Errorf("window %s + %v leaves trace %s, which spans %s to %s",
			c.Start.Format(time.RFC3339), c.Duration, t.Name, t.Start.Format(time.RFC3339), t.End().In(t.Start.Location()).Format(time.RFC3339))
	}
	c.offset = int64(c.Start.Sub(t.Start))
	var err error
	if c.shape, err = newShape(t, cfg.Linear); err != nil {
		return err
	}
	c.MissingShare = c.share(Missing, c.offset, c.offset+int64(c.Duration))
	c.EstimatedShare = c.share(Estimated, c.offset, c.offset+int64(c.Duration))
	return nil
}

// share returns the part of the time from a to b, in ns since the trace's
// start, that lies in bins of a kind.
func (c *Curve) share(k Kind, a, b int64) float64 {
	bin := int64(c.trace.Bin)
	var in int64
	for i := a / bin; i*bin < b; i++ {
		if c.trace.KindAt(int(i)) == k {
			in += min(b, (i+1)*bin) - max(a, i*bin)
		}
	}
	return float64(in) / float64(b-a)
}

func (c *Curve) setScale(peak, factor *float64) error {
	c.from, c.to = 1, 1
	switch {
	case peak != nil && factor != nil:
		return errors.New("scale: set peak or factor, not both")
	case peak != nil:
		c.from, c.to = slices.Max(c.Rates), *peak
		if c.from == 0 {
			return errors.New("scale to a peak: the rate is 0 all over the window")
		}
	case factor != nil:
		c.to = *factor
	}
	if !(c.to > 0) || c.to > maxRate {
		return fmt.Errorf("scale: %v is not a number above 0 and up to %g", c.to, maxRate)
	}
	c.Scale = c.to / c.from
	return nil
}

// scaled divides first, so that the highest rate becomes the peak exactly.
func (c *Curve) scaled(rate float64) float64 { return rate / c.from * c.to }

// Rate returns the rate in req/s at an instant, and 0 outside the window.
func (c *Curve) Rate(t vtime.Time) float64 {
	if t < 0 || t >= vtime.At(c.Duration) {
		return 0
	}
	return c.Rates[int64(t)/int64(c.Step)]
}

// Peak returns the highest rate of any step in req/s, events included.
func (c *Curve) Peak() float64 { return slices.Max(c.Rates) }

// Highest returns the highest rate of any step between two instants in req/s,
// events included, and 0 outside the window.
func (c *Curve) Highest(from, to vtime.Time) float64 {
	from, to = max(from, 0), min(to, vtime.At(c.Duration)-1)
	top := 0.0
	for i := int64(from) / int64(c.Step); i <= int64(to)/int64(c.Step) && from <= to; i++ {
		top = max(top, c.Rates[i])
	}
	return top
}

// Mean returns the mean rate over the window in req/s.
func (c *Curve) Mean() float64 {
	sum := 0.0
	for i, r := range c.Rates {
		a, b := c.step(i)
		sum += float64(r * float64(b-a))
	}
	return sum / float64(c.Duration)
}

// History returns the rates in req/s of the trace before the window, scaled as
// the window is, as means over steps that end where the window starts; the oldest
// first, at most span long, and only as far back as the trace goes. A step that lies
// in missing bins for more than half of its time is NaN. A constant rate has none.
func (c *Curve) History(step, span time.Duration) []float64 {
	if c.trace == nil || step <= 0 || span < step {
		return nil
	}
	n := min(int64(span), c.offset) / int64(step)
	rates := make([]float64, n)
	for i := range rates {
		a := c.offset - (n-int64(i))*int64(step)
		b := a + int64(step)
		if c.share(Missing, a, b) > 0.5 {
			rates[i] = math.NaN()
			continue
		}
		rates[i] = c.scaled(c.shape.mean(a, b))
	}
	return rates
}

// Recorded returns the requests of the window, in ns since its start, as the
// trace recorded them. It fails when the trace did not, or when scale or events
// ask for another rate than the recorded one.
func (c *Curve) Recorded() ([]int64, error) {
	switch {
	case c.trace == nil || c.trace.Arrivals == nil:
		return nil, errors.New("recorded arrivals need a trace that holds each request: a file with format Timestamps or AzureLLM")
	case c.from != c.to:
		return nil, errors.New("recorded arrivals cannot be scaled; drop scale, or choose another process")
	case len(c.events) > 0:
		return nil, errors.New("recorded arrivals cannot have events; drop them, or choose another process")
	}
	all := c.trace.Arrivals
	first, _ := slices.BinarySearch(all, c.offset)
	end, _ := slices.BinarySearch(all, c.offset+int64(c.Duration))
	window := make([]int64, end-first)
	for i, a := range all[first:end] {
		window[i] = a - c.offset
	}
	return window, nil
}
