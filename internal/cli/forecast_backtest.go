package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/forecast"
	"github.com/kwatt-sim/kwatt/internal/forecast/backtest"
	"github.com/kwatt-sim/kwatt/internal/report"
)

type backtestFlags struct {
	cutFlags
	models   []string
	baseline string
	horizons string
	refit    string
	weights  string
	plot     string
	output   string
	color    string
}

func forecastBacktestCommand(env Env) *cobra.Command {
	var fl backtestFlags
	c := &cobra.Command{
		Use:   "backtest TRACE...|all",
		Short: "Measure forecast models on the held-out days of traces",
		Long: `backtest holds out the last days of each trace and forecasts every value there
from what was known at the origin, a horizon before it; the origin rolls on step
by step. A TRACE is a builtin one, a file that sim trace import wrote, or all.
Horizons are rounded up to whole steps of the trace.`,
		Example: `  sim forecast backtest all
  sim forecast backtest worldcup98-final --model SeasonalNaive --model LSTM --horizon 5m,1h --plot final.svg
  sim forecast backtest shop.csv --season 168h --held-out 336h -o csv`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return fl.run(env, args) },
	}
	f := c.Flags()
	fl.add(c)
	f.StringArrayVar(&fl.models, "model", nil, "run only this model (repeatable; see sim forecast list)")
	f.StringVar(&fl.baseline, "baseline", "SeasonalNaive", "model that the others' skill is against")
	f.StringVar(&fl.horizons, "horizon", "3m,15m,1h", "how far ahead, rising")
	f.StringVar(&fl.refit, "refit", "6h", "time between two fits; 0 fits once")
	f.StringVar(&fl.weights, "weights", "", "weights of the LSTM (default: those that come with kwatt)")
	f.StringVar(&fl.plot, "plot", "", "draw the backtest to this SVG file")
	f.StringVarP(&fl.output, "output", "o", "text", "text, md, csv or json")
	f.StringVar(&fl.color, "color", "auto", "auto, always or never")
	return c
}

func (fl *backtestFlags) run(env Env, args []string) error {
	if err := checkOutput(fl.output, fl.color, "text", "md", "csv", "json"); err != nil {
		return err
	}
	cut, err := fl.cut()
	if err != nil {
		return err
	}
	o, err := fl.options()
	if err != nil {
		return err
	}
	all, err := traces(args)
	if err != nil {
		return err
	}
	series, err := seriesOf(all, cut)
	if err != nil {
		return err
	}
	for _, s := range series {
		if _, err := s.Steps(o.Horizons); err != nil {
			return &codedError{exitUsage, err}
		}
	}
	var results []*backtest.Result
	for _, s := range series {
		r, err := backtest.Run(env.Context, s, o)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	if err := fl.draw(results); err != nil {
		return err
	}
	return filesError(fl.print(env, results))
}

// options are those of every trace's backtest.
func (fl *backtestFlags) options() (backtest.Options, error) {
	var o backtest.Options
	o.Methods = forecast.Methods()
	if fl.models != nil {
		o.Methods = nil
	}
	for _, name := range fl.models {
		m, err := forecast.Find(name)
		if err != nil {
			return o, &codedError{exitUsage, err}
		}
		o.Methods = append(o.Methods, m)
	}
	var err error
	if o.Baseline, err = forecast.Find(fl.baseline); err != nil {
		return o, &codedError{exitUsage, err}
	}
	for _, text := range strings.Split(fl.horizons, ",") {
		d, err := time.ParseDuration(strings.TrimSpace(text))
		if err != nil || d <= 0 || len(o.Horizons) > 0 && d <= o.Horizons[len(o.Horizons)-1] {
			return o, usageError("--horizon %s: want durations above 0 that rise, like 3m,15m,1h", fl.horizons)
		}
		o.Horizons = append(o.Horizons, d)
	}
	if fl.refit != "0" {
		d, err := time.ParseDuration(fl.refit)
		if err != nil || d < time.Minute {
			return o, usageError("--refit %s: want 0 or a duration of at least 1m", fl.refit)
		}
		o.Refit = d
	}
	o.Weights, err = readWeights(fl.weights)
	return o, err
}

func (fl *backtestFlags) draw(results []*backtest.Result) error {
	if fl.plot == "" {
		return nil
	}
	var b bytes.Buffer
	if err := report.BacktestSVG(&b, results); err != nil {
		return err
	}
	if err := os.WriteFile(fl.plot, b.Bytes(), 0o666); err != nil {
		return fmt.Errorf("draw backtest: %w", err)
	}
	return nil
}

func (fl *backtestFlags) print(env Env, results []*backtest.Result) error {
	write := map[string]func(io.Writer, []*backtest.Result) error{
		"md": report.BacktestMarkdown, "csv": report.BacktestCSV, "json": report.BacktestJSON,
	}[fl.output]
	if write != nil {
		return write(env.Stdout, results)
	}
	return report.BacktestText(env.Stdout, results, report.Options{Color: env.color(env.Stdout, fl.color)})
}
