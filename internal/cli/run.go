package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

func runCommand(env Env) *cobra.Command {
	var fl RunFlags
	c := &cobra.Command{
		Use:   "run SCENARIO...",
		Short: "Simulate a scenario's policies and compare them",
		Example: `  sim run scenarios/ecommerce-recsys.yaml
  sim run s.yaml --policy static --policy hpa --seeds 1..20 -j 4
  sim run s.yaml --set spec.carbon.zone=FR --dry-run -o yaml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			if fl.parallel < 1 {
				return usageError("-j %d: want at least 1", fl.parallel)
			}
			if err := fl.Check(); err != nil {
				return err
			}
			for _, file := range files {
				if err := RunScenario(env, file, fl, simulation); err != nil {
					return err
				}
			}
			return nil
		},
	}
	fl.registerSim(c.Flags())
	return c
}

// experimentRun is one scenario being run.
type experimentRun struct {
	env      Env
	world    World
	flags    RunFlags
	file     *scenario.File
	policies []string
	seeds    []uint64
	dir      string                  // of the results
	study    *experiment.CarbonStudy // nil when it was not asked for
	bundle   results.Bundle
	started  time.Time
}

// RunScenario runs the scenario's policies and seeds in a world, writes the
// results directory and prints the comparison.
func RunScenario(env Env, path string, fl RunFlags, world World) error {
	r := &experimentRun{env: env, world: world, flags: fl, started: env.Now()}
	var err error
	set := fl.set
	if fl.regret {
		set = append(slices.Clone(set), "spec.regret=true")
	}
	if r.file, err = load(path, set); err != nil {
		return err
	}
	if err := r.choose(); err != nil {
		return err
	}
	if r.bundle.Effective, err = r.file.Effective(); err != nil {
		return err
	}
	if fl.dryRun {
		_, err := env.Stdout.Write(r.bundle.Effective)
		return filesError(err)
	}
	configs, err := experiment.Compile(r.file, r.policies)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, c := range configs {
		c.Ledger = ledgers[fl.ledger]
		if fl.series == nodeSeries {
			c.NodeSeed = &r.seeds[0]
		}
	}
	kept, err := r.studyCarbon(configs)
	if err != nil {
		return err
	}
	key := results.ID(append(slices.Clone(r.bundle.Effective), r.file.Digest()...), r.policies, r.seeds)
	key += world.Suffix
	root := filepath.Join(fl.out, r.file.Scenario.Metadata.Name)
	r.dir = filepath.Join(root, key)
	runs, partial, err := r.simulate(configs, root, key+"-"+fl.ledger+fl.keptSeries()+kept+"-"+binaryID())
	if err != nil {
		return err
	}
	sensitivity, err := r.carbonSensitivity(runs)
	if err != nil {
		return err
	}
	bounds, err := r.bounds(partial.Dir())
	if err != nil {
		return err
	}
	if err := r.summarise(runs, sensitivity, bounds); err != nil {
		return err
	}
	if err := results.Write(r.dir, r.bundle); err != nil {
		return filesError(fmt.Errorf("%w; the replications are kept in %s: make room and add --resume", err, partial.Dir()))
	}
	if err := partial.Discard(); err != nil {
		return filesError(err)
	}
	return r.print()
}

// choose settles policies and seeds; the scenario is changed to say so, so
// that the effective scenario is what was run.
func (r *experimentRun) choose() error {
	spec := &r.file.Scenario.Spec
	seeds, err := parseSeeds(r.flags.seeds)
	switch {
	case err != nil:
		return err
	case seeds != nil:
		spec.Seeds = *seeds
	case r.world.FirstSeed:
		spec.Seeds.Count = 1
	}
	r.seeds = seedsOf(spec.Seeds)
	if r.policies = r.flags.policies; r.policies == nil {
		r.policies = r.file.PolicyNames()
	}
	if err := r.file.Choose(r.policies); err != nil {
		return usageError("--policy: %w", err)
	}
	return nil
}

// simulate runs what is not kept from an earlier, interrupted run.
func (r *experimentRun) simulate(configs []*engine.Config, root, key string) ([]*results.Run, *results.Partial, error) {
	partial, err := results.OpenPartial(root, key)
	if err != nil {
		return nil, nil, filesError(err)
	}
	var runs []*results.Run
	if r.flags.resume {
		var warnings []string
		runs, warnings = partial.Load()
		for _, w := range warnings {
			fmt.Fprintln(r.env.Stderr, r.world.Program+":", w)
		}
	}
	jobs := experiment.Jobs(configs, r.seeds)
	all := len(jobs)
	jobs = slices.DeleteFunc(jobs, func(j experiment.Job) bool {
		return slices.ContainsFunc(runs, func(k *results.Run) bool { return k.Policy == j.Config.Policy && k.Seed == j.Seed })
	})
	if len(runs) > 0 {
		fmt.Fprintf(r.env.Stderr, "%s: %d of %d replications are there from an earlier run\n", r.world.Program, len(runs), all)
	}
	p := newProgress(r.env, len(jobs), expectedRequests(jobs), r.flags.quiet)
	for _, c := range configs {
		c.Progress = p.add
	}
	err = r.world.Run(r.env.Context, r.file, jobs, r.flags.parallel, func(run *results.Run) error {
		if err := partial.Save(run); err != nil {
			return filesError(err)
		}
		runs = append(runs, run)
		p.finished(run.Policy, run.Seed)
		return nil
	})
	p.close()
	if errors.Is(err, context.Canceled) {
		return nil, nil, r.interrupted(len(runs), all, partial.Dir())
	}
	return runs, partial, err
}

// interrupted is the error of a run that the user stopped.
func (r *experimentRun) interrupted(done, all int, dir string) error {
	again := slices.Clone(r.env.Args)
	if !r.flags.resume {
		again = append(again, "--resume")
	}
	return &codedError{exitInterrupted, fmt.Errorf("interrupted: %d of %d replications are kept in %s; go on with:\n  %s %s", done, all, dir, r.world.Program, shellWords(again))}
}

// summarise makes what the results directory will hold.
func (r *experimentRun) summarise(runs []*results.Run, sensitivity *results.CarbonSensitivity, bounds []results.Bound) error {
	grades, notes := experiment.Provenance(r.file)
	r.bundle.Runs = runs
	var err error
	in := results.Inputs{
		Scenario: r.file.Scenario.Metadata.Name, Start: r.file.Start(), Duration: r.file.Scenario.Spec.Duration.D(),
		Currency: r.file.Scenario.Spec.Cost.Currency, Effective: r.bundle.Effective,
		Policies: r.policies, Oracles: experiment.Oracles(r.file), Grades: grades, Notes: notes,
	}
	if len(r.file.Inputs) > 1 {
		in.Files = r.file.Digest()
	}
	r.bundle.Summary, err = results.Summarise(runs, in)
	if err != nil {
		return err
	}
	if bounds != nil {
		if err := r.bundle.Summary.AddRegret(runs, bounds, experiment.SLOs(r.file)); err != nil {
			return err
		}
	}
	r.bundle.Summary.CarbonSensitivity = sensitivity
	r.bundle.Summary.Notes = append(r.bundle.Summary.Notes, experiment.Promises(r.file, r.bundle.Summary)...)
	if r.world.Finish != nil {
		if err := r.world.Finish(&r.bundle); err != nil {
			return err
		}
	}
	if r.bundle.Markdown, r.bundle.Report, err = render(r.bundle.Summary, runs, r.document()); err != nil {
		return err
	}
	r.bundle.Manifest = manifest(r.env, r.world.Program, r.started)
	return nil
}

// document is what the reports say beyond the summary.
func (r *experimentRun) document() report.Document {
	spec := &r.file.Scenario.Spec
	d := report.Document{
		Description: r.file.Scenario.Metadata.Description, Currency: spec.Cost.Currency,
		Command: r.reproduce(), StaticCharts: r.flags.static, Start: r.file.Start(), NodesHint: r.nodesHint(),
	}
	for _, s := range spec.Services {
		d.Services = append(append(d.Services, s.Name), spec.InRegions(s.Name)...)
		if target, q, ok := s.SLO.Latency.Target(); ok {
			d.SLOs = append(d.SLOs, report.SLO{Service: s.Name, Quantile: fmt.Sprintf("p%.0f", 100*q), Seconds: target.Seconds()})
		}
	}
	return d
}

// print writes the table or the summary to stdout, and where the files are.
func (r *experimentRun) print() error {
	if err := printSummary(r.env, r.bundle.Summary, r.flags.output, r.flags.color); err != nil {
		return err
	}
	if !r.flags.quiet {
		fmt.Fprintf(r.env.Stderr, "report  %s\n", filepath.Join(r.dir, results.ReportFile))
	}
	return nil
}
