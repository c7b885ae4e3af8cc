package cli

import (
	"errors"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/plan"
	"github.com/kwatt-sim/kwatt/internal/stats"
	"github.com/kwatt-sim/kwatt/internal/sweep"
)

// planFlags are what `sim plan` can be told.
type planFlags struct {
	grid        []string
	points      string
	policies    []string
	seeds       string
	set         []string
	slos        []string
	minimise    []string
	confidence  float64
	confirm     int
	screenSeeds int
	budget      time.Duration
	capacity    bool
	precision   float64
	out         string
	parallel    int
	resume      bool
	dryRun      bool
	output      string
	quiet       bool
	color       string
}

func planCommand(env Env) *cobra.Command {
	var fl planFlags
	c := &cobra.Command{
		Use:   "plan SCENARIO",
		Short: "Find the cheapest, least-energy and least-carbon configuration that keeps the SLOs",
		Long: `plan searches the policies of a scenario at every point of --grid and --points, as
sim sweep has them, and the scenario as it is written, for the configuration that
costs, draws or emits least and keeps the SLOs with the stated confidence.

It screens all candidates on the busiest part of the window, races the others over
the whole window on the same seeds, dropping what is known to miss an SLO or to be
worse than a candidate that keeps them, and confirms the winners on fresh seeds,
whose figures alone it reports them with.

--find-capacity asks at which peak each policy of the scenario, as it is written,
breaks the SLOs.

Exit codes: 0 found and confirmed, 99 nothing keeps the SLOs, 98 the seeds or the
time do not tell.`,
		Example: `  sim plan shop.yaml --grid spec.services[ranker].batching.maxBatch=2,4,8 --minimise cost
  sim plan shop.yaml --points points.csv --slo 'latency_p95_seconds < 50ms' --budget 10m
  sim plan shop.yaml --find-capacity --policy hpa`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := fl.check(); err != nil {
				return err
			}
			if fl.capacity {
				return findCapacity(env, args[0], fl)
			}
			return runPlan(env, args[0], fl)
		},
	}
	fl.register(c.Flags())
	return c
}

func (fl *planFlags) register(f *pflag.FlagSet) {
	f.StringArrayVar(&fl.grid, "grid", nil, "an axis of the grid: path=value,value,... (repeatable)")
	f.StringVar(&fl.points, "points", "", "CSV file of points: a header of paths, a row of values for each point")
	f.StringArrayVar(&fl.policies, "policy", nil, "search only this policy (repeatable)")
	f.StringVar(&fl.seeds, "seeds", "", "seeds A..B of the race (default: the scenario's)")
	f.StringArrayVar(&fl.set, "set", nil, "replace a value of all candidates: path=value (repeatable)")
	f.StringArrayVar(&fl.slos, "slo", nil, "[SERVICE/]METRIC < LIMIT, or > (repeatable; default: the scenario's SLOs)")
	f.StringSliceVar(&fl.minimise, "minimise", []string{"cost", "energy", "carbon"}, "what to minimise: cost, energy, carbon")
	f.Float64Var(&fl.confidence, "confidence", 0.95, "of the search's verdicts and of all intervals")
	f.IntVar(&fl.confirm, "confirm", 10, "fresh seeds to confirm the winners with, after those of the race")
	f.IntVar(&fl.screenSeeds, "screen-seeds", 2, "seeds to screen with on the busiest part of the window; 0 does not screen")
	f.DurationVar(&fl.budget, "budget", 0, "time to spend, about; cuts candidates that are not told apart when it runs short (default: no limit)")
	f.BoolVar(&fl.capacity, "find-capacity", false, "find the peak at which each policy breaks the SLOs")
	f.Float64Var(&fl.precision, "precision", 0.02, "with --find-capacity: how closely to find the peak, as a part of it")
	f.StringVar(&fl.out, "out", defaultOut, "folder of results")
	f.IntVarP(&fl.parallel, "jobs", "j", runtime.NumCPU(), "runs at once")
	f.BoolVar(&fl.resume, "resume", false, "go on with an interrupted or limited search")
	f.BoolVar(&fl.dryRun, "dry-run", false, "check every candidate, print them and stop")
	f.StringVarP(&fl.output, "output", "o", "text", "what to print: text, json (plan.json), csv (plan.csv) or none")
	f.BoolVarP(&fl.quiet, "quiet", "q", false, "no progress")
	f.StringVar(&fl.color, "color", "auto", "auto, always or never")
}

// check refuses flags before anything is read.
func (fl *planFlags) check() error {
	varies := len(fl.grid) > 0 || fl.points != ""
	switch {
	case fl.capacity && (varies || fl.dryRun || fl.budget != 0):
		return usageError("--find-capacity takes the scenario as it is: --grid, --points, --budget and --dry-run do not go with it")
	case !fl.capacity && !varies:
		return usageError("nothing varies: add --grid path=value,value,... or --points FILE, or ask for --find-capacity")
	case !(fl.confidence >= 0.5 && fl.confidence < 1):
		return usageError("--confidence %v: want 0.5 or more, and less than 1", fl.confidence)
	case fl.confirm < max(stats.FewestSeeds(1-fl.confidence), 2) || fl.confirm > maxSeeds:
		return usageError("--confirm %d: %v confidence takes at least %d seeds", fl.confirm, fl.confidence, max(stats.FewestSeeds(1-fl.confidence), 2))
	case fl.screenSeeds < 0:
		return usageError("--screen-seeds %d: want 0 or more", fl.screenSeeds)
	case fl.budget < 0:
		return usageError("--budget %v: want a time, such as 10m", fl.budget)
	case !(fl.precision > 0 && fl.precision < 1):
		return usageError("--precision %v: want more than 0 and less than 1, such as 0.02", fl.precision)
	case fl.parallel < 1:
		return usageError("-j %d: want at least 1", fl.parallel)
	}
	if _, err := fl.objectives(); err != nil {
		return err
	}
	if _, err := fl.parsedSLOs(); err != nil {
		return err
	}
	if fl.capacity {
		return checkOutput(fl.output, fl.color, "text", "json", "none")
	}
	return checkOutput(fl.output, fl.color, "text", "json", "csv", "none")
}

// objectives are the metrics to minimise.
func (fl *planFlags) objectives() ([]metrics.Metric, error) {
	of := map[string]string{"cost": "cost_usd", "energy": "energy_kwh", "carbon": "co2e_grams"}
	var out []metrics.Metric
	seen := map[string]bool{}
	for _, name := range fl.minimise {
		m, err := metrics.Find(of[name])
		if err != nil {
			return nil, usageError("--minimise %s: want cost, energy or carbon", name)
		}
		if !seen[name] {
			seen[name] = true
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return nil, usageError("--minimise: want cost, energy or carbon")
	}
	return out, nil
}

func (fl *planFlags) parsedSLOs() ([]plan.SLO, error) {
	var out []plan.SLO
	for _, text := range fl.slos {
		s, err := plan.ParseSLO(text)
		if err != nil {
			return nil, usageError("--slo: %w", err)
		}
		out = append(out, s)
	}
	return out, nil
}

// axes are those of --points and --grid.
func readAxes(points string, grid []string) ([]sweep.Axis, error) {
	var axes []sweep.Axis
	if points != "" {
		a, err := readPoints(points)
		if err != nil {
			return nil, err
		}
		axes = append(axes, a)
	}
	for _, text := range grid {
		a, err := sweep.ParseAxis(text)
		if err != nil {
			return nil, usageError("--grid: %w", err)
		}
		axes = append(axes, a)
	}
	return axes, nil
}

// ofCommandLine makes what is no fault of a file one of the command line.
func ofCommandLine(err error) error {
	if err != nil && exitCode(err) == exitBug {
		return &codedError{exitUsage, err}
	}
	return err
}

// errNothingKeeps and errNotTold end a search without an answer.
var (
	errNothingKeeps = &codedError{exitDiffers, errors.New("no candidate keeps the SLOs")}
	errNotTold      = &codedError{exitInconclusive, errors.New("the seeds, or the time, do not tell: more seeds would")}
)
