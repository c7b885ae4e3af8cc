package cli

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/carbon"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/profiles"
)

// table prints rows of tab-separated cells in columns.
func table(w io.Writer, header string, rows []string) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, header)
	for _, r := range rows {
		fmt.Fprintln(tw, r)
	}
	return filesError(tw.Flush())
}

func powerCommand(env Env) *cobra.Command {
	list := &cobra.Command{
		Use:   "list",
		Short: "The GPUs of the catalogue: watts with their grades",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var rows []string
			for _, g := range powermodel.Catalogue() {
				first, last := g.Busy[0], g.Busy[len(g.Busy)-1]
				rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%s @%d\t%s @%d\t%.0f\t%s", g.Name, watts(g.Bare), watts(g.Context),
					watts(first.Watts), first.Batch, watts(last.Watts), last.Batch, g.CapWatts, watts(g.NodeBase)))
			}
			return table(env.Stdout, "GPU\tBARE W\tCONTEXT W\tBUSY W @BATCH\tBUSY W @BATCH\tCAP W\tHOST W/GPU", rows)
		},
	}
	show := &cobra.Command{
		Use:   "show GPU",
		Short: "One GPU's figures with their sources",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			g, err := powermodel.Lookup(args[0])
			if err != nil {
				return &codedError{exitUsage, err}
			}
			fmt.Fprintf(env.Stdout, "%s (%s), cap %.0f W\n", g.Name, g.Title, g.CapWatts)
			var rows []string
			for _, f := range g.Figures() {
				rows = append(rows, fmt.Sprintf("%s\t%g\t%v\t%s", f.Name+", "+f.Unit, f.Point.Value, f.Point.Grade, f.Point.Source))
			}
			return table(env.Stdout, "FIGURE\tVALUE\tGRADE\tSOURCE", rows)
		},
	}
	return group("power", "The power catalogue", list, show)
}

func watts(p powermodel.Point) string { return fmt.Sprintf("%.0f %v", p.Value, p.Grade) }

func profileCommand(env Env) *cobra.Command {
	list := &cobra.Command{
		Use:   "list [MODEL]",
		Short: "Published service times: model, variant, GPUs, ms at batch 1, 8 and 32",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var rows []string
			for _, p := range profiles.All() {
				if len(args) == 1 && p.Model != args[0] {
					continue
				}
				rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%.2f\t%.2f\t%.2f\t%v", p.Model, p.Variant, p.GPU,
					1e3*p.BatchSeconds(1), 1e3*p.BatchSeconds(8), 1e3*p.BatchSeconds(32), p.Grade))
			}
			if len(rows) == 0 {
				return usageError("no profile of %q; want one of %s", args[0], strings.Join(profiles.Models(), ", "))
			}
			return table(env.Stdout, "MODEL\tVARIANT\tGPU\tMS @1\tMS @8\tMS @32\tGRADE", rows)
		},
	}
	return group("profile", "The catalogue of service times", list)
}

func carbonCommand(env Env) *cobra.Command {
	_, last := carbon.Years()
	year := last
	list := &cobra.Command{
		Use:   "list",
		Short: "The builtin zones: yearly mean, least and greatest mean hour",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var rows []string
			for _, zone := range carbon.Zones() {
				s, err := carbon.Builtin(zone, year)
				if err != nil {
					return &codedError{exitUsage, err}
				}
				mean, least, most := extremes(s)
				rows = append(rows, fmt.Sprintf("%s\t%d\t%.0f\t%.0f\t%.0f\t%v\t%v", zone, year, mean, least, most, s.Grade, s.Location))
			}
			return table(env.Stdout, "ZONE\tYEAR\tMEAN g/kWh\tLEAST\tMOST\tGRADE\tTIME ZONE", rows)
		},
	}
	list.Flags().IntVar(&year, "year", last, "year of the series")
	return group("carbon", "The builtin carbon series", list)
}

// extremes returns the mean, least and greatest of a builtin series' 288
// monthly-hourly means.
func extremes(s *carbon.Series) (mean, least, most float64) {
	least = math.Inf(1)
	for month := time.January; month <= time.December; month++ {
		for hour := range 24 {
			g := s.At(time.Date(s.Year, month, 15, hour, 0, 0, 0, s.Location))
			mean += g / 288
			least, most = min(least, g), max(most, g)
		}
	}
	return mean, least, most
}
