package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/forecast/lstm"
)

func forecastTrainCommand(env Env) *cobra.Command {
	var (
		cut   cutFlags
		o     = lstm.DefaultTraining()
		out   string
		quiet bool
	)
	c := &cobra.Command{
		Use:   "train TRACE... --out FILE",
		Short: "Train the LSTM on the days of traces that are not held out",
		Long: `train fits the LSTM to the part of each trace before its held-out days and
writes the weights with what they were trained on and a hash. The same traces,
flags and seed give the same bytes. Scenarios name the file with
scaler: {forecast: {model: LSTM, weights: FILE}}, backtests with --weights.`,
		Example: `  sim forecast train servegen-m-mid taobao-2017 uci-retail-christmas worldcup98-final --out lstm.json
  sim forecast train shop.csv --held-out 168h --epochs 100 --out shop.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usageError("train needs --out FILE, where the weights go")
			}
			if o.Hidden < 1 || o.Hidden > lstm.MaxHidden || o.Epochs < 1 || !(o.Rate > 0) {
				return usageError("want --hidden 1 to %d, --epochs of at least 1 and a --rate above 0", lstm.MaxHidden)
			}
			o.Command = trainCommand(cmd, args, out)
			if !quiet {
				o.Progress = func(epoch int, loss float64) {
					fmt.Fprintf(env.Stderr, "epoch %3d of %d: validation loss %.4f\n", epoch, o.Epochs, loss)
				}
			}
			return train(env, args, cut, o, out)
		},
	}
	f := c.Flags()
	cut.add(c)
	f.StringVar(&out, "out", "", "file to write")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "of the first weights, the windows and the noise")
	f.IntVar(&o.Hidden, "hidden", o.Hidden, "units of the network")
	f.IntVar(&o.Epochs, "epochs", o.Epochs, "passes over the data; the best one is kept")
	f.Float64Var(&o.Rate, "rate", o.Rate, "learning rate at the start")
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress")
	return c
}

func train(env Env, args []string, cut cutFlags, o lstm.TrainOptions, out string) error {
	c, err := cut.cut()
	if err != nil {
		return err
	}
	all, err := traces(args)
	if err != nil {
		return err
	}
	series, err := seriesOf(all, c)
	if err != nil {
		return err
	}
	var training []lstm.Series
	for _, s := range series {
		training = append(training, s.TrainingSeries()...)
	}
	w, err := lstm.Train(env.Context, training, o)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := w.Write(&b); err != nil {
		return err
	}
	if err := os.WriteFile(out, b.Bytes(), 0o666); err != nil {
		return fmt.Errorf("write weights: %w", err)
	}
	return describeWeights(env, w)
}

// trainCommand is the command line that gives the same file again: the flags
// that were set, and files by their names alone.
func trainCommand(cmd *cobra.Command, args []string, out string) string {
	words := []string{"sim", "forecast", "train"}
	for _, a := range args {
		words = append(words, filepath.Base(a))
	}
	for _, name := range []string{"step", "season", "held-out", "seed", "hidden", "epochs", "rate"} {
		if f := cmd.Flags().Lookup(name); f.Changed {
			words = append(words, "--"+name, f.Value.String())
		}
	}
	return shellWords(append(words, "--out", filepath.Base(out)))
}

func forecastShowCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:   "show [FILE]",
		Short: "Weights of the LSTM: what they were trained on, and their hash",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			w, err := readWeights(strings.Join(args, ""))
			if err != nil {
				return err
			}
			return describeWeights(env, w)
		},
	}
}

func describeWeights(env Env, w *lstm.Weights) error {
	out := env.Stdout
	_, err := fmt.Fprintf(out, "hash      %s\nnetwork   %d units, %d weights, epoch %d, seed %d\nloss      %.4f on the validation parts, %.4f of the last value\ncommand   %s\n",
		w.Hash, w.Hidden, len(w.Weights), w.Epochs, w.Seed, w.Loss, w.Baseline, w.Command)
	for _, t := range w.Trained {
		_, e := fmt.Fprintf(out, "trained   %s, %s to %s, steps of %s\n", t.Trace, t.From.Format(time.RFC3339), t.To.Format(time.RFC3339), strings.Join(slices.Compact(t.Steps), ", "))
		err = errors.Join(err, e)
	}
	return filesError(err)
}
