package cli

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/openmetrics"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// openMetricsFlags say how a replication is exported.
type openMetricsFlags struct {
	exportFlags
	step  time.Duration
	start string
}

// undated is when a window opens that has no date.
var undated = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

func exportOpenMetricsCommand(env Env) *cobra.Command {
	var fl openMetricsFlags
	c := &cobra.Command{
		Use: "openmetrics DIR", Short: "What DCGM-exporter and Kepler would have shown, as OpenMetrics with simulated times",
		Long: `Write one replication of a results directory as OpenMetrics text: utilisation,
power (W) and energy (mJ) of each GPU under the names and labels of
DCGM-exporter, power and energy (J) of GPUs and nodes under Kepler's, and kwatt's
own series of the services and the cluster. The replication is simulated again
from the effective scenario in the directory, and must come out the same.

Prometheus reads it with promtool tsdb create-blocks-from openmetrics; the
dashboard dashboards/kwatt.json shows it in Grafana.`,
		Example: `  sim export openmetrics results/shop/0123456789ab --policy hpa > hpa.om
  promtool tsdb create-blocks-from openmetrics hpa.om data/`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return exportOpenMetrics(env, args[0], fl) },
	}
	f := c.Flags()
	f.StringVar(&fl.policy, "policy", "", "the policy; may be left out when there is only one")
	f.Var(&fl.seed, "seed", "the replication (default: the first)")
	f.StringVar(&fl.files, "files", "", "the folder of the scenario, whose files it names (default: as the run was given it)")
	f.DurationVar(&fl.step, "step", time.Minute, "time between two samples of a node or a GPU")
	f.StringVar(&fl.start, "start", "", "when the window opens, RFC 3339 (default: the scenario's date, or 2000-01-01T00:00:00Z)")
	return c
}

func exportOpenMetrics(env Env, dir string, fl openMetricsFlags) error {
	if fl.step < time.Second || fl.step%time.Millisecond != 0 {
		return usageError("--step %v: want a second or more, in whole milliseconds", fl.step)
	}
	l, p, seed, err := chosenRun(dir, fl.policy, fl.seed)
	if err != nil {
		return err
	}
	start, err := l.start(fl.start)
	if err != nil {
		return err
	}
	f, err := l.scenario(fl.files)
	if err != nil {
		return err
	}
	configs, err := experiment.Compile(f, []string{p.Name})
	if err != nil {
		return err
	}
	config := configs[0]
	r := openmetrics.NewRecorder(config, start, openmetrics.Label{Name: "scenario", Value: l.summary.Scenario.Name},
		openmetrics.Label{Name: "policy", Value: p.Name}, openmetrics.Label{Name: "seed", Value: strconv.FormatUint(seed, 10)})
	config.Probe = r.Probe(fl.step)
	run, err := engine.Run(env.Context, config, seed)
	if err != nil {
		return err
	}
	if err := l.same(p, run); err != nil {
		return err
	}
	return filesError(r.Finish(run).Write(env.Stdout))
}

// start is --start, or the scenario's date.
func (l *ledgerDir) start(flag string) (time.Time, error) {
	if flag != "" {
		t, err := time.Parse(time.RFC3339, flag)
		if err != nil {
			return t, usageError("--start %s: want a time like 2024-05-01T00:00:00Z", flag)
		}
		return t, nil
	}
	if l.summary.Scenario.Start == "" {
		return undated, nil
	}
	t, err := time.Parse(time.RFC3339, l.summary.Scenario.Start)
	if err != nil {
		return t, filesError(fmt.Errorf("read results %s: %s: scenario.start: %w", l.path, results.SummaryFile, err))
	}
	return t, nil
}

// same checks that a replication that was simulated again is the one of the
// directory.
func (l *ledgerDir) same(p *results.PolicySummary, run *results.Run) error {
	i := slices.IndexFunc(p.Replications, func(r results.Replication) bool { return r.Seed == run.Seed })
	was := p.Replications[i].Metrics
	for _, name := range slices.Sorted(maps.Keys(was)) {
		// The last digit may differ: the sums are made at other instants.
		if now := run.Metrics[name]; math.Abs(now-was[name]) > 1e-7*math.Abs(was[name]) {
			return filesError(fmt.Errorf("%s: %s of policy %s, seed %d is %v in the results and %v when it is simulated again: they are of another version of kwatt; run the scenario again",
				l.path, name, p.Name, run.Seed, was[name], now))
		}
	}
	return nil
}
