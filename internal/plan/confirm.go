package plan

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// confirm runs the winners, and what they are compared with, on seeds that had no
// part in choosing them.
func (s *search) confirm(ctx context.Context) error {
	var who []int
	for _, b := range s.found.Bests {
		if b.Winner >= 0 {
			who = append(who, b.Winner)
			if b.Reference >= 0 {
				who = append(who, b.Reference)
			}
		}
	}
	slices.Sort(who)
	who = slices.Compact(who)
	trials := trialsOf(who, s.Fresh, false)
	runs, err := s.timed(ctx, trials)
	if err != nil {
		return err
	}
	for k, t := range trials {
		o := &s.found.Outcomes[t.Candidate]
		o.Fresh = append(o.Fresh, runs[k])
	}
	for i := range s.found.Bests {
		b := &s.found.Bests[i]
		if b.Winner < 0 {
			continue
		}
		b.Confirmed = true
		for _, slo := range s.SLOs {
			kept, err := slo.confirmed(s.found.Outcomes[b.Winner].Fresh, s.Confidence)
			if err != nil {
				return fmt.Errorf("confirm %s: %w", slo.Text, err)
			}
			b.Confirmed = b.Confirmed && kept
		}
	}
	return nil
}

// confirmed reports whether the runs show the SLO kept: by the one-sided sign-flip
// test that gates use, at the full level. All SLOs must be kept, so that they need no
// correction for being several.
func (s SLO) confirmed(runs []*results.Run, confidence float64) (bool, error) {
	y, ok := s.excess(runs)
	if !ok {
		return false, nil
	}
	q, err := stats.NewMean(y)
	if err != nil {
		return false, err
	}
	if _, below := q.Test(0); below <= 1-confidence {
		return true, nil
	}
	onLimit := !slices.ContainsFunc(y, func(x float64) bool { return x != 0 })
	return onLimit && len(y) >= stats.FewestSeeds(1-confidence), nil
}

// beyond is by how much of its limit the worst SLO is broken on average, 0 when none
// is and infinite where a figure is missing.
func (s Search) beyond(runs []*results.Run) float64 {
	worst := 0.0
	for _, slo := range s.SLOs {
		y, ok := slo.excess(runs)
		if !ok || len(y) == 0 {
			return math.Inf(1)
		}
		worst = max(worst, stats.Mean(y)/max(math.Abs(slo.Limit), 1e-12))
	}
	return worst
}
