package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// seedsOf are the seeds of a scenario.
func seedsOf(s scenario.Seeds) []uint64 {
	seeds := make([]uint64, s.Count)
	for i := range seeds {
		seeds[i] = s.First + uint64(i)
	}
	return seeds
}

// replicate simulates every configuration with every seed and keeps nothing on
// disk: for commands whose runs are short.
func replicate(env Env, configs []*engine.Config, seeds []uint64, parallel int, quiet bool) ([]*results.Run, error) {
	jobs := experiment.Jobs(configs, seeds)
	p := newProgress(env, len(jobs), expectedRequests(jobs), quiet)
	for _, c := range configs {
		c.Progress = p.add
	}
	var runs []*results.Run
	err := experiment.Run(env.Context, jobs, parallel, func(run *results.Run) error {
		runs = append(runs, run)
		p.finished(run.Policy, run.Seed)
		return nil
	})
	p.close()
	if errors.Is(err, context.Canceled) {
		return nil, &codedError{exitInterrupted, fmt.Errorf("interrupted after %d of %d replications; nothing is kept", len(runs), len(jobs))}
	}
	return runs, err
}

// expectedRequests is how many requests the jobs will simulate, about.
func expectedRequests(jobs []experiment.Job) float64 {
	n := 0.0
	for _, j := range jobs {
		for _, s := range j.Config.Services {
			n += s.Curve.Mean() * j.Config.Duration.Seconds()
		}
	}
	return n
}
