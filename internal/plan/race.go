package plan

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// firstSeeds is how many seeds the race has when it first looks.
const firstSeeds = 3

// levels are the error rates of single tests.
type levels struct{ breaks, keeps, worse float64 }

// levels divides 1 − Confidence in three: the best candidate must not be thought to
// break an SLO, nor one that breaks it to keep it, nor the best to be worse than one that
// keeps it. Each third is shared by all tests of its kind, of all candidates and looks
// (Bonferroni), so that all the verdicts which can cost the best its place are right with
// the stated confidence.
func (s *Search) levels(share float64) levels {
	third := (1 - s.Confidence) / 3 * share
	n, objectives := float64(s.Candidates), float64(len(s.Objectives))
	return levels{third / (objectives * float64(max(len(s.SLOs), 1))), third / n, third / (n * objectives)}
}

// race adds seeds to the contenders until each objective has one, or all seeds are
// spent.
func (s *search) race(ctx context.Context) error {
	if err := s.firstSeed(ctx); err != nil {
		return err
	}
	looks, err := stats.Looks(min(firstSeeds, len(s.Seeds)), len(s.Seeds))
	if err != nil {
		return err
	}
	for _, l := range looks {
		open := s.undecided()
		if len(open) == 0 {
			break
		}
		done := len(s.found.Outcomes[open[0]].Runs)
		open = s.afford(open, l.Seeds-done)
		if err := s.add(ctx, open, s.Seeds[done:l.Seeds]); err != nil {
			return err
		}
		if err := s.look(s.levels(l.Share)); err != nil {
			return err
		}
	}
	return nil
}

// firstSeed runs one seed of every candidate, which says how long a run takes and
// gives an order for when time is short.
func (s *search) firstSeed(ctx context.Context) error {
	open := s.contenders(-1)
	if s.Left != nil && len(open) > 1 {
		// One run to know how long the others take.
		if err := s.add(ctx, open[:1], s.Seeds[:1]); err != nil {
			return err
		}
		open = s.affordUnseen(open[1:])
	}
	return s.add(ctx, open, s.Seeds[:1])
}

// contenders may be the best by an objective, or by any for -1.
func (s *search) contenders(objective int) []int {
	var out []int
	for i := range s.found.Outcomes {
		o := &s.found.Outcomes[i]
		if o.Fate == Finalist && (objective < 0 && slices.Contains(o.worse, false) || objective >= 0 && !o.worse[objective]) {
			out = append(out, i)
		}
	}
	return out
}

// undecided are the contenders of the objectives of which more is to be known.
func (s *search) undecided() []int {
	var out []int
	for k := range s.Objectives {
		c := s.contenders(k)
		if len(c) == 1 && s.found.Outcomes[c[0]].state() == Kept {
			continue
		}
		out = append(out, c...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// add runs seeds of candidates over the whole window.
func (s *search) add(ctx context.Context, candidates []int, seeds []uint64) error {
	trials := trialsOf(candidates, seeds, false)
	runs, err := s.timed(ctx, trials)
	if err != nil {
		return err
	}
	for k, t := range trials {
		o := &s.found.Outcomes[t.Candidate]
		o.Runs = append(o.Runs, runs[k])
	}
	return nil
}

// timed runs trials over the whole window and learns how long one takes.
func (s *search) timed(ctx context.Context, trials []Trial) ([]*results.Run, error) {
	if len(trials) == 0 {
		return nil, nil
	}
	before := time.Duration(0)
	if s.Left != nil {
		before = s.Left()
	}
	runs, err := s.run.Run(ctx, trials)
	if err != nil {
		return nil, err
	}
	if len(runs) != len(trials) {
		return nil, fmt.Errorf("%d runs for %d trials", len(runs), len(trials))
	}
	if s.Left != nil {
		// Runs from an earlier search take no time: the slowest pace is the true one.
		s.pace = max(s.pace, (before-s.Left())/time.Duration(len(trials)))
	}
	return runs, nil
}

// look judges the contenders on the seeds at hand.
func (s *search) look(l levels) error {
	for _, i := range s.contenders(-1) {
		o := &s.found.Outcomes[i]
		for k, slo := range s.SLOs {
			if o.SLOs[k] != Open { // a verdict stands: each look has an error rate of its own
				continue
			}
			var err error
			if o.SLOs[k], err = slo.judge(o.Runs, l.breaks, l.keeps); err != nil {
				return fmt.Errorf("candidate %d: %s: %w", i, slo.Text, err)
			}
			if o.SLOs[k] == Broken {
				o.Fate, o.Why = Misses, slo.Text
			}
		}
	}
	for k := range s.Objectives {
		if err := s.compare(k, l.worse); err != nil {
			return err
		}
	}
	return nil
}

// compare drops the contenders that are worse by an objective than the best of those
// that keep the SLOs.
func (s *search) compare(objective int, level float64) error {
	best := s.best(objective, s.contenders(objective))
	if best < 0 {
		return nil
	}
	for _, i := range s.contenders(objective) {
		if i == best {
			continue
		}
		d := s.differences(i, best, objective)
		if len(d) < 2 {
			continue
		}
		in, err := stats.TInterval(d, 1-2*level)
		if err != nil {
			return fmt.Errorf("candidates %d and %d: %w", i, best, err)
		}
		if in.Low > 0 {
			o := &s.found.Outcomes[i]
			if o.worse[objective] = true; !slices.Contains(o.worse, false) {
				o.Fate, o.Why = Dearer, fmt.Sprintf("worse than #%d", best)
			}
		}
	}
	return nil
}

// best of the candidates that are known to keep the SLOs, -1 when none is.
func (s *search) best(objective int, of []int) int {
	best, least := -1, 0.0
	for _, i := range of {
		if o := &s.found.Outcomes[i]; o.state() == Kept && len(o.Runs) > 0 {
			if x := mean(o.Runs, s.Objectives[objective].Name); best < 0 || x < least {
				best, least = i, x
			}
		}
	}
	return best
}

// differences of an objective on the seeds that two candidates share.
func (s *search) differences(a, b, objective int) []float64 {
	name := s.Objectives[objective].Name
	x, y := s.found.Outcomes[a].Runs, s.found.Outcomes[b].Runs
	var out []float64
	for i := range min(len(x), len(y)) { // both in the order of Seeds
		out = append(out, results.Round(x[i].Metrics[name])-results.Round(y[i].Metrics[name]))
	}
	return out
}

func mean(runs []*results.Run, metric string) float64 {
	var xs []float64
	for _, r := range runs {
		xs = append(xs, results.Round(r.Metrics[metric]))
	}
	return stats.Mean(xs)
}
