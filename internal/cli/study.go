package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/study"
	"github.com/kwatt-sim/kwatt/internal/sweep"
)

// studyFlags are what `sim study` can be told.
type studyFlags struct {
	seeds    string
	set      []string
	out      string
	page     string
	parallel int
	resume   bool
	dryRun   bool
	output   string
	quiet    bool
}

func studyCommand(env Env) *cobra.Command {
	var fl studyFlags
	c := &cobra.Command{
		Use:   "study FILE",
		Short: "Take a change apart into its steps and hold claims against the runs",
		Long: `study runs a scenario before a change, with its steps added one by one, each alone
and each left out, and before and after under other assumptions, all with the same
seeds. It writes a Markdown page with an ablation, charts and claims beside results,
filled into the template that the study names, and the tables of all runs.`,
		Example: `  sim study scenarios/case-study/study.yaml --page docs/case-study.md
  sim study my-change.yaml --seeds 1..20 --set spec.carbon.zone=FR --resume`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if fl.parallel < 1 {
				return usageError("-j %d: want at least 1", fl.parallel)
			}
			if fl.output != "markdown" && fl.output != "none" {
				return usageError("-o %s: want markdown or none", fl.output)
			}
			return runStudy(env, args[0], fl)
		},
	}
	f := c.Flags()
	f.StringVar(&fl.seeds, "seeds", "", "seeds A..B, or one seed (default: the study's)")
	f.StringArrayVar(&fl.set, "set", nil, "replace a value before all else: path=value (repeatable)")
	f.StringVar(&fl.out, "out", defaultOut, "folder of results")
	f.StringVar(&fl.page, "page", "", "also write the page to this file, and its charts to a folder beside it")
	f.IntVarP(&fl.parallel, "jobs", "j", runtime.NumCPU(), "runs at once")
	f.BoolVar(&fl.resume, "resume", false, "go on with an interrupted study")
	f.BoolVar(&fl.dryRun, "dry-run", false, "check every configuration, print them and stop")
	f.StringVarP(&fl.output, "output", "o", "markdown", "what to print: markdown (the page) or none")
	f.BoolVarP(&fl.quiet, "quiet", "q", false, "no progress")
	return c
}

func runStudy(env Env, path string, fl studyFlags) error {
	p, err := fl.plan(path)
	if err != nil {
		return err
	}
	if fl.dryRun {
		return describeStudy(env, p)
	}
	r := &sweepRun{env: env, started: env.Now(), sweep: p.Sweep,
		flags: sweepFlags{out: fl.out, parallel: fl.parallel, resume: fl.resume, quiet: fl.quiet}}
	if r.store, err = sweep.OpenStore(r.storeDir(), p.Sweep.Plan, binaryID()); err != nil {
		return filesError(err)
	}
	runs, err := r.simulate(p.Sweep.Units())
	if err != nil {
		return err
	}
	if err := fl.write(env, r.started, &study.Report{Plan: p, Runs: runs}); err != nil {
		return err
	}
	return filesError(r.store.Discard())
}

// plan reads the study and derives its configurations.
func (fl *studyFlags) plan(path string) (*study.Plan, error) {
	f, err := study.Load(path)
	if err != nil {
		return nil, err
	}
	seeds, err := parseSeeds(fl.seeds)
	if err != nil {
		return nil, err
	}
	p, err := study.NewPlan(f, loaderOf(f.ScenarioPath(), fl.set), seeds)
	return p, ofCommandLine(err)
}

// describeStudy prints the configurations, and which of them are one.
func describeStudy(env Env, p *study.Plan) error {
	var b strings.Builder
	fmt.Fprintf(&b, "study %s of %s: %d configurations, %d seeds: %d runs\n", p.ID(), p.Sweep.Scenario, len(p.Configurations), len(p.Sweep.Seeds), len(p.Sweep.Units()))
	for _, c := range p.Configurations {
		b.WriteString(c.Name)
		if same := p.Sweep.Points[c.Point].Values[0]; same != c.Name {
			b.WriteString(" (the same as " + same + ")")
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(env.Stdout, b.String())
	return filesError(err)
}

// write writes the results directory and the page, and prints it.
func (fl *studyFlags) write(env Env, started time.Time, rep *study.Report) error {
	files, err := rep.Files()
	if err != nil {
		return err
	}
	dir := filepath.Join(fl.out, rep.Sweep.Scenario, "study-"+rep.ID())
	if err := results.WriteFiles(dir, manifest(env, "sim", started), files); err != nil {
		return filesError(err)
	}
	if fl.page != "" {
		if err := writeStudyPage(fl.page, rep); err != nil {
			return err
		}
	}
	if fl.output == "markdown" {
		if err := fillByName(env.Stdout, files, study.PageFile); err != nil {
			return err
		}
	}
	if !fl.quiet {
		fmt.Fprintf(env.Stderr, "study   %s\n", dir)
	}
	return nil
}

// fillByName writes the file of that name.
func fillByName(w io.Writer, files []results.File, name string) error {
	for _, f := range files {
		if f.Name == name {
			return filesError(f.Fill(w))
		}
	}
	return fmt.Errorf("the study has no %s", name)
}

// writeStudyPage writes the page to a file and its charts beside it, in a folder of
// the page's name.
func writeStudyPage(path string, rep *study.Report) error {
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	page, err := rep.Page(stem)
	if err != nil {
		return err
	}
	charts, err := rep.Charts()
	if err != nil {
		return err
	}
	dir := filepath.Join(filepath.Dir(path), stem)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return filesError(fmt.Errorf("write page: %w", err))
	}
	write := func(path string, fill func(io.Writer) error) error {
		f, err := os.Create(path)
		if err != nil {
			return filesError(fmt.Errorf("write page: %w", err))
		}
		if err := fill(f); err != nil {
			_ = f.Close() // the first error tells more
			return filesError(err)
		}
		return filesError(f.Close())
	}
	for _, c := range charts {
		if err := write(filepath.Join(dir, c.Name), c.Fill); err != nil {
			return err
		}
	}
	return write(path, func(w io.Writer) error {
		_, err := w.Write(page)
		return err
	})
}
