package plan

import (
	"cmp"
	"slices"
	"time"
)

// reserve is the time that the confirmation will take: the winners and what they
// are compared with.
func (s *search) reserve() time.Duration {
	return s.pace * time.Duration(2*len(s.Objectives)*len(s.Fresh))
}

// affordable is how many runs over the whole window there is time for.
func (s *search) affordable() int {
	if s.pace <= 0 {
		return 1 << 30
	}
	return int(max(s.Left()-s.reserve(), 0) / s.pace)
}

// affordUnseen cuts candidates of which nothing is known when there is no time for
// a single seed of each: the last ones.
func (s *search) affordUnseen(open []int) []int {
	n := min(s.affordable(), len(open))
	s.cut(open[n:])
	return open[:n]
}

// afford halves the contenders until there is time for so many seeds of each. The
// halves that stay are the better ones so far: those not seen to break an SLO first,
// then by the objectives in turn.
func (s *search) afford(open []int, seeds int) []int {
	if s.Left == nil {
		return open
	}
	can := s.affordable()
	keep := len(open)
	for keep*seeds > can && keep > len(s.Objectives) {
		keep = max(keep/2, len(s.Objectives))
	}
	if keep == len(open) {
		return open
	}
	ranked := s.ranked(open)
	s.cut(ranked[keep:])
	kept := ranked[:keep]
	slices.Sort(kept)
	return kept
}

// ranked takes the best by each objective in turn, so that one which has won an
// objective is among the first.
func (s *search) ranked(open []int) []int {
	var out []int
	for len(out) < len(open) {
		for k := range s.Objectives {
			rest := slices.DeleteFunc(slices.Clone(open), func(i int) bool { return slices.Contains(out, i) })
			if len(rest) == 0 {
				break
			}
			out = append(out, slices.MinFunc(rest, func(a, b int) int {
				x, y := &s.found.Outcomes[a], &s.found.Outcomes[b]
				return cmp.Or(cmp.Compare(s.beyond(x.Runs), s.beyond(y.Runs)),
					cmp.Compare(mean(x.Runs, s.Objectives[k].Name), mean(y.Runs, s.Objectives[k].Name)), cmp.Compare(a, b))
			}))
		}
	}
	return out
}

func (s *search) cut(candidates []int) {
	for _, i := range candidates {
		s.found.Outcomes[i].Fate = Cut
		s.found.Limited = true
	}
}
