package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// Verdict of a check, or of a gate.
type Verdict string

// The verdicts. A gate fails when a check fails, else is inconclusive when one is.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
)

// Outcome is what became of a check. Pointers are nil where there is no figure.
type Outcome struct {
	Policy  string  `json:"policy"`
	Service string  `json:"service,omitempty"`
	Metric  string  `json:"metric"`
	Limit   string  `json:"limit"` // as written, with its field: "maxIncrease 2%"
	Line    int     `json:"line"`  // of the check in the gate file
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason,omitempty"` // of any verdict but a pass

	Seeds    int      `json:"seeds"`              // that it rests on
	Value    *float64 `json:"value,omitempty"`    // mean over the seeds, in the metric's unit
	Baseline *float64 `json:"baseline,omitempty"` // mean over the same seeds
	// Measured is what the limit is held against: the value, or the change from the
	// baseline, relative where the limit is. Low and High are its one-sided bounds,
	// each at Confidence; nil where so few seeds have none.
	Measured   *float64 `json:"measured,omitempty"`
	Low        *float64 `json:"low,omitempty"`
	High       *float64 `json:"high,omitempty"`
	Confidence float64  `json:"confidence"` // the check's, or stricter at one of several looks
	PFail      float64  `json:"pFail"`      // of "it is within the limit", Holm-corrected over the checks
	PPass      float64  `json:"pPass"`      // of "it is beyond the limit"
	// SeedsNeeded would probably decide, for an inconclusive check; 0 when no number
	// is known.
	SeedsNeeded int `json:"seedsNeeded,omitempty"`

	check    Check
	bound    bound
	metric   metrics.Metric
	currency string
	evidence *stats.Quotient // nil where there is none
	limit    float64         // in its terms
	decided  bool            // for good: more seeds do not change it
}

// fail decides the check without statistics.
func (o *Outcome) fail(format string, args ...any) {
	o.Verdict, o.Reason, o.decided = Fail, fmt.Sprintf(format, args...), true
	o.PFail, o.PPass, o.evidence = 0, 1, nil
}

// Judge decides the checks of a gate as seeds come in.
type Judge struct {
	file     *File
	baseline *Baseline
	outcomes []Outcome
}

// NewJudge begins a judgement. A check that compares with a baseline fails at
// once where there is none (b is nil), or where it was written for another
// workload.
func NewJudge(f *File, b *Baseline) (*Judge, error) {
	j := &Judge{file: f, baseline: b}
	problem := fmt.Sprintf("there is no baseline at %s: write it with --update-baseline and commit it", f.BaselinePath())
	if b != nil {
		workload, err := f.Scenario.Fingerprint()
		if err != nil {
			return nil, err
		}
		problem = b.otherWorkload(workload)
	}
	for i, c := range f.Gate.Spec.Checks {
		m, err := metrics.Find(c.Metric)
		if err != nil {
			return nil, fmt.Errorf("gate %s: %w", f.Gate.Metadata.Name, err)
		}
		o := Outcome{
			Policy: c.Policy, Service: c.Service, Metric: c.Metric, Limit: f.bounds[i].field + " " + f.bounds[i].text,
			Line:    f.Positions.At(fmt.Sprintf("spec.checks[%d]", i)).Line,
			Verdict: Inconclusive, Reason: "nothing was run", Confidence: c.Confidence, PFail: 1, PPass: 1,
			check: c, bound: f.bounds[i], metric: m, currency: f.Scenario.Scenario.Spec.Cost.Currency,
		}
		if o.bound.regression() && problem != "" {
			o.fail("%s", problem)
		}
		j.outcomes = append(j.outcomes, o)
	}
	return j, nil
}

// otherWorkload says that a baseline does not belong to this workload, if so.
func (b *Baseline) otherWorkload(now map[string]string) string {
	parts := b.Workload.Differences(now)
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("the baseline was written for another workload, so there are no pairs to compare: %s changed, or kwatt's defaults for it; if that is meant, write the baseline again with --update-baseline",
		strings.Join(parts, ", "))
}

// Undecided names the policies with a check that more seeds could decide.
func (j *Judge) Undecided() []string {
	var names []string
	for _, name := range j.file.policies() {
		for _, o := range j.outcomes {
			if o.Policy == name && !o.decided {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

// Look judges every check that is not decided by all runs so far. It may spend
// share of each check's error rate; over all looks the shares must not exceed 1.
//
// A pass is given to each check at its own confidence: the gate passes only when
// all do, so one that should not is let through with at most the chance of that
// one check (an intersection-union test, Berger 1982). A failure needs only one
// check of many, so its p values are Holm-corrected over all checks.
func (j *Judge) Look(runs []*results.Run, share float64) {
	for i := range j.outcomes {
		if o := &j.outcomes[i]; !o.decided {
			j.measure(o, runs, share)
		}
	}
	ps := make([]float64, len(j.outcomes))
	for i, o := range j.outcomes {
		switch {
		case o.decided && o.Verdict == Pass:
			ps[i] = 1
		case o.decided:
			ps[i] = 0
		default:
			ps[i] = o.PFail
		}
	}
	for i, p := range stats.Holm(ps) {
		if o := &j.outcomes[i]; !o.decided {
			o.PFail = p
			o.decide(share)
		}
	}
}

// measure takes the check's figures from the runs, or fails it where there are
// none to judge.
func (j *Judge) measure(o *Outcome, runs []*results.Run, share float64) {
	s := sampleOf(o.check, runs)
	switch {
	case len(s.missing) > 0:
		o.fail("policy %s has no %s %s: a figure that is missing cannot pass", o.Policy, o.Metric, seedList(s.missing))
		return
	case len(s.values) == 0:
		o.fail("no replication of policy %s was run", o.Policy)
		return
	}
	now, base := s.values, []float64(nil)
	if o.bound.regression() {
		figure, ok := j.baseline.find(o.check)
		if !ok {
			o.fail("the baseline has no %s of this check: write it again with --update-baseline", o.Metric)
			return
		}
		p := s.pair(j.baseline, figure)
		switch {
		case p.otherLoad != "":
			o.fail("the load is another than the baseline's, so there are no pairs to compare: %s", p.otherLoad)
			return
		case len(p.now) == 0:
			o.fail("the baseline has none of the seeds that were run")
			return
		}
		now, base = p.now, p.base
	}
	if err := o.estimate(now, base, share); err != nil {
		o.fail("its figures cannot be judged: %v", err)
	}
}

// Report is what a gate came to.
type Report struct {
	Gate     string    `json:"gate"`
	Path     string    `json:"path"` // of the gate file
	Scenario string    `json:"scenario"`
	Verdict  Verdict   `json:"verdict"`
	Seeds    int       `json:"seeds"` // the most that a check rests on
	Outcomes []Outcome `json:"checks"`
	Notes    []string  `json:"notes"`
}

// Report returns the verdicts as they stand. version is that of this binary.
func (j *Judge) Report(version string) *Report {
	r := &Report{
		Gate: j.file.Gate.Metadata.Name, Path: j.file.Path, Scenario: j.file.Scenario.Scenario.Metadata.Name,
		Verdict: Pass, Outcomes: slices.Clone(j.outcomes), Notes: []string{},
	}
	for i := range r.Outcomes {
		r.Outcomes[i].explain(len(r.Outcomes))
	}
	compared, needed := 0, 0 // seeds of checks that compare with the baseline
	for _, o := range r.Outcomes {
		r.Seeds = max(r.Seeds, o.Seeds)
		if o.bound.regression() {
			compared, needed = max(compared, o.Seeds), max(needed, o.SeedsNeeded)
		}
		switch {
		case o.Verdict == Fail:
			r.Verdict = Fail
		case o.Verdict == Inconclusive && r.Verdict == Pass:
			r.Verdict = Inconclusive
		}
	}
	note := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	b := j.baseline
	if b == nil || compared == 0 {
		return r
	}
	if n := len(b.Seeds); r.Verdict == Inconclusive && needed > n {
		note("the baseline has %s; to compare more, write it with more, from the state to compare with: --update-baseline --max-seeds %d", seedCount(n), needed)
	}
	if b.Kwatt != version && r.Verdict != Pass {
		note("the baseline was computed by kwatt %s, this is %s: a change between the two shows here as one of the policy", b.Kwatt, version)
	}
	return r
}

// Count returns how many checks have the verdict.
func (r *Report) Count(v Verdict) int {
	n := 0
	for _, o := range r.Outcomes {
		if o.Verdict == v {
			n++
		}
	}
	return n
}
