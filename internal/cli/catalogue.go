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
