package gate

import (
	"fmt"
	"math"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// alpha is the error rate that a look may spend on the check.
func (o *Outcome) alpha(share float64) float64 { return (1 - o.check.Confidence) * share }

// estimate takes the figures and p values from the seeds' values and, for a
// change, those of the baseline on the same seeds.
func (o *Outcome) estimate(now, base []float64, share float64) error {
	q, limit, err := o.quotient(now, base)
	if err != nil {
		return err
	}
	o.Seeds = q.N()
	o.Confidence = 1 - o.alpha(share)
	o.Value, o.Baseline, o.Measured = known(stats.Mean(now)), nil, known(q.Value())
	if base != nil {
		o.Baseline = known(stats.Mean(base))
	}
	o.evidence, o.limit = q, limit
	above, below := q.Test(limit)
	o.PFail, o.PPass = above, below
	if o.bound.below() {
		o.PFail, o.PPass = below, above
	}
	y := q.Residuals(limit)
	beyond := 0
	for _, r := range y {
		if r != 0 {
			beyond++
		}
	}
	switch {
	case beyond == 0: // on the limit with every seed: that is allowed, and no chance is in it
		o.PFail, o.PPass = 1, math.Ldexp(1, -q.N())
	case o.limitIsExtreme(base): // nothing can make up for a seed beyond it
		o.PFail, o.PPass = 0, 1
	}
	return nil
}

// known is x, or nil where it is no number.
func known(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// quotient is what the check measures, and its limit in those terms.
func (o *Outcome) quotient(now, base []float64) (q *stats.Quotient, limit float64, err error) {
	b := o.bound
	limit = b.value
	if b.field == "maxDecrease" {
		limit = -limit
	}
	if !b.regression() {
		q, err = stats.NewMean(now)
		return q, limit, err
	}
	d := make([]float64, len(now))
	for i := range d {
		d[i] = now[i] - base[i]
	}
	if b.relative {
		q, err = stats.NewQuotient(d, base)
	} else {
		q, err = stats.NewMean(d)
	}
	return q, limit, err
}

// limitIsExtreme reports whether with every seed the limit is the best value
// that the metric can have: 0 where less is allowed, a ratio of 1 where more is.
// Then any seed beyond it decides, for no other can be on the better side.
func (o *Outcome) limitIsExtreme(base []float64) bool {
	b := o.bound
	best := 0.0
	if b.below() {
		if o.metric.Unit != "ratio" {
			return false
		}
		best = 1
	}
	if !b.regression() {
		return b.value == best
	}
	for _, x := range base {
		at := x + b.value
		switch {
		case b.relative && b.below():
			at = x * (1 - b.value)
		case b.relative:
			at = x * (1 + b.value)
		case b.below():
			at = x - b.value
		}
		if at != best {
			return false
		}
	}
	return true
}

// seedsNeeded estimates how many seeds would decide, from what was seen.
func (o *Outcome) seedsNeeded(tests int) int {
	y := o.evidence.Residuals(o.limit)
	mean, sd, level := stats.Mean(y), stats.StdDev(y), o.alpha(1)
	if failing := (mean > 0) != o.bound.below(); failing {
		level /= float64(tests)
	}
	if o.Seeds < max(stats.FewestSeeds(level), 2) {
		sd = 0 // too few to know how much chance there is: at least these
	}
	n, ok := stats.SeedsToDecide(mean, sd, level)
	switch {
	case mean == 0 && sd == 0:
		return max(stats.FewestSeeds(level), 2)
	case !ok:
		return 0
	}
	return max(n, o.Seeds+1)
}

// decide gives the verdict that the p values allow.
func (o *Outcome) decide(share float64) {
	alpha := o.alpha(share)
	switch {
	case o.PFail <= alpha:
		o.Verdict, o.decided = Fail, true
	case o.PPass <= alpha:
		o.Verdict, o.decided = Pass, true
	default:
		o.Verdict = Inconclusive
	}
}

// explain adds the bounds and the reason of the verdict; tests is the number of
// checks that share the blame of a false failure.
func (o *Outcome) explain(tests int) {
	if o.evidence == nil {
		return // it was decided without figures, or not looked at
	}
	low, high := o.evidence.Bounds(1 - o.Confidence)
	o.Low, o.High = known(low), known(high)
	switch o.Verdict {
	case Fail:
		o.Reason = o.failure()
	case Pass:
		o.Reason = ""
	default:
		o.SeedsNeeded = o.seedsNeeded(tests)
		o.Reason = o.doubt()
	}
}

// failure says why a check failed.
func (o *Outcome) failure() string {
	bound, least := o.Low, "at least"
	if o.bound.below() {
		bound, least = o.High, "at most"
	}
	if o.PFail == 0 || bound == nil {
		return fmt.Sprintf("%s; with the limit of %s every seed has to be within, and not all are", o.figure(), o.limitText())
	}
	return fmt.Sprintf("%s, %s %s with %s confidence; the limit is %s", o.figure(), least, o.measured(*bound), o.confidence(), o.limitText())
}

// doubt says why a check is inconclusive, and how many seeds would decide it.
func (o *Outcome) doubt() string {
	if n := max(stats.FewestSeeds(1-o.Confidence), 2); o.Seeds < n {
		return fmt.Sprintf("%s; %s cannot give a verdict with %s confidence: use at least %d", o.figure(), seedCount(o.Seeds), o.confidence(), n)
	}
	where := "near the limit, " + o.limitText()
	if o.Low != nil && o.High != nil {
		where = fmt.Sprintf("between %s and %s; the limit is %s", o.measured(*o.Low), o.measured(*o.High), o.limitText())
	}
	decide := "no number of seeds is in sight that would decide"
	if o.SeedsNeeded > 0 {
		decide = fmt.Sprintf("about %d seeds would decide", o.SeedsNeeded)
	}
	return fmt.Sprintf("%s, %s: %s cannot tell on which side it lies; %s", o.figure(), where, seedCount(o.Seeds), decide)
}

// limitText is the limit as written and, where that is of another number of
// requests than the metric, in the metric's terms.
func (o *Outcome) limitText() string {
	per := map[float64]string{1: "/req", 1e6: "/Mreq"}[perRequests(o.metric)]
	if o.bound.relative || per == "" || !strings.Contains(o.bound.text, "req") || strings.HasSuffix(o.bound.text, per) {
		return o.Limit
	}
	return o.Limit + " = " + o.bound.exact(o.Metric)
}

// figure is the value, and what it was.
func (o *Outcome) figure() string {
	if o.Value == nil {
		return "no figure"
	}
	text := report.Figure(o.metric, *o.Value, o.currency)
	if o.Baseline == nil {
		return text
	}
	text += ", was " + report.FigureBeside(o.metric, *o.Baseline, *o.Value, o.currency)
	if o.Measured != nil {
		text += ": " + o.measured(*o.Measured)
	}
	return text
}

// measured writes a number in terms of the limit.
func (o *Outcome) measured(x float64) string {
	switch {
	case o.bound.relative:
		return report.Change(x)
	case o.bound.regression():
		return report.Signed(o.metric, x, o.currency)
	}
	return report.Figure(o.metric, x, o.currency)
}

func (o *Outcome) confidence() string { return fmt.Sprintf("%.4g%%", 100*o.Confidence) }
