// Scheduler-simulator is the debuggable scheduler of kube-scheduler-simulator
// v0.4.0 as a component of a control plane that `replay up --scheduler simulator`
// starts: it schedules as kube-scheduler does and writes the results of each
// plugin into the pods' annotations.
//
// It is a module of its own because the simulator is built on Kubernetes 1.30; it
// meets the rest of kwatt by process and by file format alone. The simulator's own
// command is not used: it knows no flag but --config, and listens on all
// addresses for schedulers' extenders, which are refused here.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"

	"sigs.k8s.io/kube-scheduler-simulator/simulator/pkg/debuggablescheduler"
)

// The launcher starts a component as: component NAME --dir=FOLDER FLAGS..., and
// with a pipe that ends when the launcher does.
const (
	launcherArgs = 4
	lifelineFD   = 3
)

func main() { os.Exit(run(os.Args)) }

func run(args []string) int {
	if len(args) < launcherArgs || args[1] != "component" {
		fmt.Fprintln(os.Stderr, "scheduler-simulator is a component: start it with `replay up --scheduler simulator`")
		return 2
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.NewFile(lifelineFD, "lifeline"))
		fmt.Fprintln(os.Stderr, "the launcher is gone: ending")
		os.Exit(1)
	}()
	dir := strings.TrimPrefix(args[3], "--dir=")
	flags := args[launcherArgs:]
	// The simulator looks for a kubeconfig here before it reads its configuration.
	if err := os.Setenv("KUBECONFIG", filepath.Join(dir, "kubeconfig")); err != nil {
		fmt.Fprintln(os.Stderr, "scheduler-simulator:", err)
		return 1
	}
	// It reads the flags of the process, of which it knows no others.
	os.Args = []string{args[0]}
	for _, f := range flags {
		if strings.HasPrefix(f, "--config=") {
			os.Args = append(os.Args, f)
		}
	}
	configs, err := debuggablescheduler.NewConfigs()
	if err != nil {
		fmt.Fprintln(os.Stderr, "scheduler-simulator: read the configuration:", err)
		return 1
	}
	options, stop, err := debuggablescheduler.CreateOptions(configs, nil, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, "scheduler-simulator: prepare the plugins:", err)
		return 1
	}
	defer stop()
	command := app.NewSchedulerCommand(options...)
	command.SetArgs(flags)
	return cli.Run(command)
}
