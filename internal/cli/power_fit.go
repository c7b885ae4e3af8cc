package cli

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/powerfile"
	"github.com/kwatt-sim/kwatt/internal/powerfit"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// fitFlags are those of sim power fit.
type fitFlags struct {
	out, plot, curve, load, gpu, name string
	source, date, grade               string
	context, bare, cap                string
}

func powerFitCommand(env Env) *cobra.Command {
	var o fitFlags
	cmd := &cobra.Command{
		Use:   "fit FILE",
		Short: "Fit a curve of watts by batch to readings",
		Long: `Fits watts by batch to the readings in FILE: a power profile of sim calibrate, or
a CSV with columns batch and watts and, if there is one, std (the standard error
of watts). Five curves are fitted (` + strings.Join(powerfit.Families(), ", ") + `), each is
scored by its error at batches that it was not shown, and the best one is chosen.
Intervals are of 95 %. With --output the curve is written as a power model, which
a scenario takes as a node pool's gpu.powerModel.`,
		Example: `  sim calibrate --out my-board && sim power fit my-board/profile.yaml -o my-model.yaml --plot my-board.svg
  sim power fit readings.csv --gpu nvidia-l4 --context 28W --source "wattmeter, our rack" -o l4.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return powerFit(env, args[0], o) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "output", "o", "", "write the power model to this `file`")
	f.StringVar(&o.plot, "plot", "", "draw curve and residuals into this SVG `file`")
	f.StringVar(&o.curve, "curve", "", "fit this curve alone")
	f.StringVar(&o.load, "kernel", "", "of a profile: fit the readings of this kernel (default: command, else tensor, fp32, memory)")
	f.StringVar(&o.gpu, "gpu", "", "the GPU of the catalogue that the model stands for")
	f.StringVar(&o.name, "name", "", "name of the model (default: that of the output file)")
	f.StringVar(&o.source, "source", "", "what to name as the source (default: the file, or what the profile says)")
	f.StringVar(&o.date, "date", "", "year and month of the source, 2026-01")
	f.StringVar(&o.grade, "grade", "", "grade of the readings: A, B, C or X (default: the profile's, B for a CSV)")
	f.StringVar(&o.context, "context", "", "draw with a model loaded and no kernel running, such as 28W")
	f.StringVar(&o.bare, "bare", "", "draw without a context, such as 15W")
	f.StringVar(&o.cap, "cap", "", "the board's power limit, such as 72W")
	return cmd
}

func powerFit(env Env, file string, o fitFlags) error {
	if o.curve != "" && !slices.Contains(powerfit.Families(), o.curve) {
		return usageError("--curve %s: want one of %s", o.curve, strings.Join(powerfit.Families(), ", "))
	}
	for _, path := range []string{o.out, o.plot} {
		if path != "" && sameFile(file, path) {
			return usageError("%s is the file being read; write to another", path)
		}
	}
	r, err := powerfile.ReadReadings(file, o.load)
	var load *powerfile.LoadError
	if errors.As(err, &load) {
		return &codedError{exitUsage, err}
	}
	if err != nil {
		return err
	}
	if err := o.apply(r); err != nil {
		return err
	}
	fit, err := powerfit.Do(r.Data, o.curve)
	if err != nil {
		return &codedError{exitInvalid, fmt.Errorf("fit %s: %w", file, err)}
	}
	if err := printFit(env.Stdout, r, fit); err != nil {
		return err
	}
	if err := writeDrawing(o.plot, fitPlot(r, fit)); err != nil || o.out == "" {
		return err
	}
	return o.write(env, r, fit)
}

// apply puts what the flags say in the place of what the file does.
func (o *fitFlags) apply(r *powerfile.Readings) error {
	for _, f := range []struct {
		name, text string
		set        func(float64)
	}{
		{"--context", o.context, func(w float64) { r.Context, r.Data.Context = &powerfile.Watts{Watts: w}, w }},
		{"--bare", o.bare, func(w float64) { r.Bare = &powerfile.Watts{Watts: w} }},
		{"--cap", o.cap, func(w float64) { r.CapWatts = &w }},
	} {
		if f.text == "" {
			continue
		}
		var w units.Watts
		if err := w.UnmarshalText([]byte(f.text)); err != nil {
			return usageError("%s: %v", f.name, err)
		}
		f.set(float64(w))
	}
	if o.grade != "" {
		if _, err := grade.Parse(o.grade); err != nil {
			return usageError("--grade: %v", err)
		}
		r.Source.Grade = o.grade
	}
	if o.date != "" {
		r.Source.Date = o.date
	}
	if o.source != "" {
		r.Source.Text = o.source
	}
	if o.gpu != "" {
		r.GPU = o.gpu
	}
	return nil
}

// write makes the model's file and reads it back, so that what a scenario would
// refuse is refused here.
func (o *fitFlags) write(env Env, r *powerfile.Readings, fit *powerfit.Result) error {
	name := o.name
	if name == "" {
		name = modelName(o.out)
	}
	if r.GPU == "" {
		return usageError("say which GPU the model stands for: --gpu, one of sim power list or a name of your own")
	}
	m, err := r.Model(name, r.GPU, fit)
	if err != nil {
		return &codedError{exitInvalid, fmt.Errorf("make a power model of %s: %w", r.File, err)}
	}
	data, err := m.Encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(o.out, data, 0o666); err != nil {
		return fmt.Errorf("write the power model: %w", err)
	}
	if _, err := powerfile.Load(o.out); err != nil {
		return fmt.Errorf("%w\n%s was written, and a scenario will take it when this is mended", err, o.out)
	}
	_, err = fmt.Fprintf(env.Stderr, "sim: wrote %s: in a scenario, gpu: {model: %s, powerModel: %s}\n", o.out, r.GPU, filepath.Base(o.out))
	return filesError(err)
}

var notInName = regexp.MustCompile(`[^a-z0-9-]+`)

// modelName makes a name of a path.
func modelName(path string) string {
	base := strings.ToLower(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
	if name := strings.Trim(notInName.ReplaceAllString(base, "-"), "-"); name != "" {
		return name
	}
	return "power-model"
}

// printFit shows which curve was chosen and why, its parameters, and how far it
// is off each batch.
func printFit(w io.Writer, r *powerfile.Readings, fit *powerfit.Result) error {
	f := fit.Chosen
	kernel := ""
	if r.Load != "" {
		kernel = ", kernel " + r.Load
	}
	fmt.Fprintf(w, "%s%s: %d readings at %d batches, grade %s\n\n", r.File, kernel, len(r.Data.Points), fit.Batches, r.Source.Grade)
	inside := ""
	if fit.Interior {
		inside = " between the ends"
	}
	fmt.Fprintf(w, "Error at batches%s that the curve was not shown, best first:\n", inside)
	var rows []string
	for _, c := range fit.All {
		chosen := ""
		if c == f {
			chosen = "chosen"
		}
		rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%s", c.Family, score(c.HeldOut), score(c.Ends), chosen))
	}
	if err := table(w, "CURVE\tHELD OUT\tENDS HELD OUT\t", rows); err != nil {
		return err
	}
	rows = nil
	for _, p := range f.Params {
		rows = append(rows, fmt.Sprintf("%s\t%.5g\t%s\t%s", p.Name, p.Value, between(p.Low, p.High), p.Unit))
	}
	fmt.Fprintln(w)
	if err := table(w, "PARAMETER\tVALUE\t95 % INTERVAL\tUNIT", rows); err != nil {
		return err
	}
	rows = nil
	for _, x := range f.Residuals {
		one := "–"
		if i, ok := f.Predict(x.Batch); ok {
			one = between(i.Low, i.High)
		}
		held := "–"
		if !math.IsNaN(x.HeldOut) {
			held = fmt.Sprintf("%.1f", x.HeldOut)
		}
		rows = append(rows, fmt.Sprintf("%.4g\t%.1f\t%.1f\t%+.1f\t%s\t%s", x.Batch, x.Watts, x.Fitted, x.Fitted-x.Watts, held, one))
	}
	fmt.Fprintln(w)
	if err := table(w, "BATCH\tREAD W\tFITTED W\tOFF W\tPREDICTED WITHOUT IT\tONE MORE READING", rows); err != nil {
		return err
	}
	return printDuty(w, r, f)
}

// printDuty holds P = context + u·(busy − context) to the readings with pauses.
func printDuty(w io.Writer, r *powerfile.Readings, f *powerfit.Fit) error {
	if len(r.Duty) == 0 || r.Data.Context == 0 {
		return nil
	}
	var rows []string
	sum := 0.0
	for _, d := range r.Duty {
		want := r.Data.Context + d.Duty*(f.Curve.At(float64(d.Batch))-r.Data.Context)
		off := want/d.Watts - 1
		sum += math.Abs(off)
		rows = append(rows, fmt.Sprintf("%d\t%.2f\t%.1f\t%.1f\t%+.1f%%", d.Batch, d.Duty, d.Watts, want, 100*off))
	}
	fmt.Fprintf(w, "\nReadings with pauses, against context + duty · (curve − context): off by %.1f %% on average\n", 100*sum/float64(len(r.Duty)))
	return table(w, "BATCH\tDUTY\tREAD W\tMODEL W\tOFF", rows)
}

func score(s powerfit.Score) string {
	if s.N == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f W, %.1f%%, worst %+.0f%%", s.RMSE, 100*s.MAPE, 100*s.Worst)
}

func between(low, high float64) string {
	if math.IsNaN(low) {
		return "–"
	}
	return fmt.Sprintf("%.4g to %.4g", low, high)
}
