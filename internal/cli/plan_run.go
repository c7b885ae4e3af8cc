package cli

import (
	"fmt"
	"slices"
	"time"

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
	load := loaderOf(path, fl.set)
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
	seeds, err := parseSeeds(fl.seeds)
	if err != nil {
		return nil, nil, err
	}
	if seeds == nil {
		seeds = &f.Scenario.Spec.Seeds
	}
	return seedsOf(*seeds), seedsOf(scenario.Seeds{First: seeds.First + uint64(seeds.Count), Count: fl.confirm}), nil
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
