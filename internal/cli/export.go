package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/kube/schedsim"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/vtime"
	"github.com/kwatt-sim/kwatt/internal/why"
)

// exportFlags say which replication is exported, and as of when.
type exportFlags struct {
	policy, at, files, output string
	seed                      optionalSeed
}

func exportCommand(env Env) *cobra.Command {
	return group("export", "Write a run in the formats of other programs", exportOpenMetricsCommand(env), exportCarbonHeadersCommand(env), exportSchedulerResultsCommand(env), exportSnapshotCommand(env))
}

// replicationCommand makes a command about one replication of a results directory.
func replicationCommand(use, short, long, example string, fl *exportFlags, run func(dir string) error) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Long: long, Example: example, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return run(args[0]) },
	}
	f := c.Flags()
	f.StringVar(&fl.policy, "policy", "", "the policy; may be left out when there is only one")
	f.Var(&fl.seed, "seed", "the replication (default: the first)")
	f.StringVar(&fl.at, "at", "", "the instant: 20h15m30s, 20:15:30 or 2017-12-02T20:15:30+08:00")
	f.StringVar(&fl.files, "files", "", "the folder of the scenario, whose files it names (default: as the run was given it)")
	return c
}

func exportSchedulerResultsCommand(env Env) *cobra.Command {
	var fl exportFlags
	c := replicationCommand("scheduler-results DIR", "Pods with kube-scheduler-simulator's annotations of how they were placed",
		`Write the pods of a run as manifests, each with the annotations in which
kube-scheduler-simulator explains a placement: what the plugins of each
extension point said, of each node the filter results and scores, the node that
was selected and the history of all attempts. The run must have been recorded
with --ledger nodes. Where the annotations would exceed what an API server takes
(262144 bytes), the nodes of least use are left out, and `+schedsim.LeftOutKey+`
says how many. With --at they are the pods that are there at that instant.`,
		`  sim export scheduler-results results/shop/0123456789ab --policy hpa > pods.yaml`,
		&fl, func(dir string) error { return exportSchedulerResults(env, dir, fl) })
	c.Flags().StringVarP(&fl.output, "output", "o", "yaml", "yaml (manifests) or jsonl (one pod a line)")
	return c
}

func exportSnapshotCommand(env Env) *cobra.Command {
	var fl exportFlags
	return replicationCommand("snapshot DIR", "The cluster at an instant as kube-scheduler-simulator's snapshot",
		`Write the cluster at an instant as the JSON that kube-scheduler-simulator exports
and imports: nodes and pods as the simulated scheduler saw them, priority classes
and the scheduler's configuration as it was written. Without --at it is the end.`,
		`  sim export snapshot results/shop/0123456789ab --policy hpa --at 20h15m30s > snapshot.json`,
		&fl, func(dir string) error { return exportSnapshot(env, dir, fl) })
}

func exportSchedulerResults(env Env, dir string, fl exportFlags) error {
	write := map[string]func(io.Writer, schedsim.Pods) error{"yaml": schedsim.WriteYAML, "jsonl": schedsim.WriteJSONLines}[fl.output]
	if write == nil {
		return usageError("-o %s: want yaml, jsonl", fl.output)
	}
	r, err := openReplication(dir, fl)
	if err != nil {
		return err
	}
	pods, err := r.cluster.Pods(r.at, fl.at == "")
	if errors.Is(err, schedsim.ErrNoResults) {
		return filesError(fmt.Errorf("%s: %w; this records them:\n  %s", dir, err, r.run.Recorder))
	}
	if err != nil {
		return err
	}
	return filesError(write(env.Stdout, pods))
}

func exportSnapshot(env Env, dir string, fl exportFlags) error {
	r, err := openReplication(dir, fl)
	if err != nil {
		return err
	}
	s, err := r.cluster.Snapshot(r.at)
	if err != nil {
		return err
	}
	return filesError(s.Write(env.Stdout))
}

// replication is one replication of a results directory with its cluster.
type replication struct {
	run     *why.Run
	at      float64 // s since the start
	cluster *schedsim.Cluster
}

func openReplication(dir string, fl exportFlags) (*replication, error) {
	l, p, seed, err := chosenRun(dir, fl.policy, fl.seed)
	if err != nil {
		return nil, err
	}
	r := &replication{}
	if r.run, err = l.run(p.Name, seed); err != nil {
		return nil, err
	}
	if r.at, err = instant(fl.at, r.run); err != nil {
		return nil, err
	}
	f, err := l.scenario(fl.files)
	if err != nil {
		return nil, err
	}
	r.cluster, err = clusterOf(f, r.run)
	return r, err
}

// instant is --at, or the end of the run.
func instant(at string, run *why.Run) (float64, error) {
	if at == "" {
		return run.Duration, nil
	}
	t, err := why.ParseAt(at, run.Start, run.Duration)
	if err == nil {
		err = run.Within(t)
	}
	if err != nil {
		return 0, usageError("--at: %w", err)
	}
	return t, nil
}

// scenario loads what was run, with the files that it names: from a folder, or
// from where the run had them. They must be the same still.
func (l *ledgerDir) scenario(folder string) (*scenario.File, error) {
	effective, err := results.ReadEffective(l.path)
	if err != nil {
		return nil, resultsError(err)
	}
	if folder == "" {
		_, files := l.command()
		folder = filepath.Dir(files[0])
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(path) }
	f, err := scenario.Parse(effective, filepath.Join(folder, results.EffectiveFile), open)
	if err != nil {
		return nil, fmt.Errorf("%w\nthe files that the scenario names are looked for in %s; --files names another folder", err, folder)
	}
	if sum := l.summary.Scenario.FilesSHA256; sum != "" && f.Digest() != sum {
		var names []string
		for _, in := range f.Inputs[1:] {
			names = append(names, in.Path)
		}
		return nil, filesError(fmt.Errorf("%s is of other files than there are now: one of %s has changed since; run the scenario again, or name the folder of the old ones with --files",
			l.path, shellWords(names)))
	}
	return f, nil
}

// clusterOf is the cluster of a replication, for its objects.
func clusterOf(f *scenario.File, run *why.Run) (*schedsim.Cluster, error) {
	if len(f.Scenario.Spec.Regions) > 1 {
		return nil, &codedError{exitInvalid, fmt.Errorf("the scenario has %d regions: what a scheduler saw is exported of one cluster", len(f.Scenario.Spec.Regions))}
	}
	plan, err := experiment.NewPlan(f, run.Policy)
	if err != nil {
		return nil, err
	}
	c := plan.Config
	out := &schedsim.Cluster{Scheduler: plan.Objects, Ledger: run.Entries}
	for _, p := range c.Cluster.Pools {
		out.Initial = append(out.Initial, p.Initial)
	}
	out.Intensity = func(pool int, t float64) float64 {
		return c.Grids[pool].IntensityAt(vtime.Time(t * 1e9))
	}
	return out, nil
}
