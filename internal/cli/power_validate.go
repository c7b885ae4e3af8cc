package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/poweraccuracy"
)

func powerValidateCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:   "validate",
		Short: "How far the power model is off published measurements, as Markdown",
		Long: `Holds the power model against measurements that nobody of the project made, from
tables that the program carries: language models by batch, a node by request
rate, wall power of MLPerf nodes from idle through load to idle, power caps. The
misses are printed as the hits are. The output is docs/power-accuracy.md.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a, err := poweraccuracy.Compute()
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(env.Stdout, a.Markdown())
			return filesError(err)
		},
	}
}
