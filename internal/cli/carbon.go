package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kwatt-sim/kwatt/internal/carbon"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// carbonFlags ask for the sensitivity to the grid.
type carbonFlags struct {
	on     bool
	series []string
}

func (fl *carbonFlags) register(f *pflag.FlagSet) {
	f.BoolVar(&fl.on, "carbon-sensitivity", false, "also rank the policies by CO2e under all builtin zones and years, other PUEs and the --carbon-series")
	f.StringArrayVar(&fl.series, "carbon-series", nil, "a series of your own for --carbon-sensitivity: FILE[,signal=marginal][,timeZone=Europe/Berlin][,timestamps=Local] (repeatable)")
}

// words are the flags as they were given.
func (fl *carbonFlags) words() []string {
	var words []string
	if fl.on {
		words = append(words, "--carbon-sensitivity")
	}
	for _, s := range fl.series {
		words = append(words, "--carbon-series", s)
	}
	return words
}

// read reads the series that the flags name.
func (fl *carbonFlags) read() ([]*carbon.Series, error) {
	if len(fl.series) > 0 && !fl.on {
		return nil, usageError("--carbon-series has a meaning only with --carbon-sensitivity")
	}
	var out []*carbon.Series
	for _, value := range fl.series {
		s, err := readSeries(value)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func readSeries(value string) (*carbon.Series, error) {
	parts := strings.Split(value, ",")
	var o carbon.ReadOptions
	for _, option := range parts[1:] {
		key, v, _ := strings.Cut(option, "=")
		switch key {
		case "signal":
			o.Signal = carbon.Signal(v)
		case "timeZone":
			o.TimeZone = v
		case "timestamps":
			o.Timestamps = carbon.Timestamps(v)
		default:
			return nil, usageError("--carbon-series %s: unknown option %q; want signal, timeZone or timestamps", value, key)
		}
	}
	f, err := os.Open(parts[0])
	if err != nil {
		return nil, filesError(fmt.Errorf("--carbon-series: %w", err))
	}
	defer f.Close()
	s, err := carbon.ReadCSV(f, filepath.Base(parts[0]), o)
	var fault *carbon.ReadError
	if errors.As(err, &fault) {
		return nil, &codedError{exitInvalid, fmt.Errorf("--carbon-series: %w", err)}
	}
	return s, filesError(err)
}

// studyCarbon prepares the study of the grid, when it was asked for, and returns
// how runs that it can use differ by name from others.
func (r *experimentRun) studyCarbon(configs []*engine.Config) (kept string, err error) {
	more, err := r.flags.carbon.read()
	if err != nil || !r.flags.carbon.on {
		return "", err
	}
	if r.study, err = experiment.NewCarbonStudy(r.file, configs, more); err != nil {
		return "", &codedError{exitInvalid, err}
	}
	return "-carbon-" + r.study.Key(), nil
}

// carbonSensitivity finishes the study.
func (r *experimentRun) carbonSensitivity(runs []*results.Run) (*results.CarbonSensitivity, error) {
	if r.study == nil {
		return nil, nil
	}
	again := r.study.Again(len(r.seeds))
	if again > 0 {
		fmt.Fprintf(r.env.Stderr, "sim: a scheduler scores nodes by the grid's intensity: its policies are simulated again on each grid, %d replications\n", again)
	}
	p := newProgress(r.env, again, 0, r.flags.quiet || again == 0)
	err := r.study.Simulate(r.env.Context, r.seeds, r.flags.parallel, func(run *results.Run) { p.finished(run.Policy, run.Seed) })
	p.close()
	if err != nil {
		return nil, err
	}
	return r.study.Result(runs)
}
