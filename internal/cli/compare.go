package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// compareFlags are what `sim compare` can be told.
type compareFlags struct {
	policies  []string // of side A and side B; one for both
	manifestA string
	manifestB string
	ref       string
	metrics   []string
	interval  string
	test      string
	output    string
	color     string
	run       RunFlags // seeds, set, parallel, quiet
	untilTold bool
	maxSeeds  int
}

func compareCommand(env Env) *cobra.Command {
	var fl compareFlags
	c := &cobra.Command{
		Use:   "compare {DIR_A DIR_B | DIR | SCENARIO}",
		Short: "Compare two results, two policies, or a scenario before and after a change",
		Long: `compare pairs two sides by seed and says in which metrics they differ, and what
so many seeds could have shown. The sides are

  two results directories        sim compare results/shop/0123 results/shop/4567 --policy hpa
  two policies of one directory  sim compare results/shop/0123 --policies static,hpa
  two manifests of one scenario  sim compare shop.yaml --manifest-a old.yaml --manifest-b new.yaml
  a git revision and the files   sim compare shop.yaml --ref main
  as they are now

The last two simulate both sides. A manifest is a HorizontalPodAutoscaler or a
KubeSchedulerConfiguration, put in the place of the one that the policy names.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fl.check(args, cmd.Flags().Changed); err != nil {
				return err
			}
			s, err := fl.compare(env, args)
			if err != nil {
				return err
			}
			return printSides(env, s, fl.output, fl.color)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&fl.policies, "policies", nil, "policies of side A and side B: a,b")
	f.StringSliceVar(&fl.policies, "policy", nil, "policy of both sides")
	f.StringVar(&fl.manifestA, "manifest-a", "", "manifest of side A")
	f.StringVar(&fl.manifestB, "manifest-b", "", "manifest of side B")
	f.StringVar(&fl.ref, "ref", "", "git revision whose files are side A")
	f.StringArrayVar(&fl.metrics, "metric", nil, "compare this metric (repeatable), or all (default: the headline metrics)")
	f.StringVar(&fl.interval, "interval", results.StudentInterval, "interval of the changes: t or bootstrap (BCa)")
	f.StringVar(&fl.test, "test", results.SignFlipTest, "test of the differences: sign-flip (exact, of no distribution) or t (Student's paired, for normal differences: tells with few seeds)")
	f.StringVarP(&fl.output, "output", "o", "text", "text, json, csv or md")
	f.StringVar(&fl.color, "color", "auto", "auto, always or never")
	f.StringVar(&fl.run.seeds, "seeds", "", "seeds A..B to simulate (default: the scenario's)")
	f.StringArrayVar(&fl.run.set, "set", nil, "replace a value of the scenario: path=value (repeatable)")
	f.IntVarP(&fl.run.parallel, "jobs", "j", runtime.NumCPU(), "replications at once")
	f.BoolVarP(&fl.run.quiet, "quiet", "q", false, "no progress")
	f.BoolVar(&fl.untilTold, "until-decided", false, "add seeds until every metric has a verdict, or --max-seeds")
	f.IntVar(&fl.maxSeeds, "max-seeds", 0, "most seeds of --until-decided (default: four times the first)")
	return c
}

// simulates reports whether both sides are to be run.
func (fl *compareFlags) simulates() bool {
	return fl.manifestA != "" || fl.manifestB != "" || fl.ref != ""
}

// check refuses flags before anything is read.
func (fl *compareFlags) check(args []string, changed func(string) bool) error {
	if err := checkOutput(fl.output, fl.color, "text", "json", "csv", "md"); err != nil {
		return err
	}
	if fl.interval != results.StudentInterval && fl.interval != results.BootstrapInterval {
		return usageError("--interval %s: want %s or %s", fl.interval, results.StudentInterval, results.BootstrapInterval)
	}
	if err := oneOf("test", fl.test, results.SignFlipTest, results.TTest); err != nil {
		return err
	}
	if slices.Equal(fl.metrics, []string{"all"}) {
		fl.metrics = nil
		for _, m := range metrics.Catalogue() {
			fl.metrics = append(fl.metrics, m.Name)
		}
	}
	for _, name := range fl.metrics {
		if _, err := metrics.Find(name); err != nil {
			return usageError("--metric: %w", err)
		}
	}
	if len(fl.policies) > 2 {
		return usageError("--policies %s: want one for each side", strings.Join(fl.policies, ","))
	}
	if !fl.simulates() {
		for _, name := range []string{"seeds", "set", "jobs", "until-decided", "max-seeds"} {
			if changed(name) {
				return usageError("--%s goes with --manifest-a and --manifest-b, or --ref: otherwise nothing is simulated", name)
			}
		}
	}
	switch {
	case fl.simulates() && len(args) == 2:
		return usageError("--manifest-a, --manifest-b and --ref compare one scenario; %s is one too many", args[1])
	case fl.ref != "" && fl.manifestA+fl.manifestB != "":
		return usageError("--ref goes without --manifest-a and --manifest-b")
	case (fl.manifestA == "") != (fl.manifestB == ""):
		return usageError("--manifest-a and --manifest-b go together")
	case fl.run.parallel < 1:
		return usageError("-j %d: want at least 1", fl.run.parallel)
	case !fl.untilTold && changed("max-seeds"):
		return usageError("--max-seeds goes with --until-decided")
	}
	return nil
}

func (fl *compareFlags) compare(env Env, args []string) (*results.SideBySide, error) {
	if fl.simulates() {
		return fl.simulateSides(env, args[0])
	}
	a, err := readSide(args[0])
	if err != nil {
		return nil, err
	}
	b := a
	if len(args) == 2 {
		if b, err = readSide(args[1]); err != nil {
			return nil, err
		}
	} else if len(fl.policies) != 2 {
		return nil, usageError("%s alone has to be told which of its policies: --policies a,b of %s", args[0], strings.Join(a.names(), ", "))
	}
	policyA, policyB, err := fl.choosePolicies(a, b)
	if err != nil {
		return nil, err
	}
	sideA, errA := a.side(policyA, len(args) == 1)
	sideB, errB := b.side(policyB, len(args) == 1)
	if err := errors.Join(errA, errB); err != nil {
		return nil, err
	}
	s, err := results.Pair(sideA, sideB, results.SideOptions{Metrics: fl.metrics, Interval: fl.interval, Test: fl.test})
	if err != nil {
		return nil, &codedError{exitUsage, err}
	}
	if len(args) == 2 {
		s.Warnings = append(scenarioWarnings(a, b), s.Warnings...)
	}
	return s, nil
}

// resultDir is a results directory that was read.
type resultDir struct {
	path      string
	summary   *results.Summary
	effective []byte
}

// readSide reads a results directory after checking its files.
func readSide(path string) (*resultDir, error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return nil, usageError("%s is a file: two directories of results are compared as they are, a scenario with --manifest-a and --manifest-b or with --ref", path)
	}
	if err := results.Verify(path); err != nil {
		return nil, filesError(err)
	}
	s, _, err := results.Read(path)
	if err != nil {
		return nil, filesError(err)
	}
	effective, err := fs.ReadFile(os.DirFS(path), results.EffectiveFile)
	if err != nil {
		return nil, filesError(fmt.Errorf("read results %s: %w", path, err))
	}
	return &resultDir{path, s, effective}, nil
}

func (d *resultDir) names() []string {
	var names []string
	for _, p := range d.summary.Policies {
		names = append(names, p.Name)
	}
	return names
}

// side is one policy of the directory, called by its name where both sides are
// of one directory, else by the directory's.
func (d *resultDir) side(policy string, byPolicy bool) (results.Side, error) {
	for _, p := range d.summary.Policies {
		if p.Name == policy {
			name := filepath.ToSlash(d.path)
			if byPolicy {
				name = policy
			}
			return results.Side{Name: name, Scenario: d.summary.Scenario.Name, Policy: policy, Currency: d.summary.Currency, Replications: p.Replications, Services: p.Services}, nil
		}
	}
	return results.Side{}, usageError("%s has no policy %s: it has %s", d.path, policy, strings.Join(d.names(), ", "))
}

// choosePolicies settles which policy of each directory is meant: those named, or
// the only one that both have.
func (fl *compareFlags) choosePolicies(a, b *resultDir) (policyA, policyB string, err error) {
	if len(fl.policies) > 0 {
		return fl.policies[0], fl.policies[len(fl.policies)-1], nil
	}
	var both []string
	for _, name := range a.names() {
		if slices.Contains(b.names(), name) {
			both = append(both, name)
		}
	}
	switch {
	case len(both) == 1:
		return both[0], both[0], nil
	case len(a.names()) == 1 && len(b.names()) == 1:
		return a.names()[0], b.names()[0], nil
	}
	return "", "", usageError("which policy? --policy NAME for both, or --policies a,b: A has %s; B has %s", strings.Join(a.names(), ", "), strings.Join(b.names(), ", "))
}

func printSides(env Env, s *results.SideBySide, output, color string) error {
	o := report.Options{Color: env.color(env.Stdout, color)}
	switch output {
	case "json":
		return printJSON(env, s)
	case "csv":
		return filesError(report.SidesCSV(env.Stdout, s))
	case "md":
		return filesError(report.SidesMarkdown(env.Stdout, s, o))
	}
	return filesError(report.Sides(env.Stdout, s, o))
}
