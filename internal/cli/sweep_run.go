package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/sweep"
)

// sweepRun is a sweep, or a shard of one, being run.
type sweepRun struct {
	env     Env
	flags   sweepFlags
	sweep   *sweep.Sweep
	store   *sweep.Store
	started time.Time
}

func runSweep(env Env, path string, fl sweepFlags) error {
	if fl.engine == "kubernetes" {
		// Relative, so that what the scenario names by an absolute path can be told.
		var err error
		if path, err = relativePath(path); err != nil {
			return filesError(err)
		}
	}
	s, err := fl.plan(path)
	if err != nil {
		return err
	}
	r := &sweepRun{env: env, flags: fl, sweep: s, started: env.Now()}
	switch {
	case fl.dryRun:
		return r.describe()
	case fl.engine == "kubernetes":
		return r.renderJob(path)
	case fl.shards > 1 && fl.shard < 0:
		return r.commands()
	}
	units := s.Shard(max(fl.shard, 0), fl.shards)
	if r.store, err = sweep.OpenStore(r.storeDir(), s.Plan, binaryID()); err != nil {
		return filesError(err)
	}
	runs, err := r.simulate(units)
	if err != nil {
		return err
	}
	if fl.shard >= 0 {
		fmt.Fprintf(env.Stderr, "shard %d of %d: %d runs are in %s; join the shards with sim merge\n", fl.shard, fl.shards, len(units), r.store.Dir())
		return nil
	}
	w := sweepWriter{env, r.started, fl.out, fl.output, fl.color, fl.metrics, fl.quiet}
	if err := w.write(&s.Plan, runs); err != nil {
		return err
	}
	return filesError(r.store.Discard())
}

func (r *sweepRun) storeDir() string { return storeDir(r.flags.out, &r.sweep.Plan) }

// storeDir is where a sweep's runs are kept until all are there.
func storeDir(out string, p *sweep.Plan) string {
	return filepath.Join(out, p.Scenario, p.ID+".partial")
}

// describe prints the plan.
func (r *sweepRun) describe() error {
	s := r.sweep
	var b strings.Builder
	fmt.Fprintf(&b, "sweep %s of %s: %d points, %d policies (%s), %d seeds: %d runs", s.ID, s.Scenario, len(s.Points), len(s.Policies),
		strings.Join(s.Policies, ", "), len(s.Seeds), len(s.Units()))
	if r.flags.shards > 1 {
		fmt.Fprintf(&b, " in %d shards of at most %d", r.flags.shards, len(s.Shard(0, r.flags.shards)))
	}
	b.WriteByte('\n')
	for i := range s.Points {
		fmt.Fprintln(&b, s.Describe(i))
	}
	_, err := r.env.Stdout.Write([]byte(b.String()))
	return filesError(err)
}

// commands prints a command for each shard, and the one that joins them.
func (r *sweepRun) commands() error {
	var b strings.Builder
	for i := range r.flags.shards {
		words := append(append([]string{"sim"}, r.env.Args...), "--shard", strconv.Itoa(i))
		if !r.flags.resume {
			words = append(words, "--resume")
		}
		fmt.Fprintln(&b, shellWords(words))
	}
	fmt.Fprintln(&b, shellWords([]string{"sim", "merge", filepath.ToSlash(r.storeDir()), "--out", r.flags.out}))
	_, err := r.env.Stdout.Write([]byte(b.String()))
	return filesError(err)
}

// simulate runs what is not kept from an earlier, interrupted sweep, and returns
// the runs of the units.
func (r *sweepRun) simulate(units []sweep.Unit) (map[sweep.Unit]*results.Run, error) {
	runs := map[sweep.Unit]*results.Run{}
	if r.flags.resume {
		kept, warnings := r.store.Load()
		for _, w := range warnings {
			fmt.Fprintln(r.env.Stderr, "sim:", w)
		}
		for _, u := range units {
			if run := kept[u]; run != nil {
				runs[u] = run
			}
		}
	}
	all := len(units)
	open := slices.DeleteFunc(slices.Clone(units), func(u sweep.Unit) bool { return runs[u] != nil })
	if len(runs) > 0 {
		fmt.Fprintf(r.env.Stderr, "sim: %d of %d runs are there from before\n", len(runs), all)
	}
	if len(open) == 0 {
		return runs, nil
	}
	jobs, err := r.jobs(open)
	if err != nil {
		return nil, err
	}
	err = experiment.Stream(r.env.Context, jobs.all(), r.flags.parallel, func(j experiment.Job, run *results.Run) error {
		u := open[j.Index]
		if err := r.store.Save(u.Point, run); err != nil {
			return filesError(err)
		}
		runs[u] = run
		jobs.progress.finished(fmt.Sprintf("point %d %s", u.Point, u.Policy), u.Seed)
		return nil
	})
	jobs.progress.close()
	switch {
	case errors.Is(err, context.Canceled):
		again := slices.Clone(r.env.Args)
		if !r.flags.resume {
			again = append(again, "--resume")
		}
		return nil, &codedError{exitInterrupted, fmt.Errorf("interrupted: %d of %d runs are kept in %s; go on with:\n  sim %s",
			len(runs), all, r.store.Dir(), shellWords(again))}
	case err != nil:
		return nil, err
	}
	return runs, jobs.err
}

// sweepJobs makes the worlds of a sweep as they are needed.
type sweepJobs struct {
	sweep    *sweep.Sweep
	units    []sweep.Unit // in the order of points
	progress *progress
	err      error // that ended the jobs early
}

func (r *sweepRun) jobs(units []sweep.Unit) (*sweepJobs, error) {
	j := &sweepJobs{sweep: r.sweep, units: units}
	first, err := j.compile(units[0].Point)
	if err != nil {
		return nil, err
	}
	// Of the first point; the others are taken for much the same.
	requests := 0.0
	for _, c := range first {
		requests += expectedRequests([]experiment.Job{{Config: c}}) / float64(len(first))
	}
	j.progress = newProgress(r.env, len(units), requests*float64(len(units)), r.flags.quiet)
	return j, nil
}

// compile makes the worlds of a point, by policy.
func (j *sweepJobs) compile(point int) (map[string]*engine.Config, error) {
	f, err := j.sweep.File(point)
	if err != nil {
		return nil, err
	}
	configs, err := experiment.Compile(f, j.sweep.Policies)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.sweep.Describe(point), err)
	}
	worlds := map[string]*engine.Config{}
	for i, c := range configs {
		c.Ledger = engine.Changes
		if j.progress != nil {
			c.Progress = j.progress.add
		}
		worlds[j.sweep.Policies[i]] = c
	}
	return worlds, nil
}

func (j *sweepJobs) all() iter.Seq[experiment.Job] {
	return func(yield func(experiment.Job) bool) {
		var worlds map[string]*engine.Config
		for i, u := range j.units {
			if i == 0 || u.Point != j.units[i-1].Point {
				if worlds, j.err = j.compile(u.Point); j.err != nil {
					return
				}
			}
			if !yield(experiment.Job{Config: worlds[u.Policy], Seed: u.Seed, Index: i}) {
				return
			}
		}
	}
}
