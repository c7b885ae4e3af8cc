package cli

import (
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/sweep"
)

// sweepFlags are what `sim sweep` can be told.
type sweepFlags struct {
	grid     []string
	points   string
	policies []string
	seeds    string
	set      []string
	out      string
	parallel int
	resume   bool
	dryRun   bool
	shards   int
	shard    int
	metrics  []string
	output   string
	quiet    bool
	color    string
	engine   string
	job      jobFlags
}

func sweepCommand(env Env) *cobra.Command {
	var fl sweepFlags
	c := &cobra.Command{
		Use:   "sweep SCENARIO",
		Short: "Simulate a scenario at every point of a grid or list of parameters",
		Long: `sweep simulates a scenario at every point of a grid of --grid axes, of a list of
--points, or of both times each other. All points have the same seeds, so that
the same customers meet each. The tables, CSV and Parquet, are made for notebooks:
a row for each run, and one for each point, policy and metric.

--shards N divides the runs by a plan that is the same everywhere; --shard I runs
one part, and without it the commands of all parts are printed. sim merge joins
them to the same bytes as one sweep would have written. --engine kubernetes prints
an Indexed Job and the Job that merges, to be applied to a cluster.`,
		Example: `  sim sweep shop.yaml --policy hpa --grid spec.services[ranker].batching.maxBatch=1,2,4,8
  sim sweep shop.yaml --points points.csv --seeds 1..20 --resume
  sim sweep shop.yaml --points points.csv --shards 8 --shard 0 --out shard-0
  sim sweep shop.yaml --points points.csv --shards 8 --engine kubernetes --image kwatt:1 --claim results`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fl.check(cmd.Flags().Changed); err != nil {
				return err
			}
			return runSweep(env, args[0], fl)
		},
	}
	fl.register(c.Flags())
	return c
}

func (fl *sweepFlags) register(f *pflag.FlagSet) {
	f.StringArrayVar(&fl.grid, "grid", nil, "an axis of the grid: path=value,value,... (repeatable; the last varies fastest)")
	f.StringVar(&fl.points, "points", "", "CSV file of points: a header of paths, a row of values for each point")
	f.StringArrayVar(&fl.policies, "policy", nil, "run only this policy (repeatable)")
	f.StringVar(&fl.seeds, "seeds", "", "seeds A..B, or one seed (default: the scenario's)")
	f.StringArrayVar(&fl.set, "set", nil, "replace a value at all points: path=value (repeatable)")
	f.StringVar(&fl.out, "out", defaultOut, "folder of results")
	f.IntVarP(&fl.parallel, "jobs", "j", runtime.NumCPU(), "runs at once")
	f.BoolVar(&fl.resume, "resume", false, "go on with an interrupted sweep, or shard of one")
	f.BoolVar(&fl.dryRun, "dry-run", false, "check every point, print them and stop")
	f.IntVar(&fl.shards, "shards", 1, "parts to divide the runs into")
	f.IntVar(&fl.shard, "shard", -1, "the part to run, from 0; keep its runs for sim merge")
	f.StringArrayVar(&fl.metrics, "metric", []string{"latency_p95_seconds", "slo_attainment_ratio", "energy_kwh", "cost_usd"}, "metric to print (repeatable); the tables hold all")
	f.StringVarP(&fl.output, "output", "o", "text", "what to print: text, csv (points.csv) or none")
	f.BoolVarP(&fl.quiet, "quiet", "q", false, "no progress")
	f.StringVar(&fl.color, "color", "auto", "auto, always or never")
	f.StringVar(&fl.engine, "engine", "local", "local, or kubernetes to print a Job instead of running")
	fl.job.register(f)
}

// check refuses flags before anything is read.
func (fl *sweepFlags) check(changed func(string) bool) error {
	switch {
	case len(fl.grid) == 0 && fl.points == "":
		return usageError("nothing varies: add --grid path=value,value,... or --points FILE")
	case fl.parallel < 1:
		return usageError("-j %d: want at least 1", fl.parallel)
	case fl.shards < 1 || fl.shards > maxShards:
		return usageError("--shards %d: want 1 to %d", fl.shards, maxShards)
	case changed("shard") && (fl.shard < 0 || fl.shard >= fl.shards):
		return usageError("--shard %d: want 0 to %d, of --shards %d", fl.shard, fl.shards-1, fl.shards)
	case fl.engine != "local" && fl.engine != "kubernetes":
		return usageError("--engine %s: want local or kubernetes", fl.engine)
	}
	for _, m := range fl.metrics {
		if _, err := metrics.Find(m); err != nil {
			return usageError("--metric: %w", err)
		}
	}
	if err := fl.job.check(fl.engine == "kubernetes", changed); err != nil {
		return err
	}
	return checkOutput(fl.output, fl.color, "text", "csv", "none")
}

// maxShards is the most completions that Kubernetes gives an Indexed Job whose
// indices may fail one by one.
const maxShards = 100_000

// plan reads the axes and the scenario at every point.
func (fl *sweepFlags) plan(path string) (*sweep.Sweep, error) {
	axes, err := readAxes(fl.points, fl.grid)
	if err != nil {
		return nil, err
	}
	seeds, err := parseSeeds(fl.seeds)
	if err != nil {
		return nil, err
	}
	s, err := sweep.New(loaderOf(path, fl.set), axes, fl.policies, seeds)
	return s, ofCommandLine(err)
}

// loaderOf reads the scenario at path with --set, and what a point says beyond it.
func loaderOf(path string, set []string) sweep.Loader {
	return func(point []scenario.Override) (*scenario.File, error) {
		return loadFrom(set, func(all []scenario.Override) (*scenario.File, error) {
			return scenario.Load(path, append(all, point...)...)
		})
	}
}

func readPoints(path string) (sweep.Axis, error) {
	f, err := os.Open(path)
	if err != nil {
		return sweep.Axis{}, filesError(fmt.Errorf("read points: %w", err))
	}
	defer func() { _ = f.Close() }() // it was only read
	a, err := sweep.ReadPoints(f)
	if err != nil {
		return sweep.Axis{}, &codedError{exitInvalid, fmt.Errorf("%s: %w", path, err)}
	}
	return a, nil
}
