package plan

import (
	"cmp"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// front are the candidates that no other one beats in cost, CO2e and p95 at once,
// the cheapest first. Means are over the seeds that two candidates share; those that
// are known or seen to break an SLO are no part of it.
func (s Search) front(outcomes []Outcome) []int {
	out := []int{}
	on := func(i int) bool {
		runs := outcomes[i].Runs
		return len(runs) > 0 && outcomes[i].state() != Broken && s.beyond(runs) == 0 && !slices.ContainsFunc(runs, lacksFigure)
	}
	for i := range outcomes {
		beaten := slices.ContainsFunc(indices(len(outcomes)), func(k int) bool {
			return k != i && on(k) && dominates(outcomes[k].Runs, outcomes[i].Runs)
		})
		if on(i) && !beaten {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b int) int {
		return cmp.Or(cmp.Compare(mean(outcomes[a].Runs, costMetric), mean(outcomes[b].Runs, costMetric)), cmp.Compare(a, b))
	})
	return out
}

// lacksFigure reports whether a run has no latency, as one that served nothing.
func lacksFigure(r *results.Run) bool {
	return slices.ContainsFunc(frontMetrics, func(m string) bool { _, ok := r.Metrics[m]; return !ok })
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// dominates reports whether a is nowhere worse than b and somewhere better.
func dominates(a, b []*results.Run) bool {
	n := min(len(a), len(b))
	better := false
	for _, name := range frontMetrics {
		x, y := mean(a[:n], name), mean(b[:n], name)
		if x > y {
			return false
		}
		better = better || x < y
	}
	return better
}
