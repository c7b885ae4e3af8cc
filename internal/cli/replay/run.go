package replay

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kwatt-sim/kwatt/internal/cli"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
	"github.com/kwatt-sim/kwatt/internal/kube/hpa"
	"github.com/kwatt-sim/kwatt/internal/kube/replay"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

func runCommand(env cli.Env) *cobra.Command {
	var fl cli.RunFlags
	var p plane
	var seed string
	c := &cobra.Command{
		Use:   "run SCENARIO...",
		Short: "Run a scenario's policies on a control plane and compare them",
		Long: `Run a scenario as sim does, but on a real control plane: each replication gets
one of its own on this machine, or uses the cluster of --kubeconfig. The results
are the same as sim's, in a folder of their own, with replay.json: how well the
control plane kept its times. A replication that did not keep them is not a
result: it ends the command with exit code 5, and nothing is written.`,
		Example: `  replay run scenarios/flash-sale-hour.yaml --policy hpa --speed 15
  replay run s.yaml --seed 1..3 --speed 5 --out results`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			fl.Seeds(seed)
			if err := errors.Join(fl.Check(), p.check(env)); err != nil {
				return err
			}
			for _, file := range files {
				if err := cli.RunScenario(env, file, fl, p.world(env, file)); err != nil {
					return err
				}
			}
			return nil
		},
	}
	fl.Register(c.Flags())
	c.Flags().StringVar(&seed, "seed", "", "one seed, or seeds A..B (default: the scenario's first)")
	p.flags(c.Flags())
	return c
}

// plane is how replications are run.
type plane struct {
	speed   int
	inexact bool
	outside outsideFlags
	warning string
	leftOut string // what the scenario asks for and a replay does not do
	runs    []replayed
}

// replayed is what replay.json says of a replication.
type replayed struct {
	Policy string     `json:"policy"`
	Seed   uint64     `json:"seed"`
	Lag    replay.Lag `json:"lag"`
}

func (p *plane) flags(f *pflag.FlagSet) {
	f.IntVar(&p.speed, "speed", 15, "seconds of the scenario in one of the wall: 1, 3, 5 or 15")
	f.BoolVar(&p.inexact, "inexact", false, "accept another speed, at which the windows of autoscalers are rounded to whole seconds")
	p.outside.flags(f)
}

func (p *plane) check(env cli.Env) (err error) {
	if p.warning, err = replay.CheckSpeed(p.speed, p.inexact); err != nil {
		return cli.UsageError("--%w", err)
	}
	if p.warning != "" {
		fmt.Fprintln(env.Stderr, "replay: warning:", p.warning)
	}
	return p.outside.check()
}

// world is the control plane as the place of a scenario's replications.
func (p *plane) world(env cli.Env, file string) cli.World {
	p.runs, p.leftOut = nil, ""
	words := []string{"--speed", strconv.Itoa(p.speed)}
	if p.inexact {
		words = append(words, "--inexact")
	}
	return cli.World{
		Program: "replay", Suffix: fmt.Sprintf("-replay-x%d", p.speed), Flags: words, SeedFlag: "--seed", FirstSeed: true,
		Run: func(ctx context.Context, f *scenario.File, jobs []experiment.Job, _ int, done func(*results.Run) error) error {
			if f.Scenario.Spec.Regret {
				p.leftOut = "spec.regret is left out: what bounds the policies is searched for in virtual time alone, by sim run --regret"
				fmt.Fprintln(env.Stderr, "replay: warning:", p.leftOut)
			}
			for _, j := range jobs {
				run, lag, err := p.one(ctx, f, j.Config, j.Seed)
				if err != nil {
					return fmt.Errorf("%s: policy %s, seed %d: %w", file, j.Config.Policy, j.Seed, err)
				}
				for _, line := range summary(lag) {
					fmt.Fprintf(env.Stderr, "replay: %s seed %d: %s\n", run.Policy, run.Seed, line)
				}
				if !lag.Valid() {
					return cli.LimitError(invalid(run.Policy, run.Seed, lag))
				}
				p.runs = append(p.runs, replayed{run.Policy, run.Seed, lag})
				if err := done(run); err != nil {
					return err
				}
			}
			return nil
		},
		Finish: p.finish,
	}
}

// invalid is the error of a run that did not keep its times.
func invalid(policy string, seed uint64, lag replay.Lag) error {
	return fmt.Errorf("policy %s, seed %d: the run is invalid and was not written: %s. Let less run on the machine, or lower --speed",
		policy, seed, strings.Join(lag.Invalid, "; "))
}

// summary is a lag in lines.
func summary(l replay.Lag) []string {
	lines := []string{fmt.Sprintf("behind in seconds of the scenario: bindings %v; from decisions to bindings, taken off cold starts, %v; pods ready %v; data plane %v", l.Bind, l.Taken, l.Stage, l.Engine)}
	if l.Period > 0 {
		lines = append(lines, fmt.Sprintf("the HPA controller looked every %.2f s (median; p95 %.2f s) instead of %.0f s: virtual time went at %.2f or faster to keep in step", l.Sync.Median, l.Sync.P95, l.Period, l.Pace))
	}
	return lines
}

// finish adds the lags to the results.
func (p *plane) finish(b *results.Bundle) error {
	version, err := controlplane.VersionOf(cli.Version())
	if err != nil {
		return err
	}
	b.Replay = struct {
		Speed   int                  `json:"speed"`
		Plane   controlplane.Version `json:"controlPlane"`
		Warning string               `json:"warning,omitempty"`
		Runs    []replayed           `json:"runs"`
	}{p.speed, version, p.warning, p.runs}
	note := fmt.Sprintf("run on a real control plane (Kubernetes %s, kwok %s) at a speed of %d, not simulated", version.Kubernetes, version.Kwok, p.speed)
	b.Summary.Notes = append(b.Summary.Notes, results.Note{Kind: results.NoteAssumption, Text: note})
	for _, w := range []string{p.warning, p.leftOut} {
		if w != "" {
			b.Summary.Notes = append(b.Summary.Notes, results.Note{Kind: results.NoteWarning, Text: w})
		}
	}
	for _, r := range p.runs {
		for _, line := range summary(r.Lag) {
			b.Summary.Notes = append(b.Summary.Notes, results.Note{Kind: results.NoteAssumption, Text: fmt.Sprintf("policy %s, seed %d: %s", r.Policy, r.Seed, line)})
		}
	}
	return nil
}

// optionsOf is what a replay needs of a plan.
func optionsOf(plan *experiment.Plan, speed int) replay.Options {
	o := replay.Options{Config: plan.Config, Objects: plan.Objects, HPAs: map[int]*hpa.Config{}, Namespace: replay.DefaultNamespace, Speed: speed}
	for i, s := range plan.Scalers {
		if c, ok := s.Config.(*hpa.Config); ok {
			o.HPAs[i] = c
		}
	}
	return o
}

// one runs a replication on a control plane that lives as long.
func (p *plane) one(ctx context.Context, f *scenario.File, config *engine.Config, seed uint64) (run *results.Run, lag replay.Lag, err error) {
	plan, err := experiment.NewPlan(f, config.Policy)
	if err != nil {
		return nil, lag, err
	}
	plan.Config = config
	o := optionsOf(plan, p.speed)
	if err := replay.Check(o); err != nil {
		return nil, lag, cli.InvalidError(fmt.Errorf("%s: %w", f.Path, err))
	}
	if p.outside.used() {
		return p.outside.run(ctx, o, seed)
	}
	dir, err := os.MkdirTemp("", "kwatt-replay-")
	if err != nil {
		return nil, lag, cli.FilesError(err)
	}
	defer func() { err = errors.Join(err, cli.FilesError(os.RemoveAll(dir))) }()
	c, err := replay.Plane(o)
	if err != nil {
		return nil, lag, err
	}
	c.Dir, c.Program = filepath.Join(dir, "cluster"), cli.Version()
	cluster, err := controlplane.Up(ctx, c)
	if err != nil {
		return nil, lag, cli.ClusterError(err)
	}
	defer func() { err = errors.Join(err, cli.ClusterError(cluster.Down(context.WithoutCancel(ctx)))) }()
	o.Cluster = cluster
	run, lag, err = replay.Run(ctx, o, seed)
	died := deaths(ctx, cluster)
	if err != nil && ctx.Err() == nil {
		for _, line := range died {
			err = fmt.Errorf("%w\n  %s", err, line)
		}
		err = cli.ClusterError(err)
	}
	if run != nil {
		run.Warnings = append(run.Warnings, died...)
		slices.Sort(run.Warnings)
	}
	return run, lag, err
}

// deaths tells of components that ended during a run.
func deaths(ctx context.Context, c *controlplane.Cluster) (lines []string) {
	st, err := c.Status(ctx)
	if err != nil {
		return nil
	}
	for _, e := range st.Exits {
		lines = append(lines, "in mid-run: "+e.String())
	}
	return lines
}
