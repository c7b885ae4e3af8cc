package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/plan"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/sweep"
)

// planRun is a search being run.
type planRun struct {
	env     Env
	flags   planFlags
	started time.Time
	space   *plan.Space
	search  plan.Search
	stores  []*sweep.Store // of the space's sweeps
	kept    []map[sweep.Unit]*results.Run
}

func runPlan(env Env, path string, fl planFlags) error {
	r := &planRun{env: env, flags: fl, started: env.Now()}
	if err := r.prepare(path); err != nil {
		return err
	}
	if fl.dryRun {
		return r.describe()
	}
	if err := r.open(); err != nil {
		return err
	}
	found, err := r.search.Run(env.Context, r)
	if err != nil {
		return err
	}
	rep, err := r.search.Report(r.space, found)
	if err != nil {
		return err
	}
	if err := r.write(rep, found); err != nil {
		return err
	}
	return verdict(rep)
}

// verdict is nil when every objective has a confirmed winner.
func verdict(rep *plan.Report) error {
	told := true
	for _, b := range rep.Best {
		told = told && b.Winner != nil && b.Confirmed
	}
	open := slices.ContainsFunc(rep.Candidates, func(c plan.CandidateReport) bool { return c.Fate != plan.Misses && c.Fate != plan.Screened })
	switch {
	case told:
		return nil
	case !open:
		return errNothingKeeps
	}
	return errNotTold
}

// prepare reads the scenario and makes the candidates.
func (r *planRun) prepare(path string) error {
	fl := &r.flags
	load := func(point []scenario.Override) (*scenario.File, error) {
		return loadFrom(fl.set, func(set []scenario.Override) (*scenario.File, error) {
			return scenario.Load(path, append(set, point...)...)
		})
	}
	axes, err := readAxes(fl.points, fl.grid)
	if err != nil {
		return err
	}
	f, err := load(nil)
	if err != nil {
		return err
	}
	if err := r.task(f); err != nil {
		return err
	}
	var part []scenario.Override
	if from, length, ok := plan.BusiestPart(r.search.SLOs, f.Curves); ok && fl.screenSeeds > 0 {
		screen := &plan.Screen{From: from, Length: length, Seeds: r.search.Seeds[:min(fl.screenSeeds, len(r.search.Seeds))], Arrivals: arrivals(f)}
		if part, ok = screen.Part(f); ok {
			r.search.Screen = screen
		}
	}
	seeds := scenario.Seeds{First: r.search.Seeds[0], Count: len(r.search.Seeds) + len(r.search.Fresh)}
	if r.space, err = plan.NewSpace(load, axes, fl.policies, seeds, part); err != nil {
		return ofCommandLine(err)
	}
	r.search.Candidates, r.search.Written = len(r.space.Candidates), r.space.Written()
	return nil
}

// task takes what to look for from the flags and the scenario.
func (r *planRun) task(f *scenario.File) error {
	fl := &r.flags
	var err error
	if r.search.Seeds, r.search.Fresh, err = fl.raceSeeds(f); err != nil {
		return err
	}
	if r.search.Objectives, err = fl.objectives(); err != nil {
		return err
	}
	r.search.SLOs, err = fl.slosOf(f)
	r.search.Confidence = fl.confidence
	if fl.budget > 0 {
		r.search.Left = func() time.Duration { return fl.budget - r.env.Now().Sub(r.started) }
	}
	return err
}

// raceSeeds are the seeds to race with, and the fresh ones that follow them.
func (fl *planFlags) raceSeeds(f *scenario.File) (race, fresh []uint64, err error) {
	first, last := f.Scenario.Spec.Seeds.First, f.Scenario.Spec.Seeds.First+uint64(f.Scenario.Spec.Seeds.Count)-1
	if fl.seeds != "" {
		if first, last, err = parseSeeds(fl.seeds); err != nil {
			return nil, nil, err
		}
	}
	race = seedsOf(scenario.Seeds{First: first, Count: int(last - first + 1)})
	return race, seedsOf(scenario.Seeds{First: last + 1, Count: fl.confirm}), nil
}

// slosOf are those of the flags, or else the scenario's.
func (fl *planFlags) slosOf(f *scenario.File) ([]plan.SLO, error) {
	slos, err := fl.parsedSLOs()
	if err != nil {
		return nil, err
	}
	for _, s := range slos {
		if s.Service != "" && !slices.ContainsFunc(f.Scenario.Spec.Services, func(svc scenario.Service) bool { return svc.Name == s.Service }) {
			return nil, usageError("--slo %s: the scenario has no service %s", s.Text, s.Service)
		}
	}
	if len(slos) == 0 {
		slos = plan.Promised(f)
	}
	if len(slos) == 0 {
		return nil, usageError("the scenario promises nothing, and nothing is cheaper than a fleet that serves nothing: add --slo, such as --slo 'latency_p95_seconds < 50ms'")
	}
	return slos, nil
}

// arrivals are the requests that a scenario expects, by service; "" is all.
func arrivals(f *scenario.File) map[string]float64 {
	out := map[string]float64{}
	for i, s := range f.Scenario.Spec.Services {
		n := f.Curves[i].Mean() * f.Curves[i].Duration.Seconds()
		out[s.Name] = n
		out[""] += n
	}
	return out
}

// describe prints the candidates.
func (r *planRun) describe() error {
	s := &r.search
	text := fmt.Sprintf("plan %s of %s: %d candidates, %d seeds to race, %d fresh ones\n", r.space.ID(), r.space.Sweeps[0].Scenario, s.Candidates, len(s.Seeds), len(s.Fresh))
	for _, slo := range s.SLOs {
		text += "slo " + slo.Text + "\n"
	}
	if s.Screen != nil {
		text += fmt.Sprintf("screened on %v with %d seeds\n", s.Screen, len(s.Screen.Seeds))
	}
	for i, c := range r.space.Candidates {
		text += fmt.Sprintf("#%d %s", i, c.Policy)
		for k, v := range c.Values {
			text += " " + r.space.Parameters[k] + "=" + v
		}
		text += "\n"
	}
	_, err := r.env.Stdout.Write([]byte(text))
	return filesError(err)
}

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
