package hpatest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-logr/logr"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	autoscalinglisters "k8s.io/client-go/listers/autoscaling/v2"
	"k8s.io/client-go/scale"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
)

// control is the upstream controller and what is known of its last reconcile.
type control struct {
	w      *world
	lister autoscalinglisters.HorizontalPodAutoscalerLister
	ended  chan struct{}
	inform informers.SharedInformerFactory
	before []utilruntime.ErrorHandler

	at      time.Time // of the reconcile that is expected
	gets    int
	updates int
	wanted  int
	err     string
}

// newClient is the API server. NewClientset would keep track of field managers
// as well, which nobody here asks for.
func newClient() *fake.Clientset { return fake.NewSimpleClientset() }

func newControl(w *world) *control {
	c := &control{w: w, ended: make(chan struct{}), before: utilruntime.ErrorHandlers}
	// Upstream's second handler sleeps until a millisecond after the last
	// error, which it takes to be at the start of the process: 26 years from
	// the bubble's clock.
	utilruntime.ErrorHandlers = []utilruntime.ErrorHandler{func(_ context.Context, err error, _ string, _ ...any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		c.err += err.Error()
	}}
	ctx := klog.NewContext(w.ctx, logr.New(listener{c: c}))
	deployments := meta.NewDefaultRESTMapper([]schema.GroupVersion{{Group: "apps", Version: "v1"}})
	deployments.Add(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, meta.RESTScopeNamespace)
	c.inform = informers.NewSharedInformerFactory(w.client, 12*time.Hour)
	f := w.setup.flags
	controller := podautoscaler.NewHorizontalController(ctx, w.client.CoreV1(), target{c: c}, w.client.AutoscalingV2(), deployments, w.metricsClient(),
		c.inform.Autoscaling().V2().HorizontalPodAutoscalers(), c.inform.Core().V1().Pods(),
		f.SyncPeriod, f.DownscaleStabilization, f.Tolerance, f.CPUInitializationPeriod, f.InitialReadinessDelay)
	c.lister = c.inform.Autoscaling().V2().HorizontalPodAutoscalers().Lister()
	_, err := w.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Create(ctx, w.setup.Object.DeepCopy(), metav1.CreateOptions{})
	w.must(err)
	c.inform.Start(ctx.Done())
	c.inform.WaitForCacheSync(ctx.Done())
	go func() {
		defer close(c.ended)
		controller.Run(ctx, 1)
	}()
	return c
}

func (c *control) stop(cancel context.CancelFunc) {
	cancel()
	<-c.ended
	c.inform.Shutdown()
	utilruntime.ErrorHandlers = c.before
}

// expect a reconcile at an instant.
func (c *control) expect(at time.Time) {
	c.at, c.gets, c.updates, c.wanted, c.err = at, 0, 0, NoWish, ""
}

// outcome of the reconcile that was expected.
func (c *control) outcome() Outcome {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.gets != 1 || c.updates > 1 {
		c.w.t.Fatalf("hpatest: at %v the controller read the scale %d times and set it %d times", c.at, c.gets, c.updates)
	}
	a, err := c.lister.HorizontalPodAutoscalers(namespace).Get(service)
	c.w.must(err)
	return Outcome{Replicas: c.w.asked, Wanted: c.wanted, Conditions: conditionsOf(a), Values: valuesOf(a), Err: c.err}.anyPod()
}

// target is the scale subresource of the Deployment.
type target struct {
	c *control
	scale.ScaleInterface
}

// Scales implements scale.ScalesGetter.
func (s target) Scales(string) scale.ScaleInterface { return s }

// Get is the first thing the controller does in a reconcile.
func (s target) Get(context.Context, schema.GroupResource, string, metav1.GetOptions) (*autoscalingv1.Scale, error) {
	s.c.w.mu.Lock()
	defer s.c.w.mu.Unlock()
	if s.c.gets++; !time.Now().Equal(s.c.at) {
		return nil, errors.New("hpatest: this is not the time to reconcile")
	}
	return &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Name: service, Namespace: namespace},
		Spec:       autoscalingv1.ScaleSpec{Replicas: int32(s.c.w.asked)},
		Status:     autoscalingv1.ScaleStatus{Replicas: int32(len(s.c.w.live())), Selector: "app=" + service},
	}, nil
}

func (s target) Update(_ context.Context, _ schema.GroupResource, to *autoscalingv1.Scale, _ metav1.UpdateOptions) (*autoscalingv1.Scale, error) {
	s.c.w.mu.Lock()
	defer s.c.w.mu.Unlock()
	s.c.updates++
	s.c.w.asked = int(to.Spec.Replicas)
	return to, nil
}

func (s target) Patch(context.Context, schema.GroupVersionResource, string, types.PatchType, []byte, metav1.PatchOptions) (*autoscalingv1.Scale, error) {
	return nil, errors.New("hpatest: the controller does not patch")
}

// listener hears from the controller's log what its metrics asked for: the
// status does not tell.
type listener struct {
	c *control
	logr.LogSink
}

func (l listener) Init(logr.RuntimeInfo)          {}
func (l listener) Enabled(int) bool               { return true }
func (l listener) WithValues(...any) logr.LogSink { return l }
func (l listener) WithName(string) logr.LogSink   { return l }
func (l listener) Error(error, string, ...any)    {}
func (l listener) Info(_ int, msg string, kv ...any) {
	if i := slices.Index(kv, any("desiredReplicas")); i >= 0 && msg == "Proposing desired replicas" {
		l.c.w.mu.Lock()
		defer l.c.w.mu.Unlock()
		l.c.wanted = int(kv[i+1].(int32))
	}
}
