package experiment

import (
	"context"
	"slices"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// runs simulates the policies with the first seeds, in the order of Jobs.
func runs(t rapid.TB, configs []*engine.Config, seeds int) []*results.Run {
	t.Helper()
	var list []uint64
	for i := range seeds {
		list = append(list, uint64(i)+1)
	}
	var out []*results.Run
	jobs := Jobs(configs, list)
	err := Run(context.Background(), jobs, 2, func(r *results.Run) error {
		out = append(out, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	place := func(r *results.Run) int {
		return slices.IndexFunc(jobs, func(j Job) bool { return j.Config.Policy == r.Policy && j.Seed == r.Seed })
	}
	slices.SortFunc(out, func(a, b *results.Run) int { return place(a) - place(b) })
	return out
}
