package replay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/kwatt-sim/kwatt/internal/cli"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
	"github.com/kwatt-sim/kwatt/internal/kube/replay"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// outsideFlags name a cluster that somebody else runs.
type outsideFlags struct {
	kubeconfig, context, namespace string
	force                          bool
}

func (o *outsideFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "use the cluster of this kubeconfig instead of one of its own; what is made there is removed afterwards")
	f.StringVar(&o.context, "context", "", "context of the kubeconfig (default: its current one)")
	f.StringVar(&o.namespace, "namespace", "kwatt-replay", "namespace to make in that cluster; it must not exist")
	f.BoolVar(&o.force, "force", false, "use that cluster although it looks like production")
}

func (o *outsideFlags) used() bool { return o.kubeconfig != "" }

func (o *outsideFlags) check() error {
	if !o.used() && (o.context != "" || o.force) {
		return cli.UsageError("--context and --force go with --kubeconfig")
	}
	return nil
}

// run runs a replication in the cluster, with a scheduler and a kwok of ours
// for its pods and nodes alone.
func (o *outsideFlags) run(ctx context.Context, options replay.Options, seed uint64) (run *results.Run, lag replay.Lag, err error) {
	config, err := controlplane.Existing(ctx, o.kubeconfig, o.context, o.force)
	var production *controlplane.ProductionError
	if errors.As(err, &production) {
		return nil, lag, cli.UsageError("%w", err)
	}
	if err != nil {
		return nil, lag, cli.ClusterError(err)
	}
	if len(options.HPAs) > 0 && !isLoopback(config.Host) {
		return nil, lag, cli.UsageError("the HPA's metrics come from this program, which only an API server on this machine can reach, not %s", config.Host)
	}
	options.Guest, options.Namespace = true, o.namespace
	dir, err := os.MkdirTemp("", "kwatt-replay-")
	if err != nil {
		return nil, lag, cli.FilesError(err)
	}
	defer func() { err = errors.Join(err, cli.FilesError(os.RemoveAll(dir))) }()
	c, err := replay.Plane(options)
	if err != nil {
		return nil, lag, err
	}
	c.Dir = filepath.Join(dir, "guest")
	guest, err := controlplane.Visit(ctx, config, c)
	if err != nil {
		return nil, lag, cli.ClusterError(err)
	}
	defer func() { err = errors.Join(err, cli.ClusterError(guest.Leave())) }()
	if len(options.HPAs) > 0 {
		name, versions := replay.MetricsVersions()
		taken, err := guest.Aggregated(ctx, name, versions...)
		if err != nil {
			return nil, lag, cli.ClusterError(err)
		}
		if len(taken) > 0 {
			return nil, lag, cli.ClusterError(fmt.Errorf("the cluster has an API server for %v already, through which its own autoscalers read metrics: it cannot be replaced", taken))
		}
	}
	options.Cluster = guest
	run, lag, err = replay.Run(ctx, options, seed)
	if err != nil && ctx.Err() == nil {
		err = cli.ClusterError(err)
	}
	return run, lag, err
}

// isLoopback reports whether a server is on this machine.
func isLoopback(server string) bool {
	u, err := url.Parse(server)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
