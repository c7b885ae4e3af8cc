package study

import (
	"fmt"
	"math"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/stats"
	"github.com/kwatt-sim/kwatt/internal/sweep"
)

// Report is a plan with all its runs.
type Report struct {
	*Plan
	Runs map[sweep.Unit]*results.Run
}

// values are a metric of a configuration, by seed.
func (r *Report) values(configuration int, metric string) ([]float64, error) {
	p := r.Sweep
	out := make([]float64, 0, len(p.Seeds))
	for _, seed := range p.Seeds {
		run := r.Runs[sweep.Unit{Point: r.Configurations[configuration].Point, Policy: p.Policies[0], Seed: seed}]
		if run == nil {
			return nil, fmt.Errorf("%s with seed %d was not run", r.Configurations[configuration].Name, seed)
		}
		x, ok := run.Metrics[metric]
		if !ok {
			return nil, fmt.Errorf("%s with seed %d has no %s", r.Configurations[configuration].Name, seed, metric)
		}
		out = append(out, results.Round(x))
	}
	return out, nil
}

// Estimate is the mean of a metric over the seeds with Student's 95 % interval.
func (r *Report) Estimate(configuration int, metric string) (results.Estimate, error) {
	values, err := r.values(configuration, metric)
	if err != nil {
		return results.Estimate{}, err
	}
	return interval(values)
}

func interval(values []float64) (results.Estimate, error) {
	in, err := stats.TInterval(values, 0.95)
	if err != nil {
		return results.Estimate{}, err
	}
	return results.Estimate{Mean: in.Mean, CILow: in.Low, CIHigh: in.High, N: in.N}, nil
}

// Change is the relative change of a metric from one configuration to another,
// paired by seed, with its interval. From 0 there is none.
func (r *Report) Change(from, to int, metric string) (results.Estimate, error) {
	before, err := r.values(from, metric)
	if err != nil {
		return results.Estimate{}, err
	}
	if k := slices.Index(before, 0); k >= 0 {
		return results.Estimate{}, fmt.Errorf("%s is 0 with seed %d of %s: from 0 there is no relative change", metric, r.Sweep.Seeds[k], r.Configurations[from].Name)
	}
	return r.paired(from, to, metric, func(a, b float64) float64 { return b/a - 1 })
}

// paired is the mean of f over the seeds' pairs of values.
func (r *Report) paired(from, to int, metric string, f func(a, b float64) float64) (results.Estimate, error) {
	a, err := r.values(from, metric)
	if err != nil {
		return results.Estimate{}, err
	}
	b, err := r.values(to, metric)
	if err != nil {
		return results.Estimate{}, err
	}
	out := make([]float64, len(a))
	for i := range a {
		out[i] = f(a[i], b[i])
	}
	return interval(out)
}

// Result is what a claim's figure comes to under an assumption, -1 for the study's
// own, in the claim's unit.
func (r *Report) Result(c *Claim, assumption int) (results.Estimate, error) {
	before, after := r.Before(assumption), r.After(assumption)
	var (
		e   results.Estimate
		err error
	)
	switch c.Of {
	case "Before":
		e, err = r.Estimate(before, c.Metric)
	case "After":
		e, err = r.Estimate(after, c.Metric)
	case "Change":
		e, err = r.Change(before, after, c.Metric)
	default:
		e, err = r.paired(before, after, c.Metric, func(a, b float64) float64 { return a - b })
	}
	if err != nil {
		return e, fmt.Errorf("claim %s: %w", c.Name, err)
	}
	for _, text := range c.Times {
		x, err := r.Study.factor(text)
		if err != nil {
			return e, fmt.Errorf("claim %s: %w", c.Name, err)
		}
		e.Mean, e.CILow, e.CIHigh = e.Mean*x, e.CILow*x, e.CIHigh*x
		if x < 0 {
			e.CILow, e.CIHigh = e.CIHigh, e.CILow
		}
	}
	return e, nil
}

// Verdict is how a result stands to its claim.
type Verdict string

// The verdicts.
const (
	Holds    Verdict = "holds"
	Less     Verdict = "less"     // of the same sign, smaller
	More     Verdict = "more"     // of the same sign, larger
	Opposite Verdict = "opposite" // of the other sign, or 0
)

// Judge compares a result with the claim: it holds where the result's interval
// reaches what the claim allows.
func (c *Claim) Judge(e results.Estimate) Verdict {
	slack := c.Within * math.Abs(c.Value)
	size, claimed := e.Mean, c.Value
	if claimed < 0 {
		size, claimed = -size, -claimed
	}
	switch {
	case e.CIHigh >= c.Value-slack && e.CILow <= c.Value+slack:
		return Holds
	case size <= 0:
		return Opposite
	case size < claimed:
		return Less
	}
	return More
}
