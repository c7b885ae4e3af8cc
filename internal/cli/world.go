package cli

import (
	"context"

	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// World is where a scenario's replications happen: in virtual time, or on a
// control plane.
type World struct {
	Program string // whose command it is
	// Suffix of the results' folder, so that worlds do not replace each other's.
	Suffix string
	// Flags that lead to the same world again, and the one that names seeds.
	Flags    []string
	SeedFlag string
	// FirstSeed runs only the scenario's first seed, unless others are named.
	FirstSeed bool
	// Run runs the jobs, at most parallel at once, and hands each finished run to
	// done, one at a time.
	Run func(ctx context.Context, f *scenario.File, jobs []experiment.Job, parallel int, done func(*results.Run) error) error
	// Finish, if set, adds what this world has to say to the results.
	Finish func(*results.Bundle) error
}

// simulation is sim's world.
var simulation = World{
	Program: "sim", SeedFlag: "--seeds",
	Run: func(ctx context.Context, _ *scenario.File, jobs []experiment.Job, parallel int, done func(*results.Run) error) error {
		return experiment.Run(ctx, jobs, parallel, done)
	},
}

// LoadScenario reads a scenario with values replaced as by --set.
func LoadScenario(path string, set []string) (*scenario.File, error) { return load(path, set) }
