// Package component holds the components of a control plane: the upstream
// programs etcd, kube-apiserver, kube-controller-manager and kube-scheduler (with
// kwatt's plugins), and kwok. It is all of Kubernetes to compile and to link, so
// nothing but cmd/replay and tests of it should import it: not sim.
package component

import (
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // the components' metrics
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"

	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
	"github.com/kwatt-sim/kwatt/internal/kube/plugins/carbonaware"
	"github.com/kwatt-sim/kwatt/internal/kube/plugins/energyaware"
)

// Dispatch makes the process a component if its arguments say so, and then does
// not return. It must be the first call of main, or of TestMain.
func Dispatch() {
	controlplane.Dispatch(map[controlplane.Component]controlplane.Main{
		controlplane.Etcd:              runEtcd,
		controlplane.APIServer:         runAPIServer,
		controlplane.ControllerManager: runControllerManager,
		controlplane.Scheduler:         runScheduler,
		controlplane.Kwok:              runKwok,
	})
}

func runEtcd(args []string) int {
	etcdmain.Main(append([]string{string(controlplane.Etcd)}, args...))
	return 0
}

func runAPIServer(args []string) int {
	cmd := apiserver.NewAPIServerCommand()
	cmd.SetArgs(args)
	return cli.Run(cmd)
}

func runControllerManager(args []string) int {
	cmd := controllermanager.NewControllerManagerCommand()
	cmd.SetArgs(args)
	return cli.Run(cmd)
}

// RunScheduler is the main function of kube-scheduler with the plugins
// EnergyAware and CarbonAware, which a profile may name.
func RunScheduler(args []string) int {
	cmd := scheduler.NewSchedulerCommand(withPlugins)
	cmd.SetArgs(args)
	return cli.Run(cmd)
}

// plugins are those that kube-scheduler does not have.
var plugins = frameworkruntime.Registry{energyaware.Name: energyaware.New, carbonaware.Name: carbonaware.New}

func withPlugins(r frameworkruntime.Registry) error { return r.Merge(plugins) }
