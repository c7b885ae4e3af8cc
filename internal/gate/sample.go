package gate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// sample is one figure over the seeds of a policy, in the order of seeds.
type sample struct {
	seeds    []uint64
	values   []float64
	arrivals []int64
	missing  []uint64 // seeds without the figure
}

// sampleOf takes a check's figure from the runs of its policy, rounded as a
// results directory is.
func sampleOf(c Check, runs []*results.Run) sample {
	var s sample
	own := slices.DeleteFunc(slices.Clone(runs), func(r *results.Run) bool { return r.Policy != c.Policy })
	slices.SortFunc(own, func(a, b *results.Run) int {
		if a.Seed < b.Seed {
			return -1
		}
		return 1
	})
	for _, r := range own {
		from := r.Metrics
		if c.Service != "" {
			from = r.Services[c.Service]
		}
		x, ok := from[c.Metric]
		if !ok || math.IsNaN(x) || math.IsInf(x, 0) {
			s.missing = append(s.missing, r.Seed)
			continue
		}
		s.seeds = append(s.seeds, r.Seed)
		s.values = append(s.values, results.Round(x))
		s.arrivals = append(s.arrivals, r.Ledger.Arrivals)
	}
	return s
}

// paired are the seeds of a sample that a baseline has too.
type paired struct {
	now, base []float64
	otherLoad string // says which seed met another load, if one did
}

func (s sample) pair(b *Baseline, f Figure) paired {
	var p paired
	for i, seed := range s.seeds {
		at, ok := slices.BinarySearch(b.Seeds, seed)
		if !ok {
			continue
		}
		p.now, p.base = append(p.now, s.values[i]), append(p.base, f.Values[at])
		if was, is := b.Arrivals[at], s.arrivals[i]; was != is && p.otherLoad == "" {
			p.otherLoad = fmt.Sprintf("seed %d brought %d requests when the baseline was written, and brings %d now", seed, was, is)
		}
	}
	return p
}

// seedList reads "with seeds 1, 2 and 3 more".
func seedList(seeds []uint64) string {
	const most = 3
	var names []string
	for _, s := range seeds[:min(len(seeds), most)] {
		names = append(names, fmt.Sprint(s))
	}
	text := "with seed "
	if len(seeds) > 1 {
		text = "with seeds "
	}
	text += strings.Join(names, ", ")
	if more := len(seeds) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
