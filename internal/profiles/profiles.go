// Package profiles is the published service times of models on GPUs: how long
// a batch takes, by model, variant (framework and precision) and GPU, each with
// its source and grade. docs/profiles.md is the list as a table.
package profiles

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

// Profile is how long one GPU takes for a batch of one model.
type Profile struct {
	Model, Variant, GPU string

	// Items per request: 1, or the candidates that one user's request scores.
	Items int
	// Batch is the published batch sizes in items, ascending, at least two.
	Batch []int
	// Seconds is the published time of each batch, as published: it may fall.
	Seconds []float64

	Grade  grade.Grade
	Source string
	Note   string // how it was measured or derived, and what it leaves out
}

// BatchSeconds is the time in s of a batch of so many requests, each of
// p.Items items. It is piecewise linear through the running maximum of the
// published points, so it never falls with the batch: a larger batch that was
// published as faster could be had by padding a smaller one, but no simulator
// should profit from a measurement's noise.
//
// Below the first point it is the first point's time. Beyond the last it
// continues the last segment, or the line from the first point to the last
// where that is steeper: a table of padding steps ends flat, and no GPU serves
// any number of requests in the same time. A batch below 1 takes no time.
func (p Profile) BatchSeconds(batch int) float64 {
	if batch < 1 {
		return 0
	}
	items := batch * p.Items
	low, high := p.Seconds[0], p.Seconds[0]
	if items <= p.Batch[0] {
		return high
	}
	for i := 1; i < len(p.Batch); i++ {
		low, high = high, max(high, p.Seconds[i])
		if items == p.Batch[i] {
			return high
		}
		if items < p.Batch[i] {
			slope := (high - low) / float64(p.Batch[i]-p.Batch[i-1])
			return float64(slope*float64(items-p.Batch[i-1])) + low
		}
	}
	last := len(p.Batch) - 1
	segment := (high - low) / float64(p.Batch[last]-p.Batch[last-1])
	secant := (high - p.Seconds[0]) / float64(p.Batch[last]-p.Batch[0])
	return float64(max(segment, secant)*float64(items-p.Batch[last])) + high
}

// GradeAt is the grade of BatchSeconds(batch): the profile's own, and B at best
// beyond the published batches.
func (p Profile) GradeAt(batch int) grade.Grade {
	if items := batch * p.Items; items < p.Batch[0] || items > p.Batch[len(p.Batch)-1] {
		return grade.Worse(p.Grade, grade.B)
	}
	return p.Grade
}

// All returns every profile, by model, variant and GPU. The values share their
// points with the list: do not write to them.
func All() []Profile { return slices.Clone(load()) }

var load = sync.OnceValue(func() []Profile {
	all := published()
	all = append(all, mlperfResNet50()...)
	all = append(all, derivedBERT(all)...)
	all = append(all, derivedResNet50(all)...)
	slices.SortFunc(all, func(a, b Profile) int {
		return slices.Compare([]string{a.Model, a.Variant, a.GPU}, []string{b.Model, b.Variant, b.GPU})
	})
	return all
})

// Models returns the names of all models, sorted.
func Models() []string {
	return distinct(load(), func(p Profile) (string, bool) { return p.Model, true })
}

// Variants returns the variants for which the model has figures, sorted; none
// for an unknown model.
func Variants(model string) []string {
	return distinct(load(), func(p Profile) (string, bool) { return p.Variant, p.Model == model })
}

// GPUs returns the GPUs for which the model's variant has figures, sorted.
func GPUs(model, variant string) []string {
	return distinct(load(), func(p Profile) (string, bool) { return p.GPU, p.Model == model && p.Variant == variant })
}

// Lookup returns the profile of a model's variant on a GPU. The error names
// what there is instead.
func Lookup(model, variant, gpu string) (Profile, error) {
	for _, p := range load() {
		if p.Model == model && p.Variant == variant && p.GPU == gpu {
			return p, nil
		}
	}
	variants := Variants(model)
	switch {
	case len(variants) == 0:
		return Profile{}, fmt.Errorf("unknown model profile %q: want one of %s", model, strings.Join(Models(), ", "))
	case !slices.Contains(variants, variant):
		return Profile{}, fmt.Errorf("%s has no variant %q: want one of %s", model, variant, strings.Join(variants, ", "))
	default:
		return Profile{}, fmt.Errorf("%s %s has no figures for %q: it has figures for %s",
			model, variant, gpu, strings.Join(GPUs(model, variant), ", "))
	}
}

// distinct returns the sorted distinct values that pick accepts.
func distinct(all []Profile, pick func(Profile) (string, bool)) []string {
	var names []string
	for _, p := range all {
		if name, ok := pick(p); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
