package cli

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/workload"
)

func traceCommand(env Env) *cobra.Command {
	return group("trace", "Request traces: the builtin ones, and your own", traceListCommand(env), traceShowCommand(env), traceImportCommand(env))
}

func traceListCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "The builtin traces",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var rows []string
			for _, t := range workload.Builtins() {
				s := t.Summary()
				rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%v\t%.3g\t%.3g\t%s", t.Name, t.Start.Format("2006-01-02"),
					span(t.Duration()), t.Bin, s.Mean, s.Peak, kinds(s)))
			}
			return table(env.Stdout, "TRACE\tFROM\tSPAN\tBIN\tMEAN/s\tPEAK/s\tBINS", rows)
		},
	}
}

func traceShowCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "A builtin trace: source, licence, figures and shape",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := workload.Builtin(args[0])
			if err != nil {
				return &codedError{exitUsage, err}
			}
			if err := describe(env, t); err != nil || !strings.HasPrefix(t.Name, "worldcup98") {
				return err
			}
			_, err = fmt.Fprintf(env.Stdout, "\nThe notice that goes with every copy of this trace:\n\n%s", workload.WorldCup98Notice())
			return filesError(err)
		},
	}
}

// describe prints a trace for people.
func describe(env Env, t *workload.Trace) error {
	s := t.Summary()
	w := env.Stdout
	fmt.Fprintln(w, t.Name)
	for _, l := range []struct{ label, text string }{{"title", t.Title}, {"source", t.Source}, {"licence", t.License}} {
		if l.text != "" {
			fmt.Fprintf(w, "%-8s %s\n", l.label, l.text)
		}
	}
	for _, n := range t.Notes {
		fmt.Fprintf(w, "%-8s %s\n", "note", n)
	}
	fmt.Fprintf(w, "span     %s to %s, %d bins of %v (%s)\n", t.Start.Format(time.RFC3339), t.End().Format(time.RFC3339), len(t.Rates), t.Bin, kinds(s))
	_, err := fmt.Fprintf(w, "rate     mean %.4g req/s, peak %.4g req/s at %s\nshape    %s\n", s.Mean, s.Peak, s.PeakAt.Format(time.RFC3339), spark(t.Rates, 64))
	for _, g := range t.Gaps() {
		_, err = fmt.Fprintf(w, "missing  %s to %s: %d bins without a figure, not zero\n", at(t, g.From), at(t, g.To), g.To-g.From)
	}
	return filesError(err)
}

func at(t *workload.Trace, bin int) string {
	return t.Start.Add(time.Duration(bin) * t.Bin).Format(time.RFC3339)
}

func kinds(s workload.Summary) string {
	var parts []string
	for _, k := range []struct {
		n    int
		name string
	}{{s.Published, "published"}, {s.Estimated, "estimated"}, {s.Missing, "missing"}} {
		if k.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", k.n, k.name))
		}
	}
	return strings.Join(parts, ", ")
}

func span(d time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%.3gd", d.Hours()/24)
	}
	return fmt.Sprintf("%.3gh", d.Hours())
}

// spark draws rates as a line of blocks; a dot is a hole.
func spark(rates []float64, width int) string {
	const blocks = "▁▂▃▄▅▆▇█"
	peak := 0.0
	for _, r := range rates {
		if !math.IsNaN(r) {
			peak = max(peak, r)
		}
	}
	width = min(width, len(rates))
	var b strings.Builder
	for i := range width {
		sum, n := 0.0, 0
		for _, r := range rates[i*len(rates)/width : (i+1)*len(rates)/width] {
			if !math.IsNaN(r) {
				sum += r
				n++
			}
		}
		if n == 0 {
			b.WriteRune('·')
			continue
		}
		level := 0
		if peak > 0 {
			level = min(int(sum/float64(n)/peak*8), 7)
		}
		b.WriteRune([]rune(blocks)[level])
	}
	return b.String()
}

// sameFile reports whether two paths name one existing file.
func sameFile(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

func traceImportCommand(env Env) *cobra.Command {
	var (
		o      workload.ReadOptions
		format string
		out    string
	)
	c := &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Read a trace file, report its gaps, and write it in kwatt's own form",
		Example: `  sim trace import access.csv --format Count --rate-column requests -o trace.csv
  sim trace import AzureLLMInferenceTrace_conv.csv --format AzureLLM -o conv.csv`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if formats := []string{"", "Rate", "Count", "Timestamps", "AzureLLM"}; !slices.Contains(formats, format) {
				return usageError("--format %s: want one of %s", format, strings.Join(formats[1:], ", "))
			}
			o.Format = workload.Format(format)
			f, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("import trace: %w", err)
			}
			defer f.Close()
			t, err := workload.ReadCSV(f, args[0], o)
			if err != nil {
				return err
			}
			if out == "" {
				return describe(env, t)
			}
			if sameFile(args[0], out) {
				return usageError("-o %s is the file being read; write to another", out)
			}
			var b bytes.Buffer
			if err := workload.WriteCSV(&b, t); err != nil {
				return err
			}
			if err := os.WriteFile(out, b.Bytes(), 0o666); err != nil {
				return fmt.Errorf("import trace: %w", err)
			}
			return describe(env, t)
		},
	}
	fl := c.Flags()
	fl.StringVar(&format, "format", "", "Rate, Count, Timestamps or AzureLLM (default: what the file's header says, else Rate)")
	fl.StringVar(&o.TimeColumn, "time-column", "", "column of the time (default: the first)")
	fl.StringVar(&o.RateColumn, "rate-column", "", "column of the rate or count (default: the one after the time)")
	fl.StringVar(&o.Unit, "unit", "", "req/s, req/min or req/h")
	fl.DurationVar(&o.Bin, "bin", 0, "width of a bin")
	fl.BoolVar(&o.ZeroIsMissing, "zero-is-missing", false, "read a zero as a hole in the record")
	fl.StringVarP(&out, "output", "o", "", "file to write")
	return c
}
