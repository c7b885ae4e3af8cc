package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
	"github.com/kwatt-sim/kwatt/internal/kube/hpa"
	"github.com/kwatt-sim/kwatt/internal/kube/placements"
	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// ControlPlane is what a replay needs of a cluster besides its API;
// *controlplane.Cluster has it.
type ControlPlane interface {
	RESTConfig() (*rest.Config, error)
	// Kubeconfig is the path of a kubeconfig of its administrator.
	Kubeconfig() string
	// Placements is the path of the file in which its scheduler writes down what
	// its plugins say, where Plane asked for that.
	Placements() string
	IssueServing(name string) (controlplane.ServingFiles, error)
	Aggregate(ctx context.Context, name string, port int, versions ...schema.GroupVersion) error
	Disaggregate(ctx context.Context, name string, versions ...schema.GroupVersion) error
}

// DefaultNamespace is a run's, on a control plane of its own.
const DefaultNamespace = "kwatt"

// Options of a replay.
type Options struct {
	// Config is a scenario under one policy, as it would be simulated.
	Config *engine.Config
	// Objects are its nodes and pods as Kubernetes objects.
	Objects *scheduler.Config
	// HPAs are the services, by index, that a HorizontalPodAutoscaler scales.
	HPAs map[int]*hpa.Config
	// Cluster is the control plane, with the policy's scheduler and Stages.
	Cluster ControlPlane
	// Namespace of the run; it must not exist yet.
	Namespace string
	// Speed of virtual time: its seconds in one of the wall.
	Speed int
	// Guest keeps to itself in a cluster that others use: nodes have a taint, pods
	// a node selector, the scheduler a name of its own.
	Guest bool
	// Begun, if set, is called when the clock starts.
	Begun func()
	// KeepObjects leaves the objects behind at the end.
	KeepObjects bool
}

// cleanTimeout bounds how long objects may take to go.
const cleanTimeout = 2 * time.Minute

// replay is one run.
type replay struct {
	o       Options
	ctx     context.Context
	rest    *rest.Config
	client  kubernetes.Interface
	calls   *calls
	clock   clock
	inbox   *inbox
	broken  chan error
	over    chan struct{}
	lag     lags
	inexact []string

	services map[string]int // by name
	labels   []labels.Set   // of their pods
	shutdown []func()

	// The engine's goroutine alone uses these.
	world    engine.World
	host     cluster.Host
	onlooker *onlooker
	book     *placements.Book // nil unless the ledger is to have the nodes' results
	nodes    map[string]*cluster.Node
	byUID    map[types.UID]*record
	records  map[*cluster.Pod]*record
	costs    map[*cluster.Pod]int
	first    map[int]int                  // replicas at the start by service
	asksFor  map[int]int                  // replicas by service, last
	grown    map[int]vtime.Time           // when more were asked for, last
	looked   map[int]vtime.Time           // when its HPA looked, last
	on       map[*cluster.Node]vtime.Time // since when
	asked    map[string]time.Time         // when, by service and metric
	leader   string                       // the metric whose readings are the syncs that the clock keeps
}

// Run replays a scenario under one policy and one seed. The error, if any, is
// about the run; whether it kept its times is in the Lag.
func Run(ctx context.Context, o Options, seed uint64) (*results.Run, Lag, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := open(ctx, o)
	if err != nil {
		return nil, Lag{}, err
	}
	config := *o.Config
	config.Outside = r
	config.Cluster.NewScheduler, config.Cluster.Workloads = r.newScheduler, r
	config.Services = append([]engine.Service(nil), config.Services...)
	for i := range o.HPAs {
		config.Services[i].NewScaler = nil
	}
	run, err := engine.Run(ctx, &config, seed)
	close(r.over)
	for i := len(r.shutdown) - 1; i >= 0; i-- {
		r.shutdown[i]()
	}
	r.calls.close()
	select {
	case late := <-r.broken: // nobody waited for it any more
		err = errors.Join(err, late)
	default:
	}
	if !o.KeepObjects {
		// Also when it was interrupted: somebody else's cluster is left as it was.
		clean, done := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
		defer done()
		err = errors.Join(err, Clean(clean, r.client, o.Namespace))
		if o.Guest {
			err = errors.Join(err, awaitGone(clean, r.client, o.Namespace))
		} // else its control plane goes too
	}
	lag := r.lag.report(o.Speed, config.Telemetry.ScrapeInterval, o.syncPeriod(), r.clock.slowestPace())
	if run != nil {
		run.Warnings = append(run.Warnings, r.inexact...)
	}
	return run, lag, err
}

// syncPeriod is how often HPAs are looked at; 0 without one.
func (o Options) syncPeriod() time.Duration {
	for _, c := range o.HPAs {
		return c.SyncPeriod.D() // all are one controller's
	}
	return 0
}

// recorded reports whether the scheduler is to write down what its plugins say.
func (o Options) recorded() bool { return o.Config.Ledger >= engine.NodeResults }

// open connects to the control plane and makes the namespace.
func open(ctx context.Context, o Options) (*replay, error) {
	if err := Check(o); err != nil {
		return nil, err
	}
	config, err := o.Cluster.RESTConfig()
	if err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = -1, -1
	r := &replay{
		o: o, ctx: ctx, rest: config, inbox: newInbox(), broken: make(chan error, 1), over: make(chan struct{}),
		clock: clock{speed: float64(o.Speed), period: o.syncPeriod()}, services: map[string]int{}, nodes: map[string]*cluster.Node{},
		byUID: map[types.UID]*record{}, records: map[*cluster.Pod]*record{}, costs: map[*cluster.Pod]int{}, asked: map[string]time.Time{},
		asksFor: map[int]int{}, grown: map[int]vtime.Time{}, looked: map[int]vtime.Time{}, on: map[*cluster.Node]vtime.Time{},
	}
	if r.client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	if o.recorded() {
		r.book = placements.NewBook(o.Cluster.Placements())
	}
	for i, s := range o.Objects.Services {
		template, _, err := s.PodTemplate()
		if err != nil {
			return nil, err
		}
		r.services[s.Name] = i
		r.labels = append(r.labels, template.Labels)
	}
	namespace := &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: o.Namespace, Labels: map[string]string{LabelRun: o.Namespace}}}
	if _, err := r.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return nil, fmt.Errorf("create namespace %s: %w", o.Namespace, err)
	}
	if r.mayBeEmpty() {
		if err := r.createNode(ctx, systemNode(o.Namespace)); err != nil {
			return nil, fmt.Errorf("create the system node: %w", err)
		}
	}
	r.calls = newCalls(ctx)
	return r, nil
}

// mayBeEmpty reports whether there may be no node at all at some time.
func (r *replay) mayBeEmpty() bool {
	for _, p := range r.o.Config.Cluster.Pools {
		if p.Min > 0 || !r.o.Config.Cluster.Autoscaler.Enabled && p.Initial > 0 {
			return false
		}
	}
	return true
}

// Check says what a replay cannot do that a simulation can.
func Check(o Options) error {
	if n := len(o.Config.Regions); n > 1 {
		return fmt.Errorf("the scenario has %d regions, each a cluster of its own: a replay has one control plane. Replay a scenario of one region's pools, without spec.regions", n)
	}
	for i, s := range o.Config.Cluster.Services {
		for pool, need := range s.Needs {
			if need.Refused != cluster.NoReason {
				return fmt.Errorf("service %s cannot run on pool %s: %s. A cluster would not know: give the pool a taint, or the pods a node selector, and drop the pool for this replay",
					o.Config.Services[i].Name, o.Config.Cluster.Pools[pool].Name, need.Refused)
			}
		}
	}
	for _, c := range o.HPAs {
		object, err := c.Object()
		if err != nil {
			return err
		}
		for _, m := range object.Spec.Metrics {
			if m.Resource != nil || m.ContainerResource != nil {
				return fmt.Errorf("the HPA scales on a resource metric (%s): metrics.k8s.io is not served in a replay yet", m.Type)
			}
		}
	}
	return nil
}

// fail ends the run with an error from an event.
func (r *replay) fail(err error) {
	if err == nil {
		return
	}
	select {
	case r.broken <- err:
	default: // the first one is told
	}
}
