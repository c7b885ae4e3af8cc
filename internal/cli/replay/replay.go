// Package replay is the command line of the program replay: a real control
// plane on this machine. It links all of Kubernetes, so sim must not import it.
package replay

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"runtime"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kwatt-sim/kwatt/internal/cli"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
)

// Main runs the command `replay` and returns its exit code.
func Main(env cli.Env) int {
	pflag.CommandLine = pflag.NewFlagSet("replay", pflag.ContinueOnError)
	// net/http tells here of each connection that an API server has probed and let
	// go; the metrics server's own errors come back as errors.
	log.SetOutput(io.Discard)
	return cli.Execute(env, command(env))
}

// kubernetesFlags are those that packages of Kubernetes add to every command of
// the process, --version among them, in another sense than ours. kube-scheduler
// needs them.
var kubernetesFlags = pflag.CommandLine

func command(env cli.Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "replay",
		Short: "Run scenarios on a real Kubernetes control plane with fake GPU nodes",
		Long: `replay holds etcd, kube-apiserver, kube-controller-manager, kube-scheduler with
kwatt's plugins, and kwok, and starts them on loopback. It runs a scenario there as
sim does in virtual time, and says how close the two come:

  replay run scenarios/flash-sale-hour.yaml --policy hpa --speed 15
  replay verify scenarios/flash-sale-hour.yaml --policy hpa

or holds a control plane for other uses:

  export KUBECONFIG=$(replay up --nodes-ready 10)
  kubectl get nodes
  replay down

Exit codes: 0 done, 1 bug, 2 usage, 3 invalid scenario, trace or manifest,
4 files, 5 the run did not keep its times or an invariant broke, 6 the control
plane failed or is not in the state that is needed, 99 the worlds differ by more
than was asked for, 130 interrupted.`,
		Version: fmt.Sprintf("%s %s %s/%s", cli.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH),
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddGroup(&cobra.Group{ID: "run", Title: "Run scenarios:"}, &cobra.Group{ID: "life", Title: "A control plane:"}, &cobra.Group{ID: "use", Title: "Use it:"})
	add := func(group string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("run", runCommand(env), verifyCommand(env), parityCommand(env))
	add("life", upCommand(env), downCommand(env), statusCommand(env), listCommand(env), logsCommand(env))
	add("use", kubeconfigCommand(env), kubectlCommand(env), schedulerCommand(env))
	root.AddCommand(versionCommand(env))
	return root
}

// target names a cluster on the command line.
type target struct{ name, dir string }

func (t *target) flags(c *cobra.Command) {
	c.Flags().StringVar(&t.name, "name", controlplane.DefaultName, "the cluster's name")
	c.Flags().StringVar(&t.dir, "dir", "", "the cluster's folder (default: the name's in $XDG_STATE_HOME/kwatt/clusters)")
}

// open finds the cluster, dead or alive.
func (t *target) open() (*controlplane.Cluster, error) {
	dir := t.dir
	if dir == "" {
		var err error
		if dir, err = controlplane.DirOf(t.name); err != nil {
			return nil, cli.UsageError("--name: %w", err)
		}
	}
	c, err := controlplane.Open(dir)
	return c, cli.ClusterError(err)
}

func versionCommand(env cli.Env) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "version",
		Short: "Say what this program is made of",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v, err := controlplane.VersionOf(cli.Version())
			if err != nil {
				return cli.FilesError(err)
			}
			switch output {
			case "json":
				return writeJSON(env.Stdout, v)
			case "text":
				fmt.Fprintf(env.Stdout, "kwatt       %s\nKubernetes  %s\netcd        %s\nkwok        %s\ngo          %s %s\nbinary      %s\nsha256      %s\n",
					v.Kwatt, v.Kubernetes, v.Etcd, v.Kwok, v.Go, v.Platform, v.Binary, v.SHA256)
				return nil
			}
			return cli.UsageError("-o %s: want text or json", output)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return c
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return cli.FilesError(e.Encode(v))
}
