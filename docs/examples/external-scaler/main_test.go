package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	pb "github.com/kwatt-sim/kwatt/internal/kube/externalscaler"
	_ "github.com/kwatt-sim/kwatt/internal/policies/all"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

const world = `
apiVersion: kwatt.dev/v1alpha1
kind: Scenario
metadata: {name: external}
spec:
  duration: 3h
  services:
    - name: ranker
      workload:
        trace: {constant: 900}
        events: [{at: 30m, ramp: 10m, hold: 40m, multiply: 4}, {at: 2h, hold: 20m, multiply: 0.2}]
      model: {serviceTime: {mean: 2ms}}
      batching: {maxBatch: 1}
      startup: {imagePull: 20s, modelLoad: 20s}
      slo: {latency: {p95: 100ms}}
  cluster: {nodePools: [{name: p, gpu: {model: nvidia-t4, perNode: 4}, nodes: {initial: 2, max: 20}}]}
  carbon: {constant: 300}
  policies:
    - {name: server, scaler: {external: {address: "ADDRESS"}}}
    - {name: trigger, scaler: {keda: {manifest: server.yaml, scalerAddresses: {"scaler.shop:9090": "ADDRESS"}}}}
    - {name: here, scaler: {keda: {manifest: here.yaml}}}
`

const object = `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: ranker, namespace: shop}
spec:
  scaleTargetRef: {name: ranker}
  minReplicaCount: 1
  triggers:
    - %s
`

// load writes the scenario with its manifests and reads it.
func load(t *testing.T, address string) *scenario.File {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"s.yaml":      strings.ReplaceAll(world, "ADDRESS", address),
		"server.yaml": fmt.Sprintf(object, `{type: external, metadata: {scalerAddress: "scaler.shop:9090", enableTLS: "true", shop: "7"}}`),
		"here.yaml":   fmt.Sprintf(object, fmt.Sprintf(`{type: prometheus, metadata: {serverAddress: x, query: service_requests_per_second, threshold: "%v"}}`, 300/1.1)),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := scenario.Load(filepath.Join(dir, "s.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// start serves s on the loopback and returns its address.
func start(t *testing.T, s pb.ExternalScalerServer, o ...grpc.ServerOption) (address string, g *grpc.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	g = grpc.NewServer(o...)
	pb.RegisterExternalScalerServer(g, s)
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	return l.Addr().String(), g
}

// run simulates the policies with two seeds, in parallel.
func run(t *testing.T, f *scenario.File, names ...string) (map[string]*results.Run, error) {
	t.Helper()
	configs, err := experiment.Compile(f, names)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*results.Run{}
	err = experiment.Run(t.Context(), experiment.Jobs(configs, []uint64{1, 2}), 2, func(r *results.Run) error {
		out[fmt.Sprint(r.Policy, r.Seed)] = r
		return nil
	})
	return out, err
}

// replicas is when a run changed them, from what to what.
func replicas(r *results.Run) (out []string) {
	for _, e := range r.Decisions {
		if e.Kind == decisions.Scale {
			out = append(out, fmt.Sprintf("%v: %d to %d", e.T, e.From, e.To))
		}
	}
	return out
}

// A rule in another process decides as the same rule does within kwatt: at the
// same instants, and so with the same figures to the last digit.
func TestAsWithin(t *testing.T) {
	address, _ := start(t, &server{perReplica: 300, headroom: 0.1})
	f := load(t, address)
	got, err := run(t, f, "server", "trigger", "here")
	if err != nil {
		t.Fatal(err)
	}
	for _, seed := range []string{"1", "2"} {
		want := got["here"+seed]
		if n := len(replicas(want)); n < 6 {
			t.Fatalf("seed %s: only %d changes: %v", seed, n, replicas(want))
		}
		for _, policy := range []string{"server", "trigger"} {
			is := got[policy+seed]
			if !slices.Equal(replicas(is), replicas(want)) {
				t.Errorf("%s, seed %s:\n%v\nwithin:\n%v", policy, seed, replicas(is), replicas(want))
			}
			for name, v := range want.Metrics {
				if is.Metrics[name] != v {
					t.Errorf("%s, seed %s: %s is %v, within %v", policy, seed, name, is.Metrics[name], v)
				}
			}
		}
	}
	_, notes := experiment.Provenance(f)
	if !slices.ContainsFunc(notes, func(n results.Note) bool {
		return n.Text == "policy server, service ranker: decided by an external scaler at "+address+"; the figures repeat only if it answers as it did"
	}) {
		t.Errorf("the results do not say who decided: %v", notes)
	}
}

// The scenario is valid without a server; a run ends before it begins.
func TestDown(t *testing.T) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	_, err = run(t, load(t, address), "server")
	if err == nil || !strings.HasPrefix(err.Error(), "policy server, service ranker: external scaler at "+address+": GetMetricSpec: ") || !strings.HasSuffix(err.Error(), ": is it running? Start it, or correct the address") {
		t.Error(err)
	}
}

// A server that dies takes the run with it.
func TestDies(t *testing.T) {
	var calls atomic.Int64
	var g *grpc.Server
	address, g := start(t, &server{perReplica: 300}, grpc.UnaryInterceptor(func(ctx context.Context, q any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
		if calls.Add(1) == 100 {
			go g.Stop()
			<-ctx.Done()
		}
		return h(ctx, q)
	}))
	got, err := run(t, load(t, address), "server")
	if err == nil || len(got) != 0 || !strings.Contains(err.Error(), "virtual time ") || !strings.Contains(err.Error(), "external scaler at "+address) {
		t.Errorf("%d runs, %v", len(got), err)
	}
}

// In a cluster nobody says kwatt.dev/arrival-rate, and Prometheus is asked.
func TestPrometheus(t *testing.T) {
	prometheus := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Path + "?" + r.URL.Query().Get("query"); got != "/api/v1/query?sum(rate(x[1m]))" {
			t.Error(got)
		}
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1435781451.781,"812.5"]}]}}`)
	}))
	defer prometheus.Close()
	s := server{perReplica: 300, prometheus: prometheus.URL, query: "sum(rate(x[1m]))"}
	r, err := s.GetMetrics(t.Context(), &pb.GetMetricsRequest{ScaledObjectRef: &pb.ScaledObjectRef{}})
	if err != nil || r.GetMetricValues()[0].GetMetricValueFloat() != 812.5 {
		t.Errorf("%v, %v", r, err)
	}
	s.prometheus = ""
	if _, err := s.GetMetrics(t.Context(), &pb.GetMetricsRequest{}); err == nil || !strings.Contains(err.Error(), "no -prometheus to ask") {
		t.Error(err)
	}
}
