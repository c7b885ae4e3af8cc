package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
	"github.com/kwatt-sim/kwatt/internal/nvml"
)

// calibrateFlags are what `sim calibrate` can be told.
type calibrateFlags struct {
	device      string
	list        bool
	quick, full bool
	out         string
	name, gpu   string
	resume      bool
	dryRun      bool
	anyway      bool
	quiet       bool

	kernels  []string
	duties   []float64
	batches  []int
	saturate int
	clocks   []float64
	caps     []float64

	load   string
	warmup time.Duration

	observe    time.Duration
	rateFrom   string
	rateMetric string

	skip, window, maxSettle, measure, poll time.Duration
}

// bench is what a measurement needs of the machine; tests bring their own.
type bench struct {
	open  func() (calibrate.Host, error)
	clock calibrate.Clock
	// load makes the builtin load for a GPU; batches are relative to saturating.
	load func(id calibrate.Identity, saturating int) calibrate.Load
}

func calibrateCommand(env Env) *cobra.Command {
	return newCalibrateCommand(env, bench{open: nvml.Open, clock: wallClock{}, load: workerLoad})
}

func newCalibrateCommand(env Env, b bench) *cobra.Command {
	var fl calibrateFlags
	c := &cobra.Command{
		Use:   "calibrate",
		Short: "Measure what this machine's GPU draws: idle, and under a grid of loads",
		Long: `calibrate measures one GPU through its driver: bare, with an idle context, and busy
at several duty cycles, intensities and batch-like sizes, each once it is steady.
It writes every sample to raw.csv and the figures to profile.yaml, in --out.

The load is kwatt's own (CUDA driver only, no toolkit), your command (--load), or
whatever runs anyway (--observe). Locked clocks and caps, which only --clocks and
--caps set, are put back however it ends. docs/calibrate.md tells the whole.`,
		Example: `  sim calibrate --dry-run
  sim calibrate --quick --device 0
  sim calibrate --full --clocks 900,1200,1500 --caps 300,400   # as root
  sim calibrate --load './bench --batch {batch} --busy {duty}' --batches 1,8,32
  sim calibrate --observe 10m --rate-from http://127.0.0.1:8002/metrics --rate-metric nv_inference_request_success`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			plan, err := fl.plan(cmd.Flags().Changed)
			if err != nil {
				return err
			}
			switch {
			case fl.dryRun:
				return printPlan(env, fl, plan)
			case fl.list:
				return listGPUs(env, b)
			}
			return runCalibration(env, b, fl, plan)
		},
	}
	fl.define(c)
	c.AddCommand(workerCommand(env))
	return c
}

func (fl *calibrateFlags) define(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&fl.device, "device", "", "the GPU: its index, UUID or PCI address (default: the only one)")
	f.BoolVar(&fl.list, "list", false, "list the GPUs and stop")
	f.BoolVar(&fl.quick, "quick", false, "some minutes: a first look")
	f.BoolVar(&fl.full, "full", false, "some hours: every duty cycle and batch")
	f.StringVar(&fl.out, "out", "", "folder to write (default: calibration/NAME)")
	f.StringVar(&fl.name, "name", "", "name of the profile (default: of the GPU)")
	f.StringVar(&fl.gpu, "gpu", "", "the GPU's name in the catalogue (sim power list), kept in the profile")
	f.BoolVar(&fl.resume, "resume", false, "go on with an interrupted measurement in --out")
	f.BoolVar(&fl.dryRun, "dry-run", false, "print the plan and how long it takes, and stop")
	f.BoolVar(&fl.anyway, "anyway", false, "measure although others use the GPU or it is partitioned; figures are grade C")
	f.BoolVarP(&fl.quiet, "quiet", "q", false, "no progress")
	f.StringSliceVar(&fl.kernels, "kernels", nil, "memory, fp32, tensor")
	f.Float64SliceVar(&fl.duties, "duties", nil, "duty cycles, over 0 and up to 1")
	f.IntSliceVar(&fl.batches, "batches", nil, "batch-like sizes")
	f.IntVar(&fl.saturate, "saturate", calibrate.Saturating, "the batch-like size whose blocks fill the GPU once")
	f.Float64SliceVar(&fl.clocks, "clocks", nil, "SM clocks in MHz to lock, for a sweep at full load (root)")
	f.Float64SliceVar(&fl.caps, "caps", nil, "power caps in W to set, for a sweep at full load (root)")
	f.StringVar(&fl.load, "load", "", "your own load: a shell command with {batch}, {duty}, {device}")
	f.DurationVar(&fl.warmup, "load-warmup", 30*time.Second, "how long your command takes until it works steadily")
	f.DurationVar(&fl.observe, "observe", 0, "set nothing, only record what runs anyway, for so long")
	f.StringVar(&fl.rateFrom, "rate-from", "", "request rate of the observed server: a Prometheus query URL (…/api/v1/query?query=…), a metrics URL or a file in that format")
	f.StringVar(&fl.rateMetric, "rate-metric", "", `the metric of a metrics URL or file: name, or name{label="value"}`)
	f.DurationVar(&fl.skip, "skip", 0, "time after a change of state before steadiness is looked for (default 3s)")
	f.DurationVar(&fl.window, "window", 0, "time over which a state must be steady")
	f.DurationVar(&fl.maxSettle, "max-settle", 0, "time after which a state is measured all the same, and marked")
	f.DurationVar(&fl.measure, "measure", 0, "time over which a steady state is measured")
	f.DurationVar(&fl.poll, "poll", 0, "time between samples under load (default 50ms)")
}

// plan checks the flags and turns them into what is measured.
func (fl *calibrateFlags) plan(changed func(string) bool) (calibrate.Plan, error) {
	var none calibrate.Plan
	preset := calibrate.Standard()
	switch {
	case fl.quick && fl.full:
		return none, usageError("--quick and --full: want one of them")
	case fl.quick:
		preset = calibrate.Quick()
	case fl.full:
		preset = calibrate.Full()
	}
	if err := fl.timing(&preset.Timing, changed); err != nil {
		return none, err
	}
	if fl.observe != 0 || changed("observe") {
		return fl.observePlan(preset.Timing, changed)
	}
	for _, name := range []string{"rate-from", "rate-metric"} {
		if changed(name) {
			return none, usageError("--%s goes with --observe", name)
		}
	}
	if err := fl.grid(&preset.Grid, changed); err != nil {
		return none, err
	}
	return calibrate.NewPlan(preset.Grid, preset.Timing), nil
}

func (fl *calibrateFlags) observePlan(t calibrate.Timing, changed func(string) bool) (calibrate.Plan, error) {
	for _, name := range []string{"load", "kernels", "duties", "batches", "saturate", "clocks", "caps", "resume", "quick", "full"} {
		if changed(name) {
			return calibrate.Plan{}, usageError("--observe sets nothing: --%s does not go with it", name)
		}
	}
	if fl.observe < 10*time.Second {
		return calibrate.Plan{}, usageError("--observe %v: want at least 10s, one window", fl.observe)
	}
	return calibrate.ObservePlan(fl.observe, t), nil
}

// timing puts what was given in place of the preset's.
func (fl *calibrateFlags) timing(t *calibrate.Timing, changed func(string) bool) error {
	for _, d := range []struct {
		name        string
		given, into *time.Duration
		least       time.Duration
	}{
		{"skip", &fl.skip, &t.Skip, 0}, {"window", &fl.window, &t.Steady.Window, 4 * time.Second},
		{"max-settle", &fl.maxSettle, &t.Steady.Timeout, 0}, {"measure", &fl.measure, &t.Measure, 500 * time.Millisecond},
		{"poll", &fl.poll, &t.Poll, time.Millisecond},
	} {
		if !changed(d.name) {
			continue
		}
		if *d.given < d.least {
			return usageError("--%s %v: want at least %v", d.name, *d.given, d.least)
		}
		*d.into = *d.given
	}
	return nil
}

// grid puts what was given in place of the preset's.
func (fl *calibrateFlags) grid(g *calibrate.Grid, changed func(string) bool) error {
	if fl.load != "" {
		if err := fl.commandGrid(g, changed); err != nil {
			return err
		}
	} else if changed("load-warmup") {
		return usageError("--load-warmup goes with --load")
	}
	if changed("kernels") {
		g.Kernels = nil
		for _, k := range fl.kernels {
			if !slices.Contains(calibrate.Kernels, calibrate.Kernel(k)) || slices.Contains(g.Kernels, calibrate.Kernel(k)) {
				return usageError("--kernels %s: want some of memory, fp32, tensor, each once", k)
			}
			g.Kernels = append(g.Kernels, calibrate.Kernel(k))
		}
	}
	var err error
	if changed("duties") {
		g.Duties, err = ascending("duties", fl.duties, func(d float64) bool { return d > 0 && d <= 1 }, "over 0 and up to 1")
	}
	if changed("batches") && err == nil {
		g.Batches, err = ascending("batches", fl.batches, func(b int) bool { return b >= 1 && b <= 1<<20 }, "at least 1")
	}
	if err == nil {
		g.Clocks, err = ascending("clocks", fl.clocks, func(mhz float64) bool { return mhz >= 100 && mhz <= 10_000 }, "MHz, 100 to 10000")
	}
	if err == nil {
		g.Caps, err = ascending("caps", fl.caps, func(w float64) bool { return w >= 10 && w <= 10_000 }, "W, 10 to 10000")
	}
	switch {
	case err != nil:
		return err
	case len(g.Kernels) == 0 || len(g.Duties) == 0 || len(g.Batches) == 0:
		return usageError("--kernels, --duties and --batches: want at least one of each")
	case fl.saturate < 1:
		return usageError("--saturate %d: want at least 1", fl.saturate)
	}
	if g.Saturating = fl.saturate; g.Command {
		g.Saturating = g.Batches[len(g.Batches)-1]
	}
	return nil
}

// commandGrid is the grid of a user's command: what it cannot be told is not
// varied.
func (fl *calibrateFlags) commandGrid(g *calibrate.Grid, changed func(string) bool) error {
	g.Kernels, g.Command = []calibrate.Kernel{calibrate.Command}, true
	if changed("kernels") || changed("saturate") {
		return usageError("--kernels and --saturate are of the builtin load, not of --load")
	}
	if !strings.Contains(fl.load, "{duty}") {
		if changed("duties") {
			return usageError("--duties: the command of --load has no {duty}")
		}
		g.Duties, g.NoContext = []float64{1}, true
	}
	if !strings.Contains(fl.load, "{batch}") {
		if changed("batches") {
			return usageError("--batches: the command of --load has no {batch}")
		}
		g.Batches = []int{1}
	}
	return nil
}

// ascending sorts values that pass, and refuses the others and repetitions.
func ascending[T int | float64](flag string, values []T, passes func(T) bool, want string) ([]T, error) {
	sorted := slices.Sorted(slices.Values(values))
	for i, v := range sorted {
		if !passes(v) || i > 0 && sorted[i-1] == v {
			return nil, usageError("--%s %v: want values %s, each once", flag, v, want)
		}
	}
	return sorted, nil
}

// printPlan is --dry-run.
func printPlan(env Env, fl calibrateFlags, p calibrate.Plan) error {
	w := env.Stdout
	if fl.observe > 0 {
		_, err := fmt.Fprintf(w, "record for %v, a sample every %v; nothing is set\n", fl.observe, p.Timing.Poll)
		return filesError(err)
	}
	var rows []string
	for i, c := range p.Cells {
		rows = append(rows, fmt.Sprintf("%d\t%s", i+1, c.ID()))
	}
	if err := table(w, "CELL\tSTATE", rows); err != nil {
		return err
	}
	t := p.Timing
	least, most := p.Estimate()
	fmt.Fprintf(w, "\neach: %v to change, then steady over %v (at most %v), then measured for %v, a sample every %v\n",
		t.Skip, t.Steady.Window, t.Steady.Timeout, t.Measure, t.Poll)
	if fl.load != "" {
		fmt.Fprintf(w, "load: %s; each start takes %v more\n", fl.load, fl.warmup)
	}
	if len(fl.clocks)+len(fl.caps) > 0 {
		fmt.Fprintln(w, "the SM clock and the power cap will be set, and put back; a lock of the clock that somebody else set is lost")
	}
	_, err := fmt.Fprintf(w, "%d cells, %v if all are steady at once, %v if none ever is\n", len(p.Cells), least.Round(time.Second), most.Round(time.Second))
	return filesError(err)
}
