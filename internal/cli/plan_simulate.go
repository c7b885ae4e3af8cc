package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/plan"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/sweep"
)

func (r *planRun) storeDir() string {
	return filepath.Join(r.flags.out, r.space.Sweeps[0].Scenario, "plan-"+r.space.ID()+".partial")
}

// open opens the stores of the runs, and reads those of an earlier search.
func (r *planRun) open() error {
	there := 0
	for i, w := range r.space.Sweeps {
		store, err := sweep.OpenStore(filepath.Join(r.storeDir(), []string{"written", "grid", "written-part", "grid-part"}[i]), w.Plan, binaryID())
		if err != nil {
			return filesError(err)
		}
		kept := map[sweep.Unit]*results.Run{}
		if r.flags.resume {
			var warnings []string
			kept, warnings = store.Load()
			for _, w := range warnings {
				fmt.Fprintln(r.env.Stderr, "sim:", w)
			}
		}
		there += len(kept)
		r.stores, r.kept = append(r.stores, store), append(r.kept, kept)
	}
	if there > 0 {
		fmt.Fprintf(r.env.Stderr, "sim: %d runs are there from before\n", there)
	}
	return nil
}

// Run implements plan.Runner: it simulates what is not kept.
func (r *planRun) Run(ctx context.Context, trials []plan.Trial) ([]*results.Run, error) {
	var open []plan.Trial
	for _, t := range trials {
		if w, u := r.space.Unit(t); r.kept[w][u] == nil {
			open = append(open, t)
		}
	}
	if len(open) > 0 {
		if err := r.simulate(ctx, open); err != nil {
			return nil, err
		}
	}
	runs := make([]*results.Run, len(trials))
	for i, t := range trials {
		w, u := r.space.Unit(t)
		runs[i] = r.kept[w][u]
	}
	return runs, nil
}

func (r *planRun) simulate(ctx context.Context, open []plan.Trial) error {
	jobs := &planJobs{run: r, trials: open}
	first, err := jobs.compile(open[0])
	if err != nil {
		return err
	}
	// Of the first trial; the others of a stage are much the same.
	jobs.progress = newProgress(r.env, len(open), expectedRequests([]experiment.Job{{Config: first}})*float64(len(open)), r.flags.quiet)
	err = experiment.Stream(ctx, jobs.all(), r.flags.parallel, func(j experiment.Job, run *results.Run) error {
		t := open[j.Index]
		w, u := r.space.Unit(t)
		if err := r.stores[w].Save(u.Point, run); err != nil {
			return filesError(err)
		}
		r.kept[w][u] = run
		what := fmt.Sprintf("#%d %s", t.Candidate, u.Policy)
		if t.Short {
			what = "screen " + what
		}
		jobs.progress.finished(what, t.Seed)
		return nil
	})
	jobs.progress.close()
	if errors.Is(err, context.Canceled) {
		again := slices.Clone(r.env.Args)
		if !r.flags.resume {
			again = append(again, "--resume")
		}
		return &codedError{exitInterrupted, fmt.Errorf("interrupted: what finished is kept in %s; go on with:\n  sim %s", r.storeDir(), shellWords(again))}
	}
	return errors.Join(err, jobs.err)
}

// planJobs makes the worlds of trials as they are needed.
type planJobs struct {
	run      *planRun
	trials   []plan.Trial // candidate by candidate
	progress *progress
	err      error // that ended the jobs early
}

func (j *planJobs) compile(t plan.Trial) (*engine.Config, error) {
	f, err := j.run.space.File(t)
	if err != nil {
		return nil, err
	}
	configs, err := experiment.Compile(f, f.PolicyNames())
	if err != nil {
		return nil, fmt.Errorf("candidate %d: %w", t.Candidate, err)
	}
	configs[0].Ledger = engine.Changes
	if j.progress != nil {
		configs[0].Progress = j.progress.add
	}
	return configs[0], nil
}

func (j *planJobs) all() iter.Seq[experiment.Job] {
	return func(yield func(experiment.Job) bool) {
		var world *engine.Config
		for i, t := range j.trials {
			if i == 0 || t.Candidate != j.trials[i-1].Candidate {
				if world, j.err = j.compile(t); j.err != nil {
					return
				}
			}
			if !yield(experiment.Job{Config: world, Seed: t.Seed, Index: i}) {
				return
			}
		}
	}
}
