package component

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/server"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/component-base/featuregate"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/klog/v2"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"

	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
	"github.com/kwatt-sim/kwatt/internal/kube/placements"
)

// runScheduler is RunScheduler, or with a file for them one that writes its
// placements down.
func runScheduler(args []string) int {
	var rest []string
	file := ""
	for _, a := range args {
		if value, ok := strings.CutPrefix(a, "--"+controlplane.PlacementsFlag+"="); ok {
			file = value
			continue
		}
		rest = append(rest, a)
	}
	if file == "" {
		return RunScheduler(rest)
	}
	logs.InitLogs()
	defer logs.FlushLogs()
	if err := runRecording(server.SetupSignalContext(), rest, file); err != nil {
		klog.ErrorS(err, "kube-scheduler")
		return 1
	}
	return 0
}

// runRecording is kube-scheduler writing its placements to the file. Upstream's
// command leaves no gap between making a scheduler and running it, so this does
// the same in its place.
func runRecording(ctx context.Context, args []string, file string) error {
	opts := options.NewOptions()
	set := pflag.NewFlagSet(string(controlplane.Scheduler), pflag.ContinueOnError)
	for _, f := range opts.Flags.FlagSets {
		set.AddFlagSet(f)
	}
	if err := set.Parse(args); err != nil {
		return err
	}
	if err := opts.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	gates := opts.ComponentGlobalsRegistry.FeatureGateFor(basecompatibility.DefaultKubeComponent)
	if err := logsapi.ValidateAndApply(opts.Logs, gates); err != nil {
		return err
	}
	config, s, err := scheduler.Setup(ctx, opts, withPlugins)
	if err != nil {
		return err
	}
	if g, ok := gates.(featuregate.MutableFeatureGate); ok {
		g.AddMetrics()
	}
	opts.ComponentGlobalsRegistry.AddMetrics()
	out, err := placements.OpenFile(file)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	if err := placements.Record(s, config.ComponentConfig.Profiles, plugins, nil, out); err != nil {
		return fmt.Errorf("kube-scheduler: %w", err)
	}
	return scheduler.Run(ctx, config, s)
}
