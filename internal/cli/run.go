package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// RunFlags are what `sim run` and `replay run` can be told.
type RunFlags struct {
	policies []string
	seeds    string
	set      []string
	out      string
	parallel int
	resume   bool
	dryRun   bool
	output   string
	quiet    bool
	color    string
	static   bool
	ledger   string
	regret   bool
	carbon   carbonFlags
}

// ledgers are the values of --ledger.
var ledgers = map[string]engine.Ledger{"changes": engine.Changes, "ticks": engine.Ticks, "nodes": engine.NodeResults}

// What --ledger and --out are when they are not given.
const (
	defaultLedger = "ticks"
	defaultOut    = "results"
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

// registerSim makes the flags of `sim run` known to a set.
func (fl *RunFlags) registerSim(f *pflag.FlagSet) {
	fl.Register(f)
	f.BoolVar(&fl.regret, "regret", false, "also run an oracle and the best static fleet, and report how far each policy is from them (as spec.regret: true)")
	f.StringVar(&fl.seeds, "seeds", "", "seeds A..B, or one seed (default: the scenario's)")
	f.IntVarP(&fl.parallel, "jobs", "j", runtime.NumCPU(), "replications at once")
	fl.carbon.register(f)
}

// Register makes the flags of both programs known to a set.
func (fl *RunFlags) Register(f *pflag.FlagSet) {
	f.StringArrayVar(&fl.policies, "policy", nil, "run only this policy (repeatable; the first is the base of comparisons)")
	f.StringArrayVar(&fl.set, "set", nil, "replace a value: path=value (repeatable)")
	f.StringVar(&fl.out, "out", defaultOut, "folder of results")
	f.BoolVar(&fl.resume, "resume", false, "go on with an interrupted run of the same scenario")
	f.BoolVar(&fl.dryRun, "dry-run", false, "print the effective scenario and stop")
	f.StringVarP(&fl.output, "output", "o", "text", "what to print: text, json (summary.json), none; with --dry-run yaml")
	f.BoolVarP(&fl.quiet, "quiet", "q", false, "no progress")
	f.StringVar(&fl.color, "color", "auto", "auto, always or never")
	f.StringVar(&fl.ledger, "ledger", defaultLedger, "how much of the decisions to keep: changes, ticks (also those to change nothing) or nodes (also each node's filter and score results)")
	f.BoolVar(&fl.static, "static-charts", false, "SVG charts without scripts in report.html")
}

// Seeds names the seeds to run, A..B or one.
func (fl *RunFlags) Seeds(text string) { fl.seeds = text }

// Check refuses flags before anything is run.
func (fl RunFlags) Check() error {
	if fl.dryRun && fl.output != "text" && fl.output != "yaml" {
		return usageError("-o %s: --dry-run prints yaml", fl.output)
	}
	if !fl.dryRun && fl.output == "yaml" {
		return usageError("-o yaml goes with --dry-run; want text, json or none")
	}
	if _, ok := ledgers[fl.ledger]; !ok {
		return usageError("--ledger %s: want changes, ticks or nodes", fl.ledger)
	}
	if fl.output == "yaml" {
		return checkColor(fl.color)
	}
	return checkOutput(fl.output, fl.color, "text", "json", "none")
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
	}
	kept, err := r.studyCarbon(configs)
	if err != nil {
		return err
	}
	key := results.ID(append(slices.Clone(r.bundle.Effective), r.file.Digest()...), r.policies, r.seeds)
	key += world.Suffix
	root := filepath.Join(fl.out, r.file.Scenario.Metadata.Name)
	r.dir = filepath.Join(root, key)
	runs, partial, err := r.simulate(configs, root, key+"-"+fl.ledger+kept+"-"+binaryID())
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
	if r.flags.seeds != "" {
		first, last, err := parseSeeds(r.flags.seeds)
		if err != nil {
			return err
		}
		spec.Seeds = scenario.Seeds{First: first, Count: int(last - first + 1)}
	} else if r.world.FirstSeed {
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

// maxSeeds is far beyond what anybody compares; more is a typo.
const maxSeeds = 10_000

func parseSeeds(s string) (first, last uint64, err error) {
	a, b, isRange := strings.Cut(s, "..")
	if !isRange {
		b = a
	}
	first, errA := strconv.ParseUint(a, 10, 64)
	last, errB := strconv.ParseUint(b, 10, 64)
	if errA != nil || errB != nil || last < first || last-first >= maxSeeds {
		return 0, 0, usageError("seeds %s: want A..B with A at most B, %d seeds at most", s, maxSeeds)
	}
	return first, last, nil
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
		Command: r.reproduce(), StaticCharts: r.flags.static, Start: r.file.Start(),
	}
	for _, s := range spec.Services {
		d.Services = append(d.Services, s.Name)
		if target, q, ok := s.SLO.Latency.Target(); ok {
			d.SLOs = append(d.SLOs, report.SLO{Service: s.Name, Quantile: fmt.Sprintf("p%.0f", 100*q), Seconds: target.Seconds()})
		}
	}
	return d
}

// reproduce is the command line that gives the same result. It leaves out what
// does not change it: the scenario's folder, -j, --out, --resume and what is
// printed.
func (r *experimentRun) reproduce() string {
	words := append([]string{r.world.Program, "run", filepath.Base(r.file.Path)}, r.world.Flags...)
	for _, p := range r.flags.policies {
		words = append(words, "--policy", p)
	}
	if r.flags.seeds != "" {
		words = append(words, r.world.SeedFlag, r.flags.seeds)
	}
	for _, s := range r.flags.set {
		words = append(words, "--set", s)
	}
	if r.flags.regret {
		words = append(words, "--regret")
	}
	if r.flags.ledger != defaultLedger {
		words = append(words, "--ledger", r.flags.ledger)
	}
	words = append(words, r.flags.carbon.words()...)
	return shellWords(words)
}

// shellWords joins words so that a shell takes them apart again.
func shellWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if quoted[i] = w; w == "" || strings.ContainsAny(w, " \t\n'\"\\$&|;<>()[]{}*?!#~`") {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
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
