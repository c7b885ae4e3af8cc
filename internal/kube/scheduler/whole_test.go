package scheduler

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	upstream "k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/utils/clock"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// whole is upstream's complete kube-scheduler, with informers, queue loops and
// binding goroutines, before an API server that holds objects: what runs in a
// cluster. It is a cluster.Scheduler, so that the same world can have it in
// place of ours. It lives in a synctest bubble, whose clock follows the host's.
type whole struct {
	*upstream.Scheduler
	*apiServer
	host  cluster.Host
	cfg   *Config
	nodes map[string]*cluster.Node
	pods  map[string]*cluster.Pod
	ctx   context.Context
	free  bool // scheduler.Run; else one pod at a time, all else at rest
	start time.Time
	woken vtime.Time
	close func()

	mu      sync.Mutex
	heard   []func()       // what it did, to tell the host
	by      *cluster.Pod   // whose cycle runs
	victims []*cluster.Pod // that this cycle has deleted
}

// newWhole starts a scheduler in the bubble of the test that runs. It runs free,
// as in a cluster, or settled: a pod is popped only when no goroutine has
// anything left to do, which takes the races between them out.
func newWhole(t testing.TB, c *Config, h cluster.Host, free bool) *whole {
	t.Helper()
	w := &whole{host: h, cfg: c, nodes: map[string]*cluster.Node{}, pods: map[string]*cluster.Pod{}, free: free}
	w.apiServer = newAPIServer(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	w.ctx = ctx
	informers := upstream.NewInformerFactory(w.client, 0)
	var profiles []config.KubeSchedulerProfile
	for _, p := range c.profiles() {
		profiles = append(profiles, orderedPreemption(p))
	}
	conf := c.Configuration.internal
	var err error
	w.Scheduler, err = upstream.New(ctx, w.client, informers, nil, func(string) events.EventRecorderLogger { return silent{} },
		upstream.WithProfiles(profiles...), upstream.WithParallelism(1), upstream.WithClock(&bubbleClock{}),
		upstream.WithFrameworkOutOfTreeRegistry(outOfTree(frameworkruntime.Registry{
			tiesName: newTies(c.Seed), devicesName: devices{h, w.nodes, w.pods}.factory,
		})),
		upstream.WithPercentageOfNodesToScore(conf.PercentageOfNodesToScore), upstream.WithComponentConfigVersion(conf.APIVersion),
		upstream.WithPodInitialBackoffSeconds(conf.PodInitialBackoffSeconds), upstream.WithPodMaxBackoffSeconds(conf.PodMaxBackoffSeconds))
	if err != nil {
		t.Fatal(err)
	}
	w.listen()
	for _, service := range c.Services {
		w.addService(service)
	}
	informers.Start(ctx.Done())
	informers.WaitForCacheSync(ctx.Done())
	// Backoff goes by whole seconds, as in the simulation from its start.
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	w.start = time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if free {
			w.Run(ctx)
			return
		}
		w.SchedulingQueue.Run(klog.FromContext(ctx))
		<-ctx.Done()
		w.SchedulingQueue.Close()
	}()
	synctest.Wait()
	w.close = func() {
		cancel()
		<-done
		informers.Shutdown()
		time.Sleep(time.Minute) // goroutines that look at the context now and then
	}
	return w
}

// listen notes what the scheduler does.
func (w *whole) listen() {
	next, failed := w.NextPod, w.FailureHandler
	w.NextPod = func(l klog.Logger) (*framework.QueuedPodInfo, error) {
		pi, err := next(l)
		if pi != nil {
			w.mu.Lock()
			w.by = w.pods[pi.Pod.Name]
			w.mu.Unlock()
		}
		return pi, err
	}
	w.FailureHandler = func(ctx context.Context, f framework.Framework, pi *framework.QueuedPodInfo, status *fwk.Status, n *fwk.NominatingInfo, start time.Time) {
		failed(ctx, f, pi, status, n, start)
		w.mu.Lock()
		defer w.mu.Unlock()
		p, victims := w.by, w.victims
		w.victims = nil
		w.heard = append(w.heard, func() {
			w.host.Refuse(p, status.AsError().Error(), decisions.Placement{})
			for _, victim := range victims {
				if w.pods[victim.Name] == victim {
					w.host.Preempt(victim, p)
				}
			}
		})
	}
}

// bound notes a binding that the API server took.
func (w *whole) bound(pod, node string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, n := w.pods[pod], w.nodes[node]
	w.heard = append(w.heard, func() { w.host.Bind(p, n, decisions.Placement{}) })
}

// deleted notes that the scheduler asked for a pod's deletion.
func (w *whole) deleted(pod string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.victims = append(w.victims, w.pods[pod])
}

// tell tells the host what was heard, and reports whether there was anything.
func (w *whole) tell() bool {
	w.mu.Lock()
	heard := w.heard
	w.heard = nil
	w.mu.Unlock()
	for _, what := range heard {
		what()
	}
	return len(heard) > 0
}

// write lets the clock come to the host's, changes something in the API server
// and waits until everybody has taken notice.
func (w *whole) write(change func()) {
	w.advance()
	if w.free {
		w.setBudgets()
	}
	change()
	synctest.Wait()
	if w.waits() {
		w.host.Wake(w.host.Now())
	}
}

// waits reports whether Schedule has something to do.
func (w *whole) waits() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.heard) > 0 || !w.free && len(w.SchedulingQueue.PodsInActiveQ())+len(w.SchedulingQueue.PodsInBackoffQ()) > 0
}

func (w *whole) advance() {
	time.Sleep(time.Until(w.start.Add(time.Duration(w.host.Now()))))
	synctest.Wait()
}

// Schedule implements cluster.Scheduler.
func (w *whole) Schedule() {
	w.advance()
	for w.tell() || !w.free && w.one() {
	}
	if len(w.SchedulingQueue.UnschedulablePods()) == 0 {
		return
	}
	// The queue looks for old pods by itself; the host must be there to hear of it.
	const tick = vtime.Time(30 * time.Second)
	if next := w.host.Now()/tick*tick + tick; next > w.woken {
		w.woken = next
		w.host.Wake(next)
	}
}

// one schedules one pod, if one waits, and waits until all have come to rest.
func (w *whole) one() bool {
	if !w.waits() {
		return false
	}
	w.setBudgets()
	synctest.Wait()
	w.ScheduleOne(w.ctx)
	synctest.Wait()
	return true
}

// NodeAdded implements cluster.Scheduler.
func (w *whole) NodeAdded(n *cluster.Node) {
	w.nodes[n.Name] = n
	w.write(func() { w.add(nodeResource, w.cfg.Pools[n.Pool].node(n.Name, w.host.Intensity(n))) })
}

// NodeUpdated implements cluster.Scheduler.
func (w *whole) NodeUpdated(n *cluster.Node) {
	w.write(func() {
		o := w.cfg.Pools[n.Pool].node(n.Name, w.host.Intensity(n))
		if o.Spec.Unschedulable = n.Cordoned; n.Cordoned {
			o.Spec.Taints = append(o.Spec.Taints, v1.Taint{Key: v1.TaintNodeUnschedulable, Effect: v1.TaintEffectNoSchedule})
		}
		w.replace(nodeResource, o)
	})
}

// NodeRemoved implements cluster.Scheduler.
func (w *whole) NodeRemoved(n *cluster.Node) {
	w.write(func() { w.remove(nodeResource, "", n.Name) })
	delete(w.nodes, n.Name)
}

// PodAdded implements cluster.Scheduler.
func (w *whole) PodAdded(p *cluster.Pod) {
	w.mu.Lock()
	w.pods[p.Name] = p
	w.mu.Unlock()
	w.write(func() { w.add(podResource, w.newPod(p)) })
}

// PodTerminating implements cluster.Scheduler.
func (w *whole) PodTerminating(p *cluster.Pod) { w.write(func() { w.terminate(p.Name) }) }

// PodRemoved implements cluster.Scheduler.
func (w *whole) PodRemoved(p *cluster.Pod) {
	w.write(func() { w.remove(podResource, namespace, p.Name) })
	delete(w.pods, p.Name)
}

// Fork implements cluster.Scheduler; worlds for this scheduler have another one.
func (w *whole) Fork() cluster.Fork { panic("a cluster has no fork") }

// Close implements cluster.Scheduler.
func (w *whole) Close() { w.close() }

// bubbleClock is the bubble's clock for the queue, each reading a nanosecond
// later than the one before: a machine's clock does not stand still either.
type bubbleClock struct {
	clock.RealClock
	mu   sync.Mutex
	last time.Time
}

func (c *bubbleClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last = c.last.Add(1); c.last.Before(time.Now()) {
		c.last = time.Now()
	}
	return c.last
}

func (c *bubbleClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }
