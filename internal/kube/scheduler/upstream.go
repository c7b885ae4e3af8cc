package scheduler

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/features"
	upstream "k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/utils/clock"

	"github.com/kwatt-sim/kwatt/internal/kube/plugins/carbonaware"
	"github.com/kwatt-sim/kwatt/internal/kube/plugins/energyaware"
)

// upstreamScheduler is upstream's scheduler, put together but not running: no informer is
// started, and no goroutine takes a decision.
type upstreamScheduler struct {
	*upstream.Scheduler
	ctx       context.Context
	cancel    context.CancelFunc
	client    kubernetes.Interface
	informers informers.SharedInformerFactory
	snapshot  *internalcache.Snapshot
	profiles  []config.KubeSchedulerProfile
	registry  frameworkruntime.Registry
}

// prepare sets what the process shares, once. Of the feature gates, batching
// expires after half a second of wall time and asynchronous preemption works in
// goroutines: both would make a run depend on the machine. Neither changes
// which node is chosen.
var prepare = sync.OnceValue(func() error {
	klog.SetLogger(logr.Discard())
	return utilfeature.DefaultMutableFeatureGate.SetFromMap(map[string]bool{
		string(features.OpportunisticBatching):    false,
		string(features.SchedulerAsyncPreemption): false,
	})
})

// newUpstream makes a scheduler whose API calls go to transport (nil: all are
// refused) and whose clock is c (nil: stands still).
func newUpstream(conf *Configuration, transport http.RoundTripper, c *virtualClock) (*upstreamScheduler, error) {
	return newUpstreamWith(conf.internal.Profiles, conf.internal, nil, transport, c)
}

func newUpstreamWith(profiles []config.KubeSchedulerProfile, conf *config.KubeSchedulerConfiguration, more frameworkruntime.Registry, transport http.RoundTripper, c *virtualClock) (*upstreamScheduler, error) {
	if err := prepare(); err != nil {
		return nil, fmt.Errorf("set feature gates: %w", err)
	}
	if transport == nil {
		transport = refuse{}
	}
	if c == nil {
		c = newClock()
	}
	ctx, cancel := context.WithCancel(klog.NewContext(context.Background(), logr.Discard()))
	fail := func(err error) (*upstreamScheduler, error) {
		cancel()
		return nil, err
	}
	client, err := kubernetes.NewForConfig(&rest.Config{Host: "http://simulation.invalid", Transport: transport, QPS: -1})
	if err != nil {
		return fail(fmt.Errorf("make the API client: %w", err))
	}
	k := &upstreamScheduler{ctx: ctx, cancel: cancel, client: client, informers: upstream.NewInformerFactory(client, 0), registry: outOfTree(more)}
	for _, p := range profiles {
		k.profiles = append(k.profiles, orderedPreemption(p))
	}
	k.Scheduler, err = upstream.New(ctx, client, k.informers, nil, func(string) events.EventRecorderLogger { return silent{} },
		upstream.WithProfiles(k.profiles...), upstream.WithFrameworkOutOfTreeRegistry(k.registry), upstream.WithParallelism(1),
		upstream.WithPercentageOfNodesToScore(conf.PercentageOfNodesToScore), upstream.WithClock(c),
		upstream.WithPodInitialBackoffSeconds(conf.PodInitialBackoffSeconds), upstream.WithPodMaxBackoffSeconds(conf.PodMaxBackoffSeconds),
		upstream.WithComponentConfigVersion(conf.APIVersion))
	if err != nil {
		return fail(err)
	}
	var ok bool
	if k.snapshot, ok = k.Profiles[profiles[0].SchedulerName].SnapshotSharedLister().(*internalcache.Snapshot); !ok {
		return fail(fmt.Errorf("the scheduler's snapshot is a %T", k.Profiles[profiles[0].SchedulerName].SnapshotSharedLister()))
	}
	return k, nil
}

// outOfTree are the plugins that upstream does not have.
func outOfTree(more frameworkruntime.Registry) frameworkruntime.Registry {
	r := frameworkruntime.Registry{
		energyaware.Name: energyaware.New,
		CarbonAware:      carbonaware.New,
		preemptionName:   newPreemption,
	}
	for name, factory := range more {
		r[name] = factory
	}
	return r
}

// virtualClock is the virtual time as the scheduling queue sees it. Each reading
// is a nanosecond later than the one before: among equal timestamps the order
// of pods that are tried again would follow that of a Go map.
type virtualClock struct {
	clock.RealClock // timers and tickers: the queue's loops that use them are not run
	now             time.Time
	step            time.Duration // between two readings
}

func newClock() *virtualClock { return &virtualClock{step: time.Nanosecond} }

func (c *virtualClock) set(t time.Time) {
	if t.After(c.now) {
		c.now = t
	}
}

// Now returns the time of the reading.
func (c *virtualClock) Now() time.Time {
	c.now = c.now.Add(c.step)
	return c.now
}

// Since returns the time since t.
func (c *virtualClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// refuse is a transport for a scheduler that calls nobody.
type refuse struct{}

// RoundTrip refuses.
func (refuse) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("no API server answers %s %s", r.Method, r.URL.Path)
}

// silent drops events.
type silent struct{}

func (silent) Eventf(runtime.Object, runtime.Object, string, string, string, string, ...any) {}
func (s silent) WithLogger(klog.Logger) events.EventRecorderLogger                           { return s }
