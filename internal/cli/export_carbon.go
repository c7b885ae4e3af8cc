package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/carbonheader"
	"github.com/kwatt-sim/kwatt/internal/results"
)

func exportCarbonHeadersCommand(env Env) *cobra.Command {
	var fl exportFlags
	var step time.Duration
	c := &cobra.Command{
		Use: "carbon-headers DIR", Short: "What a request emits in each hour, as an API gateway could attach it",
		Long: `Write what a request of each service emitted in each hour of a run, and the value
of the response header ` + carbonheader.Header + ` (grams of CO2e as a
decimal; an expired Internet-Draft) that a gateway could attach. With several
regions there is a row for each of them, and one for all together, which also
bears the regions that stood by and served nobody.

An hour's operational emissions are dealt out over the requests that were served
in it, idle hardware included; embodied emissions are left out, as they are not of
scope 2. Services on the same hardware bear them in proportion to the energy that
the run attributes to a request of each. An hour without requests has no value.`,
		Example: `  sim export carbon-headers results/shop/0123456789ab --policy hpa -o csv`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return exportCarbonHeaders(env, args[0], fl, step) },
	}
	f := c.Flags()
	f.StringVar(&fl.policy, "policy", "", "the policy; may be left out when there is only one")
	f.Var(&fl.seed, "seed", "the replication (default: the first)")
	f.DurationVar(&step, "step", time.Hour, "time that a row covers")
	f.StringVarP(&fl.output, "output", "o", "csv", "csv, json or headers (a line each)")
	return c
}

func exportCarbonHeaders(env Env, dir string, fl exportFlags, step time.Duration) error {
	write := map[string]func(io.Writer, []carbonheader.Row) error{
		"csv": carbonheader.WriteCSV, "json": carbonheader.WriteJSON, "headers": carbonheader.WriteHeaders,
	}[fl.output]
	if write == nil {
		return usageError("-o %s: want csv, json, headers", fl.output)
	}
	l, p, seed, err := chosenRun(dir, fl.policy, fl.seed)
	if err != nil {
		return err
	}
	points, err := results.ReadPoints(l.path)
	if err != nil {
		return resultsError(err)
	}
	r := carbonheader.Run{
		Points: points[results.RunKey{Policy: p.Name, Seed: seed}], Duration: l.summary.Scenario.DurationSeconds, Weights: energyPerRequest(p),
	}
	if l.summary.Scenario.Start != "" {
		if r.Start, err = l.start(""); err != nil {
			return err
		}
	}
	rows, err := carbonheader.Table(r, step)
	if err != nil {
		return usageError("--step %v of %s: %w", step, dir, err)
	}
	if err := write(env.Stdout, rows); err != nil {
		return filesError(fmt.Errorf("write: %w", err))
	}
	return nil
}

// energyPerRequest is the kWh that a policy's run attributes to a request of each
// service.
func energyPerRequest(p *results.PolicySummary) map[string]float64 {
	out := map[string]float64{}
	for name, s := range p.Services {
		if served := s.Metrics["requests_served_total"].Mean; served > 0 {
			out[name] = s.Metrics["energy_attributed_kwh"].Mean / served
		}
	}
	return out
}
