package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// bounds runs what the policies are held against, where the scenario asks for
// it; nil where it does not, and in another world than virtual time, in which
// bounds are found. The policies' own runs are kept in dir.
func (r *experimentRun) bounds(dir string) ([]results.Bound, error) {
	spec := &r.file.Scenario.Spec
	if !spec.Regret || r.world.Program != simulation.Program {
		return nil, nil
	}
	search := experiment.BoundSearch{File: r.file, Seeds: r.seeds, Parallel: r.flags.parallel}
	if !r.flags.quiet {
		search.Say = func(round string) { fmt.Fprintln(r.env.Stderr, "sim:", round) }
	}
	found, err := search.Run(r.env.Context)
	if errors.Is(err, context.Canceled) {
		n := len(r.policies) * len(r.seeds)
		return nil, r.interrupted(n, n, dir)
	}
	return found, err
}
