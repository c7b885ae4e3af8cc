package plan

import (
	"context"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// Trial is one run that the search asks for.
type Trial struct {
	Candidate int
	Seed      uint64
	Short     bool // over the screening window, not the whole one
}

// trialsOf are all seeds of all candidates, candidate by candidate.
func trialsOf(candidates []int, seeds []uint64, short bool) []Trial {
	var out []Trial
	for _, i := range candidates {
		for _, seed := range seeds {
			out = append(out, Trial{i, seed, short})
		}
	}
	return out
}

// Runner runs trials; the runs come back in their order.
type Runner interface {
	Run(ctx context.Context, trials []Trial) ([]*results.Run, error)
}

// Search is what to look for, and how long.
type Search struct {
	Candidates int
	Written    []int // candidates that are the scenario as it is written
	SLOs       []SLO
	Objectives []metrics.Metric // to be least
	Confidence float64
	Seeds      []uint64 // of the race
	Fresh      []uint64 // of the confirmation: none of the race's
	Screen     *Screen  // nil runs every candidate over the whole window
	// Left is the time that is left, nil when there is no limit.
	Left func() time.Duration
}

// Fate is how a candidate's search ended.
type Fate string

// The fates.
const (
	Screened Fate = "screened" // loses the SLO in the screening window alone
	Misses   Fate = "misses"   // known to break an SLO
	Dearer   Fate = "dearer"   // known to be worse, by every objective, than one that keeps the SLOs
	Cut      Fate = "cut"      // left out for want of time, and not told apart from the best
	Finalist Fate = "finalist" // may be the best by an objective
)

// Outcome is what the search found out about a candidate.
type Outcome struct {
	Fate  Fate
	Why   string
	SLOs  []State        // of Search.SLOs
	Short []*results.Run // of the screening
	Runs  []*results.Run // of the race, in the order of seeds
	Fresh []*results.Run // of the confirmation
	worse []bool         // by objective: known to be worse than one that keeps the SLOs
}

// state is that of all SLOs together.
func (o *Outcome) state() State {
	switch {
	case slices.Contains(o.SLOs, Broken):
		return Broken
	case slices.Contains(o.SLOs, Open):
		return Open
	}
	return Kept
}

// Best is what was found for an objective.
type Best struct {
	Objective metrics.Metric
	Winner    int // -1 when no candidate is known to keep the SLOs
	// Rivals may still be better than the winner: the seeds do not tell.
	Rivals []int
	// Reference is the best of the scenario as written, -1 when there is none.
	Reference int
	// Confirmed says whether the fresh seeds show every SLO kept.
	Confirmed bool
}

// Found is the search's result.
type Found struct {
	Outcomes []Outcome
	Bests    []Best
	Limited  bool // the time was short: some candidates were cut
}

// state of a search in progress.
type search struct {
	Search
	run   Runner
	found Found
	pace  time.Duration // of a run over the whole window
}

// Run searches. With the stated confidence the best candidate of all is the
// winner or among its rivals, unless the time was limited; see Search.levels.
func (s Search) Run(ctx context.Context, run Runner) (*Found, error) {
	r := &search{Search: s, run: run}
	r.found.Outcomes = make([]Outcome, s.Candidates)
	for i := range r.found.Outcomes {
		o := &r.found.Outcomes[i]
		o.Fate, o.worse, o.SLOs = Finalist, make([]bool, len(s.Objectives)), make([]State, len(s.SLOs))
		for k := range o.SLOs {
			o.SLOs[k] = Open
		}
	}
	if err := r.screen(ctx); err != nil {
		return nil, err
	}
	if err := r.race(ctx); err != nil {
		return nil, err
	}
	r.choose()
	if err := r.confirm(ctx); err != nil {
		return nil, err
	}
	return &r.found, nil
}

// choose names the winners, and who may still be better.
func (s *search) choose() {
	for k, m := range s.Objectives {
		c := s.contenders(k)
		b := Best{Objective: m, Winner: s.best(k, c), Reference: s.reference(k)}
		for _, i := range c {
			if i != b.Winner {
				b.Rivals = append(b.Rivals, i)
			}
		}
		s.found.Bests = append(s.found.Bests, b)
	}
}

// reference is the best of the scenario as written: of what is known to keep the SLOs,
// or else of what is not seen to break one; -1 when there is none.
func (s *search) reference(objective int) int {
	if best := s.best(objective, s.Written); best >= 0 {
		return best
	}
	best, least := -1, 0.0
	for _, i := range s.Written {
		o := &s.found.Outcomes[i]
		if len(o.Runs) == 0 || o.state() == Broken || s.beyond(o.Runs) > 0 {
			continue
		}
		if x := mean(o.Runs, s.Objectives[objective].Name); best < 0 || x < least {
			best, least = i, x
		}
	}
	return best
}
