package keda

import (
	"context"
	"maps"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	pb "github.com/kwatt-sim/kwatt/internal/kube/externalscaler"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/units"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// listener answers with two metrics, and keeps what it was told.
type listener struct {
	pb.UnimplementedExternalScalerServer
	active bool
	value  float64
	heard  []*pb.ScaledObjectRef
	asked  []string
}

func (l *listener) GetMetricSpec(_ context.Context, r *pb.ScaledObjectRef) (*pb.GetMetricSpecResponse, error) {
	l.heard, l.asked = append(l.heard, r), append(l.asked, "spec")
	return &pb.GetMetricSpecResponse{MetricSpecs: []*pb.MetricSpec{{MetricName: "a", TargetSize: 10}, {MetricName: "b", TargetSizeFloat: 2.5}}}, nil
}

func (l *listener) GetMetrics(_ context.Context, r *pb.GetMetricsRequest) (*pb.GetMetricsResponse, error) {
	l.heard, l.asked = append(l.heard, r.GetScaledObjectRef()), append(l.asked, r.GetMetricName())
	return &pb.GetMetricsResponse{MetricValues: []*pb.MetricValue{{MetricName: r.GetMetricName(), MetricValueFloat: l.value}}}, nil
}

func (l *listener) IsActive(_ context.Context, r *pb.ScaledObjectRef) (*pb.IsActiveResponse, error) {
	l.heard, l.asked = append(l.heard, r), append(l.asked, "active")
	return &pb.IsActiveResponse{Result: l.active}, nil
}

// opened is a scaler of the short form that is open to l.
func opened(t *testing.T, l *listener, change func(*External)) *scaler {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	n, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	pb.RegisterExternalScalerServer(g, l)
	go func() { _ = g.Serve(n) }()
	t.Cleanup(g.Stop)
	x := newExternalConfig().(*External)
	x.Address, x.Metadata = "unix://"+path, map[string]string{"shop": "7"}
	change(x)
	if p := x.check(); len(p) > 0 {
		t.Fatal(p)
	}
	s := newTest(t, x.config("ranker"))
	closer, err := s.Open(t.Context(), policies.Replication{Policy: "mine", Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closer)
	return s
}

// The server is told what docs/external.md says, and is asked what KEDA asks.
func TestExternalIsTold(t *testing.T) {
	l := &listener{value: 25, active: true}
	s := opened(t, l, func(*External) {})
	d := s.Decide(policies.Observation{
		Now: vtime.At(time.Minute), At: vtime.At(time.Minute), Valid: true, Desired: 3, Ready: 2, ArrivalRate: 0.1, Intensity: []float64{300, 500},
		Latency: policies.Latency{P50: 0.01, P95: 0.05, P99: 0.08}, Pods: []policies.Pod{{HasMetrics: true, Metrics: policies.PodMetrics{Queued: 2, InFlight: 3}}, {HasMetrics: true, Metrics: policies.PodMetrics{Queued: 0.5, InFlight: 1}}},
	})
	if d.Err != nil || d.Wanted != 10 || d.Replicas != 6 { // 25 of 2.5, no more than twice three
		t.Errorf("%+v", d)
	}
	if got := strings.Join(l.asked, " "); got != "spec a b active a b" {
		t.Errorf("asked %s", got)
	}
	always := map[string]string{"scalerAddress": s.plan.triggers[0].external.address, "shop": "7", "kwatt.dev/service": "ranker", "kwatt.dev/policy": "mine", "kwatt.dev/seed": "3"}
	if r := l.heard[0]; r.GetName() != "ranker" || r.GetNamespace() != "default" || !maps.Equal(r.GetScalerMetadata(), always) {
		t.Errorf("before the run: %v", r)
	}
	maps.Copy(always, map[string]string{
		"kwatt.dev/seconds": "60", "kwatt.dev/now": "2017-12-02T00:01:00+08:00", "kwatt.dev/desired": "3", "kwatt.dev/ready": "2", "kwatt.dev/arrival-rate": "0.1",
		"kwatt.dev/latency-p50-seconds": "0.01", "kwatt.dev/latency-p95-seconds": "0.05", "kwatt.dev/latency-p99-seconds": "0.08",
		"kwatt.dev/queued": "2.5", "kwatt.dev/in-flight": "4", "kwatt.dev/carbon-intensity": "400",
	})
	for _, r := range l.heard[1:] {
		if !maps.Equal(r.GetScalerMetadata(), always) {
			t.Errorf("in the run: %v", r.GetScalerMetadata())
		}
	}
}

// IsActive alone decides whether the service sleeps: KEDA's activation.
func TestExternalSleeps(t *testing.T) {
	l := &listener{value: 30}
	c := &cluster{t: t, s: opened(t, l, func(x *External) {
		x.MinReplicas, x.CooldownPeriod, x.MetricType = 0, units.Duration(time.Minute), "Value"
	}), replicas: 2}
	if got := c.until(2*time.Minute, 500); got != 0 {
		t.Errorf("not active: %d replicas", got)
	}
	l.active = true
	if got := c.until(2*time.Minute+time.Second, 0); got != 1 {
		t.Errorf("active: %d replicas", got)
	}
}

// What an answer cannot be ends the run, and nothing is asked before telemetry.
func TestExternalFails(t *testing.T) {
	l := &listener{value: -1}
	s := opened(t, l, func(*External) {})
	if d := s.Decide(policies.Observation{Desired: 4}); d.Err != nil || d.Replicas != 4 || len(l.asked) != 1 {
		t.Errorf("before the first scrape: %+v, asked %v", d, l.asked)
	}
	// A float below 0 is no value for KEDA, which takes the whole number.
	if d := s.Decide(policies.Observation{Valid: true, Desired: 4}); d.Err == nil || !strings.Contains(d.Err.Error(), `metric "a" is 0, as a float -1`) {
		t.Errorf("%+v", d)
	}
}

func TestExternalRefused(t *testing.T) {
	trigger := func(text string) string { return object("  triggers: [" + text + "]\n") }
	for name, c := range map[string]struct {
		text, want string
	}{
		"address":  {trigger(`{type: external, metadata: {x: "1"}}`), "spec.triggers[0].metadata: an external trigger needs the scalerAddress"},
		"prefix":   {trigger(`{type: external, metadata: {scalerAddress: "x:1", kwatt.dev/now: "1"}}`), "spec.triggers[0].metadata: kwatt.dev/now: names that begin with kwatt.dev/"},
		"env":      {trigger(`{type: external, metadata: {scalerAddress: "x:1", keyFromEnv: KEY}}`), "spec.triggers[0].metadata: keyFromEnv: there is no container"},
		"TLS":      {trigger(`{type: external, metadata: {scalerAddress: "x:1", enableTLS: "true"}}`), "spec.triggers[0].metadata: enableTLS: kwatt asks external scalers without TLS"},
		"push":     {trigger(`{type: external-push, metadata: {scalerAddress: "x:1"}}`), "spec.triggers[0].type: a trigger of type external-push is told when to wake"},
		"no port":  {trigger(`{type: external, metadata: {scalerAddress: scaler.shop}}`), `spec.triggers[0].metadata.scalerAddress: "scaler.shop" is neither host:port nor unix:///path`},
		"for pods": {trigger(`{type: external, metricType: Utilization, metadata: {scalerAddress: "x:1"}}`), `spec.triggers[0].metricType: metric type "Utilization"`},
	} {
		_, problems := parse(t, c.text).read()
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Path+": "+problems[0].Message, c.want) {
			t.Errorf("%s: %v, want %s", name, problems, c.want)
		}
	}
	x := newExternalConfig().(*External)
	x.Address, x.MinReplicas, x.MaxReplicas, x.PollingInterval = "localhost:1", 5, 4, units.Duration(1500*time.Millisecond)
	x.Behavior = map[string]any{"scaleDown": map[string]any{"stabilizationWindowSeconds": 5000}}
	kind, err := policies.Find("external")
	if err != nil {
		t.Fatal(err)
	}
	if p := kind.Check(x); len(p) != 2 || p[0].Path != "pollingInterval" || p[1].Path != "minReplicas" {
		t.Errorf("%v", p)
	}
	x.MinReplicas, x.PollingInterval = 1, units.Duration(time.Second)
	if p := kind.Check(x); len(p) != 1 || p[0].Path != "behavior.scaleDown.stabilizationWindowSeconds" {
		t.Errorf("%v", p)
	}
	// One fault, and at the field of the short form.
	for _, c := range []struct{ address, again, path string }{
		{"localhost", "", "address"}, {"http://localhost:1", "", "address"}, {"localhost:1", "localhost:2", "metadata.scalerAddress"},
	} {
		x := newExternalConfig().(*External)
		if x.Address = c.address; c.again != "" {
			x.Metadata = map[string]string{"scalerAddress": c.again}
		}
		if p := kind.Check(x); len(p) != 1 || p[0].Path != c.path {
			t.Errorf("address %q: %v", c.address, p)
		}
	}
}
