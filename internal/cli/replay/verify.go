package replay

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/cli"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
	"github.com/kwatt-sim/kwatt/internal/parity"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// parityDir is where verified runs are kept.
const parityDir = "results/parity"

// verifyFlags are what `replay verify` can be told.
type verifyFlags struct {
	plane
	policies, set []string
	seed          string
	out           string
	twice, check  bool
}

func verifyCommand(env cli.Env) *cobra.Command {
	var fl verifyFlags
	c := &cobra.Command{
		Use:   "verify SCENARIO",
		Short: "Run a scenario in both worlds and say how close they come",
		Long: `Run a scenario's policies with one seed as sim does and on a real control plane,
and compare: replicas at each control period, placements, and the metrics. What
was found is kept in a file for each policy, from which replay parity makes
docs/parity.md.`,
		Example: `  replay verify scenarios/flash-sale-hour.yaml --policy hpa --speed 15 --twice`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := fl.plane.check(env); err != nil {
				return err
			}
			return fl.verify(env, args[0])
		},
	}
	f := c.Flags()
	f.StringArrayVar(&fl.policies, "policy", nil, "verify only this policy (repeatable)")
	f.StringArrayVar(&fl.set, "set", nil, "replace a value: path=value (repeatable)")
	f.StringVar(&fl.seed, "seed", "", "the seed (default: the scenario's first)")
	f.StringVar(&fl.out, "out", parityDir, "folder of verified runs")
	f.BoolVar(&fl.twice, "twice", false, "run the control plane twice, and compare it with itself too")
	f.BoolVar(&fl.check, "check", false, "exit code 99 unless replicas, energy and p95 latency are as close as is aimed at")
	fl.plane.flags(f)
	return c
}

func (fl *verifyFlags) verify(env cli.Env, path string) error {
	f, err := cli.LoadScenario(path, fl.set)
	if err != nil {
		return err
	}
	seed := f.Scenario.Spec.Seeds.First
	if fl.seed != "" {
		if seed, err = strconv.ParseUint(fl.seed, 10, 64); err != nil {
			return cli.UsageError("--seed %s: want one number", fl.seed)
		}
	}
	var names []string
	for _, p := range f.Scenario.Spec.Policies {
		names = append(names, p.Name)
	}
	for _, p := range fl.policies {
		if !slices.Contains(names, p) {
			return cli.UsageError("--policy %s: the scenario has %s", p, strings.Join(names, ", "))
		}
	}
	if fl.policies != nil {
		names = fl.policies
	}
	var missed []string
	for _, policy := range names {
		r, err := fl.policy(env, f, policy, seed)
		if err != nil {
			return fmt.Errorf("%s: policy %s, seed %d: %w", path, policy, seed, err)
		}
		if err := fl.tell(env, r); err != nil {
			return cli.FilesError(err)
		}
		for _, m := range parity.Default.Missed(&r.Real) {
			missed = append(missed, policy+": "+m)
		}
	}
	if fl.check && len(missed) > 0 {
		return cli.DiffersError(errors.New(strings.Join(missed, "\n")))
	}
	return nil
}

// policy runs one policy in both worlds.
func (fl *verifyFlags) policy(env cli.Env, f *scenario.File, policy string, seed uint64) (*parity.Record, error) {
	plan, err := experiment.NewPlan(f, policy)
	if err != nil {
		return nil, err
	}
	version, err := controlplane.VersionOf(cli.Version())
	if err != nil {
		return nil, err
	}
	config := plan.Config
	config.Ledger = engine.Ticks
	r := &parity.Record{
		Scenario: f.Scenario.Metadata.Name, Policy: policy, Seed: seed, Command: fl.command(f, policy), Duration: time.Duration(config.Duration).Seconds(), Speed: fl.speed,
		Date: env.Now().UTC().Format(time.DateOnly), CPUs: runtime.NumCPU(), Load: load(),
		Versions: map[string]string{"kwatt": version.Kwatt, "kubernetes": version.Kubernetes, "kwok": version.Kwok, "etcd": version.Etcd, "go": version.Go},
	}
	fmt.Fprintf(env.Stderr, "replay: %s under %s, seed %d: simulating\n", r.Scenario, policy, seed)
	simulated, err := engine.Run(env.Context, config, seed)
	if err != nil {
		return nil, err
	}
	var services []string
	for _, s := range config.Services {
		services = append(services, s.Name)
	}
	period, err := controlPeriod(config)
	if err != nil {
		return nil, err
	}
	compare := func(a, b *results.Run) parity.Report {
		return parity.Compare(a, b, services, time.Duration(config.Duration), period)
	}
	real, err := fl.real(env, f, config, seed, r)
	if err != nil {
		return nil, err
	}
	r.Nodes, r.Pods = peak(real)
	r.Real = compare(simulated, real)
	if fl.twice {
		if _, err := r.Write(fl.out); err != nil { // an invalid second run does not take the first along
			return nil, cli.FilesError(err)
		}
		again, err := fl.real(env, f, config, seed, r)
		if err != nil {
			return nil, err
		}
		report := compare(real, again)
		r.Again = &report
	}
	return r, nil
}

// real runs the control plane.
func (fl *verifyFlags) real(env cli.Env, f *scenario.File, config *engine.Config, seed uint64, r *parity.Record) (*results.Run, error) {
	fmt.Fprintf(env.Stderr, "replay: %s under %s, seed %d: on a control plane, %v\n", r.Scenario, config.Policy, seed,
		(time.Duration(config.Duration) / time.Duration(fl.speed)).Round(time.Second))
	run, lag, err := fl.one(env.Context, f, config, seed)
	if err != nil {
		return nil, err
	}
	if !lag.Valid() {
		return nil, cli.LimitError(invalid(config.Policy, seed, lag))
	}
	r.Lag = append(r.Lag, summary(lag)...)
	return run, nil
}

// controlPeriod is how often the first service's scaler decides.
func controlPeriod(c *engine.Config) (time.Duration, error) {
	s, err := c.Services[0].NewScaler()
	if err != nil {
		return 0, err
	}
	return s.Interval().Round(time.Second), nil
}

// peak is the most nodes and pods that a run's points show.
func peak(run *results.Run) (nodes, pods int) {
	ready := map[float64]int{}
	for _, p := range run.Points {
		if p.NodesOn != nil {
			nodes = max(nodes, int(*p.NodesOn))
		}
		if p.ReplicasReady != nil {
			ready[p.T] += int(*p.ReplicasReady)
			pods = max(pods, ready[p.T])
		}
	}
	return nodes, pods
}

// load is the machine's load average over a minute, 0 where it has none.
func load() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), " ")
	x, _ := strconv.ParseFloat(first, 64)
	return x
}

// command is the command line that verifies the same again.
func (fl *verifyFlags) command(f *scenario.File, policy string) string {
	words := []string{"replay", "verify", filepath.Base(f.Path), "--policy", policy, "--speed", strconv.Itoa(fl.speed)}
	for _, s := range fl.set {
		words = append(words, "--set", s)
	}
	if fl.seed != "" {
		words = append(words, "--seed", fl.seed)
	}
	if fl.twice {
		words = append(words, "--twice")
	}
	return strings.Join(words, " ")
}

// tell prints a verified run and keeps it.
func (fl *verifyFlags) tell(env cli.Env, r *parity.Record) error {
	fmt.Fprintf(env.Stdout, "%s under %s, seed %d, speed %d\n", r.Scenario, r.Policy, r.Seed, r.Speed)
	for _, l := range r.Lag {
		fmt.Fprintln(env.Stdout, l)
	}
	fmt.Fprintln(env.Stdout)
	if err := r.Real.Text(env.Stdout, [2]string{"sim", "real"}); err != nil {
		return err
	}
	if r.Again != nil {
		fmt.Fprintln(env.Stdout, "\ntwo real runs:")
		if err := r.Again.Text(env.Stdout, [2]string{"real", "again"}); err != nil {
			return err
		}
	}
	for _, m := range parity.Default.Missed(&r.Real) {
		fmt.Fprintln(env.Stdout, "aim missed:", m)
	}
	path, err := r.Write(fl.out)
	if err == nil {
		fmt.Fprintf(env.Stderr, "kept in  %s\n", path)
	}
	return err
}

func parityCommand(env cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "parity [FOLDER]",
		Short: "Print docs/parity.md from the last verified runs",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := parityDir
			if len(args) > 0 {
				dir = args[0]
			}
			records, err := parity.Read(dir)
			if err != nil {
				return cli.FilesError(err)
			}
			_, err = env.Stdout.Write(parity.Page(records))
			return cli.FilesError(err)
		},
	}
}
