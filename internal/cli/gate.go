package cli

import (
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/gate"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// gateFlags are what `sim gate` can be told.
type gateFlags struct {
	update       bool
	untilDecided bool
	maxSeeds     int
	dryRun       bool
	junit        string
	markdown     string
	github       bool
	out          string
	parallel     int
	quiet        bool
	output       string
	color        string
}

func gateCommand(env Env) *cobra.Command {
	var fl gateFlags
	c := &cobra.Command{
		Use:   "gate GATE.yaml",
		Short: "Run a scenario and hold its figures to limits and to a baseline, for CI",
		Long: `gate simulates the policies that a Gate file checks and gives each check a
verdict: pass, fail, or inconclusive with the number of seeds that would decide.
Nothing is run before the file, its scenario and all they name are valid.

Exit codes: 0 all passed, 99 a check failed, 98 none failed but one is
inconclusive. A missing baseline, figure or seed is a failure, never a pass.`,
		Example: `  sim gate gates/shop.yaml
  sim gate gates/shop.yaml --junit gate.xml --markdown gate.md
  sim gate gates/shop.yaml --until-decided --max-seeds 40
  sim gate gates/shop.yaml --update-baseline`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fl.check(cmd.Flags().Changed); err != nil {
				return err
			}
			return runGate(env, args[0], fl)
		},
	}
	f := c.Flags()
	f.BoolVar(&fl.update, "update-baseline", false, "run, and write what is found as the new baseline instead of judging it")
	f.BoolVar(&fl.untilDecided, "until-decided", false, "add seeds until every check is decided, or spec.seeds.max")
	f.IntVar(&fl.maxSeeds, "max-seeds", 0, "most seeds of --until-decided, or seeds of --update-baseline (default: spec.seeds.max)")
	f.BoolVar(&fl.dryRun, "dry-run", false, "check the files, print what would be run and stop")
	f.StringVar(&fl.junit, "junit", "", "file to write JUnit XML to")
	f.StringVar(&fl.markdown, "markdown", "", "file to write a comment for a pull request to")
	f.BoolVar(&fl.github, "github", env.Getenv("GITHUB_ACTIONS") == "true", "annotate lines of the gate file on GitHub (default: when it runs there)")
	f.StringVar(&fl.out, "out", "", "folder to keep the run's results in, as sim run does (default: none are kept)")
	f.IntVarP(&fl.parallel, "jobs", "j", runtime.NumCPU(), "replications at once")
	f.BoolVarP(&fl.quiet, "quiet", "q", false, "no progress")
	f.StringVarP(&fl.output, "output", "o", "text", "what to print: text or json")
	f.StringVar(&fl.color, "color", "auto", "auto, always or never")
	return c
}

// check refuses flags before anything is read.
func (fl gateFlags) check(changed func(string) bool) error {
	switch {
	case fl.update && fl.untilDecided:
		return usageError("--update-baseline runs spec.seeds.max seeds, or --max-seeds; --until-decided has no part in it")
	case changed("max-seeds") && !fl.update && !fl.untilDecided:
		return usageError("--max-seeds goes with --until-decided or --update-baseline")
	case changed("max-seeds") && (fl.maxSeeds < 2 || fl.maxSeeds > maxSeeds):
		return usageError("--max-seeds %d: want 2 to %d", fl.maxSeeds, maxSeeds)
	case fl.parallel < 1:
		return usageError("-j %d: want at least 1", fl.parallel)
	}
	return checkOutput(fl.output, fl.color, "text", "json")
}

// gateRun is a gate being run.
type gateRun struct {
	env     Env
	flags   gateFlags
	file    *gate.File
	configs map[string]*engine.Config // by policy
	runs    []*results.Run
	first   uint64
	count   int // seeds to begin with
	most    int
}

func runGate(env Env, path string, fl gateFlags) error {
	f, err := gate.Load(path)
	if err != nil {
		return err
	}
	r := &gateRun{env: env, flags: fl, file: f, configs: map[string]*engine.Config{}}
	if err := r.plan(); err != nil {
		return err
	}
	// Read even where it is about to be replaced: a damaged one is worth knowing.
	var baseline *gate.Baseline
	if at := f.BaselinePath(); at != "" {
		if baseline, err = gate.ReadBaseline(at); err != nil && !fl.update {
			return err
		}
	}
	if fl.dryRun {
		_, err := fmt.Fprint(env.Stdout, f.Plan(baseline, r.first, r.count, r.most))
		return filesError(err)
	}
	started := env.Now()
	if fl.update {
		return r.updateBaseline(baseline)
	}
	report, err := r.judge(baseline)
	if err != nil {
		return err
	}
	if fl.out != "" {
		if err := r.keep(started); err != nil {
			return err
		}
	}
	return r.tell(report)
}

// plan settles the seeds and makes the worlds.
func (r *gateRun) plan() error {
	r.first, r.count, r.most = r.file.Seeds()
	if r.flags.maxSeeds > 0 {
		r.most = r.flags.maxSeeds
	}
	if r.most < r.count {
		return usageError("--max-seeds %d: the gate begins with %d", r.most, r.count)
	}
	names := r.file.Scenario.PolicyNames()
	configs, err := experiment.Compile(r.file.Scenario, names)
	if err != nil {
		return fmt.Errorf("%s: %w", r.file.Scenario.Path, err)
	}
	for i, name := range names {
		r.configs[name] = configs[i]
	}
	return nil
}

// simulate runs some policies with the seeds from one position to another.
func (r *gateRun) simulate(policies []string, from, to int) error {
	var configs []*engine.Config
	for _, name := range policies {
		configs = append(configs, r.configs[name])
	}
	seeds := seedsOf(scenario.Seeds{First: r.first + uint64(from), Count: to - from})
	more, err := replicate(r.env, configs, seeds, r.flags.parallel, r.flags.quiet)
	r.runs = append(r.runs, more...)
	return err
}

// judge looks at the seeds as planned: once, or until all is decided.
func (r *gateRun) judge(baseline *gate.Baseline) (*gate.Report, error) {
	judge, err := gate.NewJudge(r.file, baseline)
	if err != nil {
		return nil, err
	}
	looks := []stats.Look{{Seeds: r.count, Share: 1}}
	if r.flags.untilDecided {
		if looks, err = stats.Looks(r.count, r.most); err != nil {
			return nil, &codedError{exitUsage, err}
		}
	}
	from := 0
	for _, l := range looks {
		open := judge.Undecided()
		if len(open) == 0 {
			break
		}
		if err := r.simulate(open, from, l.Seeds); err != nil {
			return nil, err
		}
		judge.Look(r.runs, l.Share)
		from = l.Seeds
	}
	report := judge.Report(version)
	if report.Verdict == gate.Inconclusive && !r.flags.untilDecided && r.most > r.count {
		report.Notes = append(report.Notes, fmt.Sprintf("--until-decided adds seeds until every check is decided, %d at most", r.most))
	}
	return report, nil
}

// updateBaseline writes the baseline anew and says what changed.
func (r *gateRun) updateBaseline(old *gate.Baseline) error {
	at := r.file.BaselinePath()
	if at == "" {
		return usageError("--update-baseline: %s names no baseline; add spec.baseline", r.file.Path)
	}
	if err := r.simulate(r.file.Scenario.PolicyNames(), 0, r.most); err != nil {
		return err
	}
	b, err := gate.Record(r.file, r.runs, version)
	if err != nil {
		return &codedError{exitUsage, err}
	}
	if b.Same(old) {
		fmt.Fprintf(r.env.Stdout, "%s: unchanged\n", filepath.ToSlash(at))
		return nil
	}
	if err := b.Write(at); err != nil {
		return filesError(err)
	}
	fmt.Fprintf(r.env.Stdout, "%s: written, %d seeds\n%s", filepath.ToSlash(at), len(b.Seeds), b.Changes(old))
	return nil
}
