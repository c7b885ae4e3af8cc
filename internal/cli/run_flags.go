package cli

import (
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kwatt-sim/kwatt/internal/engine"
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
	series   string
	regret   bool
	carbon   carbonFlags
}

// ledgers are the values of --ledger.
var ledgers = map[string]engine.Ledger{"changes": engine.Changes, "ticks": engine.Ticks, "nodes": engine.NodeResults}

// nodeSeries is the value of --series that keeps the nodes', too.
const nodeSeries = "nodes"

// What --ledger, --series and --out are when they are not given.
const (
	defaultLedger = "ticks"
	defaultSeries = "services"
	defaultOut    = "results"
)

// registerSim makes the flags of `sim run` known to a set.
func (fl *RunFlags) registerSim(f *pflag.FlagSet) {
	fl.Register(f)
	f.BoolVar(&fl.regret, "regret", false, "also run an oracle and the best static fleet, and report how far each policy is from them (as spec.regret: true)")
	f.StringVar(&fl.seeds, "seeds", "", "seeds A..B, or one seed (default: the scenario's)")
	f.StringVar(&fl.series, "series", defaultSeries, "which series over time to keep: services (and the cluster) or nodes (also each node, of each policy's first seed: nodes.csv and the heat map)")
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
	if err := oneOf("series", fl.series, defaultSeries, nodeSeries); err != nil {
		return err
	}
	if fl.output == "yaml" {
		return checkColor(fl.color)
	}
	return checkOutput(fl.output, fl.color, "text", "json", "none")
}

// maxSeeds is far beyond what anybody compares; more is a typo.
const maxSeeds = 10_000

// parseSeeds reads A..B or one seed; nil when s is empty, which leaves the file's.
func parseSeeds(s string) (*scenario.Seeds, error) {
	if s == "" {
		return nil, nil
	}
	a, b, isRange := strings.Cut(s, "..")
	if !isRange {
		b = a
	}
	first, errA := strconv.ParseUint(a, 10, 64)
	last, errB := strconv.ParseUint(b, 10, 64)
	if errA != nil || errB != nil || last < first || last-first >= maxSeeds {
		return nil, usageError("seeds %s: want A..B with A at most B, %d seeds at most", s, maxSeeds)
	}
	return &scenario.Seeds{First: first, Count: int(last - first + 1)}, nil
}
