package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/sweep"
)

// mergePoll is how often --wait looks again.
const mergePoll = 2 * time.Second

// mergeFlags are what `sim merge` can be told.
type mergeFlags struct {
	wait time.Duration
	w    sweepWriter
}

func mergeCommand(env Env) *cobra.Command {
	fl := mergeFlags{w: sweepWriter{env: env, started: env.Now()}}
	c := &cobra.Command{
		Use:   "merge DIR...",
		Short: "Join the shards of a sweep to what one sweep would have written",
		Long: `merge takes the folders in which the shards of a sweep kept their runs (ending in
.partial; shards with one --out share theirs) and writes the sweep's results: the
same bytes as a sweep without shards, manifest.json aside. A run that two folders
hold counts once, and must be the same in both. If runs are missing nothing is
written.`,
		Example: `  sim merge shard-*/shop/0123456789ab.partial
  sim merge results/shop/0123456789ab.partial --wait 6h`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, dirs []string) error {
			if err := checkOutput(fl.w.output, fl.w.color, "text", "csv", "none"); err != nil {
				return err
			}
			return runMerge(env, dirs, fl)
		},
	}
	f := c.Flags()
	f.DurationVar(&fl.wait, "wait", 0, "wait so long for runs that are missing")
	f.StringVar(&fl.w.out, "out", defaultOut, "folder of results")
	f.StringArrayVar(&fl.w.metrics, "metric", []string{"latency_p95_seconds", "slo_attainment_ratio", "energy_kwh", "cost_usd"}, "metric to print (repeatable); the tables hold all")
	f.StringVarP(&fl.w.output, "output", "o", "text", "what to print: text, csv (points.csv) or none")
	f.BoolVarP(&fl.w.quiet, "quiet", "q", false, "do not tell where the results are")
	f.StringVar(&fl.w.color, "color", "auto", "auto, always or never")
	return c
}

func runMerge(env Env, dirs []string, fl mergeFlags) error {
	deadline := env.Now().Add(fl.wait)
	told := false
	for {
		plan, runs, err := joinShards(env, dirs)
		if err == nil {
			return fl.w.write(plan, runs)
		}
		var incomplete *sweep.IncompleteError
		waits := errors.As(err, &incomplete) || errors.Is(err, fs.ErrNotExist)
		if !waits || !env.Now().Before(deadline) {
			return err
		}
		if !told {
			fmt.Fprintf(env.Stderr, "sim: waiting: %v\n", err)
			told = true
		}
		select {
		case <-env.Context.Done():
			return &codedError{exitInterrupted, errors.New("interrupted before all runs were there")}
		case <-time.After(mergePoll):
		}
	}
}

// joinShards reads the stores and takes their runs together.
func joinShards(env Env, dirs []string) (*sweep.Plan, map[sweep.Unit]*results.Run, error) {
	var stores []*sweep.Store
	for _, dir := range dirs {
		s, err := sweep.ReadStore(dir)
		if err != nil {
			return nil, nil, filesError(err)
		}
		stores = append(stores, s)
	}
	plan, runs, warnings, err := sweep.Join(stores)
	for _, w := range warnings {
		fmt.Fprintln(env.Stderr, "sim:", w)
	}
	var incomplete *sweep.IncompleteError
	switch {
	case errors.Is(err, sweep.ErrContradiction):
		return nil, nil, &codedError{exitLimit, err}
	case errors.As(err, &incomplete):
		return nil, nil, filesError(fmt.Errorf("%s: %w; run their shards again with --resume, or name the folders that hold them", strings.Join(dirs, " "), err))
	case err != nil:
		return nil, nil, &codedError{exitUsage, err}
	}
	return &plan, runs, nil
}
