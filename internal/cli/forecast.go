package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/forecast"
	"github.com/kwatt-sim/kwatt/internal/forecast/backtest"
	"github.com/kwatt-sim/kwatt/internal/forecast/lstm"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

func forecastCommand(env Env) *cobra.Command {
	return group("forecast", "Forecast models: how good they are on a trace, and training the LSTM",
		forecastBacktestCommand(env), forecastTrainCommand(env), forecastShowCommand(env), forecastListCommand(env))
}

func forecastListCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "The forecast models",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var rows []string
			for _, m := range forecast.Methods() {
				rows = append(rows, m.Name+"\t"+m.Title)
			}
			return table(env.Stdout, "MODEL\tFORECASTS", rows)
		},
	}
}

// cutFlags say how traces become series.
type cutFlags struct{ step, season, heldOut string }

func (f *cutFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.step, "step", "", "length of a step (default: the trace's bin, at least 5m)")
	c.Flags().StringVar(&f.season, "season", "24h", "length of a season")
	c.Flags().StringVar(&f.heldOut, "held-out", "", "how much of the end to hold out (default: two fifths of the days, at least one)")
}

func (f *cutFlags) cut() (backtest.Cut, error) {
	var c backtest.Cut
	for _, x := range []struct {
		flag, text string
		to         *time.Duration
	}{{"step", f.step, &c.Step}, {"season", f.season, &c.Season}, {"held-out", f.heldOut, &c.HeldOut}} {
		if x.text == "" {
			continue
		}
		d, err := time.ParseDuration(x.text)
		if err != nil || d <= 0 {
			return c, usageError("--%s %s: want a duration above 0 like 5m, 24h or 48h", x.flag, x.text)
		}
		*x.to = d
	}
	return c, nil
}

// traces reads the traces of the arguments: names of builtin ones, files in
// kwatt's own form, or "all" for every builtin one.
func traces(args []string) ([]*workload.Trace, error) {
	var out []*workload.Trace
	for _, arg := range args {
		if arg == "all" {
			out = append(out, workload.Builtins()...)
			continue
		}
		t, err := traceOf(arg)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func traceOf(arg string) (*workload.Trace, error) {
	t, unknown := workload.Builtin(arg)
	if unknown == nil {
		return t, nil
	}
	f, err := os.Open(arg)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(arg, "./") {
		return nil, &codedError{exitUsage, fmt.Errorf("%w, or name a file", unknown)}
	}
	if err != nil {
		return nil, fmt.Errorf("read trace: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return workload.ReadCSV(f, arg, workload.ReadOptions{})
}

// seriesOf cuts every trace.
func seriesOf(all []*workload.Trace, c backtest.Cut) ([]*backtest.Series, error) {
	var out []*backtest.Series
	for _, t := range all {
		s, err := backtest.NewSeries(t, c)
		if err != nil {
			return nil, &codedError{exitUsage, err}
		}
		out = append(out, s)
	}
	return out, nil
}

// readWeights reads a weights file; the builtin ones without a name.
func readWeights(path string) (*lstm.Weights, error) {
	if path == "" {
		return lstm.Builtin(), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read weights: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	w, err := lstm.Read(f, path)
	if err != nil {
		return nil, &codedError{exitInvalid, err}
	}
	return w, nil
}
