package replay

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/cli"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
	"github.com/kwatt-sim/kwatt/internal/kube/replay"
)

// upFlags are what `replay up` can be told.
type upFlags struct {
	target
	onExit          string
	timeout         time.Duration
	nodes, gpus     int
	gogc            int
	gates           map[string]string
	schedulerConfig string
	scheduler       string
	stages          string
	durations       map[string]*time.Duration
	tolerance       float64
}

// upDurations are the flags of `replay up` that upstream has a default for.
var upDurations = []struct{ flag, help string }{
	{"hpa-sync-period", "how often autoscalers look (upstream: 15s)"},
	{"hpa-downscale-stabilization", "how far back autoscalers look before they scale down (upstream: 5m)"},
	{"hpa-cpu-initialization-period", "how long the CPU of a new pod is not trusted (upstream: 5m)"},
	{"hpa-initial-readiness-delay", "how long a new pod may not be ready at first (upstream: 30s)"},
	{"node-monitor-grace-period", "how long a node may be silent (upstream: 50s)"},
	{"node-lease", "how long a node's lease lasts (40s)"},
}

func upCommand(env cli.Env) *cobra.Command {
	fl := upFlags{durations: map[string]*time.Duration{}}
	c := &cobra.Command{
		Use:   "up",
		Short: "Start a control plane and print the path of its kubeconfig",
		Example: `  export KUBECONFIG=$(replay up --nodes-ready 100)
  replay up --name fast --hpa-sync-period 1s --hpa-downscale-stabilization 20s
  replay up --scheduler-config profile.yaml --stages stages.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return fl.run(env, cmd) },
	}
	fl.flags(c)
	f := c.Flags()
	f.StringVar(&fl.onExit, "on-exit", string(controlplane.Restart), "what to do about a component that ends: restart or report")
	f.DurationVar(&fl.timeout, "timeout", 2*time.Minute, "how long the start may take")
	f.IntVar(&fl.nodes, "nodes-ready", 0, "create so many fake GPU nodes and wait until they are ready")
	f.IntVar(&fl.gpus, "gpus-per-node", 8, "GPUs of each of those nodes")
	f.IntVar(&fl.gogc, "gogc", 0, "GOGC of the components; 400 is faster and takes more memory (default: Go's 100)")
	f.StringToStringVar(&fl.gates, "feature-gates", nil, "feature gates of Kubernetes: Name=true,...")
	f.StringVar(&fl.schedulerConfig, "scheduler-config", "", "file of a KubeSchedulerConfiguration; it may name the plugins EnergyAware and CarbonAware")
	f.StringVar(&fl.scheduler, "scheduler", "", "another scheduler: simulator for kube-scheduler-simulator's, built by make simulator, or a program's path")
	f.StringVar(&fl.stages, "stages", "", "file of kwok Stages, which replace the default ones of the same resources")
	for _, d := range upDurations {
		fl.durations[d.flag] = f.Duration(d.flag, 0, d.help)
	}
	f.Float64Var(&fl.tolerance, "hpa-tolerance", 0, "deviation from the target that autoscalers leave alone (upstream: 0.1)")
	return c
}

func (fl *upFlags) run(env cli.Env, cmd *cobra.Command) error {
	cfg, err := fl.config(cmd)
	if err != nil {
		return err
	}
	started := env.Now()
	c, err := controlplane.UpDetached(env.Context, cfg)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return err
		}
		return cli.ClusterError(err)
	}
	fmt.Fprintf(env.Stderr, "cluster %s is up after %.1f s, in %s\n", c.Name(), env.Now().Sub(started).Seconds(), c.Dir())
	if fl.nodes > 0 {
		if err := fl.addNodes(env, c); err != nil {
			return cli.ClusterError(err)
		}
		fmt.Fprintf(env.Stderr, "%d nodes are ready after %.1f s\n", fl.nodes, env.Now().Sub(started).Seconds())
	}
	fmt.Fprintln(env.Stdout, c.Kubeconfig())
	return nil
}

// config turns the flags into a Config; a flag not given stays upstream's.
func (fl *upFlags) config(cmd *cobra.Command) (controlplane.Config, error) {
	cfg := controlplane.Config{
		Name: fl.name, Dir: fl.dir, Program: cli.Version(), StartTimeout: fl.timeout, OnExit: controlplane.ExitPolicy(fl.onExit), GOGC: fl.gogc,
	}
	cfg.Kwok.NodeSelector = "!" + replay.LabelRun // a replay that visits brings its own kwok
	if fl.nodes < 0 || fl.gpus < 0 {
		return cfg, cli.UsageError("--nodes-ready %d, --gpus-per-node %d: want 0 or more", fl.nodes, fl.gpus)
	}
	for name, text := range fl.gates {
		if text != "true" && text != "false" {
			return cfg, cli.UsageError("--feature-gates %s=%s: want true or false", name, text)
		}
		if cfg.FeatureGates == nil {
			cfg.FeatureGates = map[string]bool{}
		}
		cfg.FeatureGates[name] = text == "true"
	}
	given := func(flag string) *time.Duration {
		if cmd.Flags().Changed(flag) {
			return fl.durations[flag]
		}
		return nil
	}
	hpa := &cfg.ControllerManager.HPA
	hpa.SyncPeriod, hpa.DownscaleStabilization = given("hpa-sync-period"), given("hpa-downscale-stabilization")
	hpa.CPUInitialization, hpa.InitialReadinessDelay = given("hpa-cpu-initialization-period"), given("hpa-initial-readiness-delay")
	if cmd.Flags().Changed("hpa-tolerance") {
		hpa.Tolerance = &fl.tolerance
	}
	cfg.ControllerManager.NodeMonitorGrace, cfg.Kwok.NodeLease = given("node-monitor-grace-period"), given("node-lease")
	for file, into := range map[string]*[]byte{fl.schedulerConfig: &cfg.Scheduler.Config, fl.stages: &cfg.Kwok.Stages} {
		if file == "" {
			continue
		}
		var err error
		if *into, err = os.ReadFile(file); err != nil {
			return cfg, cli.FilesError(err)
		}
	}
	var err error
	if cfg.Scheduler.Program, err = schedulerProgram(fl.scheduler); err != nil {
		return cfg, err
	}
	if err := cfg.Validate(); err != nil {
		return cfg, cli.UsageError("%w", err)
	}
	return cfg, nil
}

// schedulerProgram is the path of the scheduler that --scheduler names; the
// simulator's lies beside this program.
func schedulerProgram(name string) (string, error) {
	switch name {
	case "":
		return "", nil
	case "simulator":
		self, err := os.Executable()
		if err != nil {
			return "", cli.FilesError(err)
		}
		name = filepath.Join(filepath.Dir(self), "scheduler-simulator")
		if _, err := os.Stat(name); err != nil {
			return "", cli.UsageError("--scheduler simulator: %w: make simulator builds it", err)
		}
	}
	path, err := filepath.Abs(name)
	if err == nil {
		_, err = os.Stat(path)
	}
	return path, cli.FilesError(err)
}

func (fl *upFlags) addNodes(env cli.Env, c *controlplane.Cluster) error {
	ctx, cancel := context.WithTimeoutCause(env.Context, fl.timeout, fmt.Errorf("not within %v", fl.timeout))
	defer cancel()
	if err := c.CreateNodes(ctx, controlplane.FakeNodes("gpu", fl.nodes, fl.gpus)); err != nil {
		return err
	}
	return c.AwaitNodes(ctx, fl.nodes)
}
