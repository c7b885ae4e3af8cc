package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/powerfile"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/units"
)

func powerCommand(env Env) *cobra.Command {
	return group("power", "What GPUs draw: the catalogue, and fits to readings of your own", powerListCommand(env), powerShowCommand(env), powerFitCommand(env),
		powerValidateCommand(env))
}

func powerListCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "The GPUs of the catalogue: watts with their grades",
		Long: `The GPUs of the catalogue: watts of one board with the grade of each figure, and
what its host adds: base watts a GPU, and watts at the wall for each watt that
the board draws above bare.

` + gradesHelp,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var rows []string
			for _, g := range powermodel.Catalogue() {
				first, last := g.Busy[0], g.Busy[len(g.Busy)-1]
				rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%s @%d\t%s @%d\t%.0f\t%s\t%.2f %v", g.Name, watts(g.Bare), watts(g.Context),
					watts(first.Watts), first.Batch, watts(last.Watts), last.Batch, g.CapWatts, watts(g.NodeBase), g.HostPerWatt.Value, g.HostPerWatt.Grade))
			}
			return table(env.Stdout, "GPU\tBARE W\tCONTEXT W\tBUSY W @BATCH\tBUSY W @BATCH\tCAP W\tHOST W/GPU\tHOST W/W", rows)
		},
	}
}

const gradesHelp = `Grades: A measured or published for this state, B measured indirectly, C
anecdotal, X interpolated or assumed.`

func powerShowCommand(env Env) *cobra.Command {
	var drawing, limit string
	cmd := &cobra.Command{
		Use:   "show GPU|FILE",
		Short: "One GPU's figures with date, uncertainty and source",
		Long: `One GPU's figures with date, uncertainty (one standard deviation) and source: of
the catalogue, or of a power model that sim power fit wrote.

` + gradesHelp,
		Example: `  sim power show nvidia-h100-sxm
  sim power show my-board.yaml --plot my-board.svg
  sim power show nvidia-h100-sxm --cap 400W`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			g, err := board(args[0])
			if err != nil {
				return err
			}
			if limit != "" {
				return showCap(env.Stdout, g, limit)
			}
			if err := showBoard(env.Stdout, g); err != nil {
				return err
			}
			return writeDrawing(drawing, boardPlot(g))
		},
	}
	cmd.Flags().StringVar(&drawing, "plot", "", "also draw watts by batch into this SVG `file`")
	cmd.Flags().StringVar(&limit, "cap", "", "show watts and slowdown by batch under a power cap, such as 250W")
	return cmd
}

// board is a GPU of the catalogue or of a file.
func board(arg string) (powermodel.GPU, error) {
	if !isFile(arg) {
		g, err := powermodel.Lookup(arg)
		if err != nil {
			return g, &codedError{exitUsage, err}
		}
		return g, nil
	}
	m, err := powerfile.Load(arg)
	if err != nil {
		return powermodel.GPU{}, err
	}
	return m.GPU()
}

// isFile tells a file's name from a GPU's, which has neither dot nor slash.
func isFile(arg string) bool { return strings.ContainsAny(arg, "./\\") }

func showBoard(w io.Writer, g powermodel.GPU) error {
	fmt.Fprintf(w, "%s (%s), cap %.0f W\n", g.Name, g.Title, g.CapWatts)
	var rows []string
	for _, f := range g.Figures() {
		date := f.Point.Date
		if date == "" {
			date = "–"
		}
		rows = append(rows, fmt.Sprintf("%s\t%g\t%v\t±%.2g%%\t%s\t%s", f.Name+", "+f.Unit, f.Point.Value, f.Point.Grade, 100*f.Point.Uncertainty(), date, f.Point.Source))
	}
	return table(w, "FIGURE\tVALUE\tGRADE\tUNCERTAINTY\tDATE\tSOURCE", rows)
}

// showCap lists what a power cap does to each batch of the curve.
func showCap(w io.Writer, g powermodel.GPU, text string) error {
	var limit units.Watts
	if err := limit.UnmarshalText([]byte(text)); err != nil {
		return usageError("--cap: %v", err)
	}
	capped, err := g.Under(powermodel.Limit{CapWatts: float64(limit)})
	if err != nil {
		return usageError("%v", err)
	}
	fmt.Fprintf(w, "%s (%s) under a power cap of %v\n", g.Name, g.Title, limit)
	var rows []string
	for _, b := range g.Busy {
		free, held, slow := g.At(b.Batch), capped.At(b.Batch), capped.Slowdown(b.Batch)
		rows = append(rows, fmt.Sprintf("%d\t%.4g\t%.4g\t%.3g %v\t%+.0f%%", b.Batch, free.Value, held.Value, slow.Value, slow.Grade,
			100*(held.Value*slow.Value/free.Value-1)))
	}
	return table(w, "BATCH\tW\tW CAPPED\tSLOWDOWN\tJOULES OF A BATCH", rows)
}

func watts(p powermodel.Point) string { return fmt.Sprintf("%.0f %v", p.Value, p.Grade) }
