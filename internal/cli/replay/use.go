package replay

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kwatt-sim/kwatt/internal/cli"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane/component"
)

func kubeconfigCommand(env cli.Env) *cobra.Command {
	var t target
	var path bool
	c := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print the administrator's kubeconfig, which needs no other file",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := t.open()
			if err != nil {
				return err
			}
			warnOfOtherBinary(env, c)
			if path {
				fmt.Fprintln(env.Stdout, c.Kubeconfig())
				return nil
			}
			data, err := os.ReadFile(c.Kubeconfig())
			if err == nil {
				_, err = env.Stdout.Write(data)
			}
			return cli.FilesError(err)
		},
	}
	t.flags(c)
	c.Flags().BoolVar(&path, "path", false, "print its path instead")
	return c
}

func warnOfOtherBinary(env cli.Env, c *controlplane.Cluster) {
	if err := c.CheckBinary(); err != nil {
		fmt.Fprintln(env.Stderr, "replay: warning:", err)
	}
}

func kubectlCommand(env cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "kubectl [--name NAME | --dir DIR] ARGS...",
		Short: "Run the kubectl on PATH against a control plane",
		Long: `Run the kubectl on PATH with the cluster's kubeconfig. --name and --dir come
first; everything else is kubectl's.`,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			t, rest, err := leadingTarget(args)
			if err != nil {
				return err
			}
			c, err := t.open()
			if err != nil {
				return err
			}
			warnOfOtherBinary(env, c)
			path, err := exec.LookPath("kubectl")
			if err != nil {
				return cli.UsageError("%w: install kubectl, or give `replay kubeconfig` to another client", err)
			}
			if err := os.Setenv("KUBECONFIG", c.Kubeconfig()); err != nil {
				return err
			}
			return cli.FilesError(syscall.Exec(path, append([]string{"kubectl"}, rest...), os.Environ()))
		},
	}
}

// leadingTarget takes --name and --dir from the front of kubectl's arguments.
func leadingTarget(args []string) (t target, rest []string, err error) {
	t.name = controlplane.DefaultName
	for len(args) > 0 {
		name, value, hasValue := strings.Cut(args[0], "=")
		into := map[string]*string{"--name": &t.name, "--dir": &t.dir}[name]
		if into == nil {
			break
		}
		args = args[1:]
		if !hasValue {
			if len(args) == 0 {
				return t, nil, cli.UsageError("%s needs a value", name)
			}
			value, args = args[0], args[1:]
		}
		*into = value
	}
	return t, args, nil
}

func schedulerCommand(env cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "scheduler [FLAGS of kube-scheduler]",
		Short: "Run kube-scheduler with kwatt's plugins against any cluster",
		Long: `Run kube-scheduler as it comes, with the Score plugins EnergyAware and
CarbonAware besides its own, against the cluster that --config or --kubeconfig
names. Profiles that use them are in docs/replay.md. See replay scheduler --help.`,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			pflag.CommandLine = kubernetesFlags
			code := component.RunScheduler(args)
			if err := env.Context.Err(); err != nil {
				return err // it takes its end for a failure, although it was asked for
			}
			return exited(code)
		},
	}
}

// exited is the error of a component that returned an exit code; it has said
// itself what was wrong.
func exited(code int) error {
	if code == 0 {
		return nil
	}
	return cli.ClusterError(fmt.Errorf("it ended with exit code %d", code))
}
