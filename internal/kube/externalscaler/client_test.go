package externalscaler_test

import (
	"bytes"
	"context"
	"math"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "github.com/kwatt-sim/kwatt/internal/kube/externalscaler"
)

// scaler answers what a test tells it to.
type scaler struct {
	pb.UnimplementedExternalScalerServer
	specs  []*pb.MetricSpec
	values []*pb.MetricValue
	wait   time.Duration
}

func (s *scaler) GetMetricSpec(context.Context, *pb.ScaledObjectRef) (*pb.GetMetricSpecResponse, error) {
	return &pb.GetMetricSpecResponse{MetricSpecs: s.specs}, nil
}

func (s *scaler) GetMetrics(ctx context.Context, _ *pb.GetMetricsRequest) (*pb.GetMetricsResponse, error) {
	select {
	case <-ctx.Done():
	case <-time.After(s.wait):
	}
	return &pb.GetMetricsResponse{MetricValues: s.values}, nil
}

// start serves at a socket and returns its address.
func start(t *testing.T, s pb.ExternalScalerServer) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	if s != nil {
		pb.RegisterExternalScalerServer(g, s)
	}
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	return "unix://" + path
}

func dial(t *testing.T, address string, timeout time.Duration) *pb.Client {
	t.Helper()
	c, err := pb.Dial(address, timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// The bytes are those that KEDA's message definitions ask for: field numbers and
// wire types are written out here, from its externalscaler.proto.
func TestOnTheWire(t *testing.T) {
	text := func(b []byte, field protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
	}
	message := func(b []byte, field protowire.Number, m []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), m)
	}
	varint := func(b []byte, field protowire.Number, x uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), x)
	}
	double := func(b []byte, field protowire.Number, x float64) []byte {
		return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(x))
	}
	ref := message(text(text(nil, 1, "a"), 2, "b"), 3, text(text(nil, 1, "k"), 2, "v"))
	object := &pb.ScaledObjectRef{Name: "a", Namespace: "b", ScalerMetadata: map[string]string{"k": "v"}}
	for _, x := range []struct {
		message proto.Message
		bytes   []byte
	}{
		{object, ref},
		{&pb.GetMetricsRequest{ScaledObjectRef: object, MetricName: "m"}, text(message(nil, 1, ref), 2, "m")},
		{&pb.IsActiveResponse{Result: true}, varint(nil, 1, 1)},
		{&pb.GetMetricSpecResponse{MetricSpecs: []*pb.MetricSpec{{MetricName: "m", TargetSize: 7, TargetSizeFloat: 0.5}}}, message(nil, 1, double(varint(text(nil, 1, "m"), 2, 7), 3, 0.5))},
		{&pb.GetMetricsResponse{MetricValues: []*pb.MetricValue{{MetricName: "m", MetricValue: 7, MetricValueFloat: 0.5}}}, message(nil, 1, double(varint(text(nil, 1, "m"), 2, 7), 3, 0.5))},
	} {
		got, err := proto.MarshalOptions{Deterministic: true}.Marshal(x.message)
		if err != nil || !bytes.Equal(got, x.bytes) {
			t.Errorf("%T is %x, want %x (%v)", x.message, got, x.bytes, err)
		}
	}
	var methods []string
	for _, m := range pb.ExternalScaler_ServiceDesc.Methods {
		methods = append(methods, m.MethodName)
	}
	if got := pb.ExternalScaler_ServiceDesc.ServiceName + " " + strings.Join(methods, " "); got != "externalscaler.ExternalScaler IsActive GetMetricSpec GetMetrics" {
		t.Error(got)
	}
}

// The float counts where there is one, and several values add up as in the
// HorizontalPodAutoscaler.
func TestAnswers(t *testing.T) {
	s := &scaler{
		specs:  []*pb.MetricSpec{{MetricName: "a", TargetSize: 5}, {MetricName: "b", TargetSize: 5, TargetSizeFloat: 0.25}},
		values: []*pb.MetricValue{{MetricValue: 3}, {MetricValue: 9, MetricValueFloat: 0.2999}},
	}
	c := dial(t, start(t, s), time.Minute)
	metrics, err := c.Metrics(t.Context(), &pb.ScaledObjectRef{})
	if err != nil || len(metrics) != 2 || metrics[0] != (pb.Metric{Name: "a", Target: 5}) || metrics[1] != (pb.Metric{Name: "b", Target: 0.25}) {
		t.Errorf("%v, %v", metrics, err)
	}
	if milli, err := c.Value(t.Context(), &pb.ScaledObjectRef{}, "a"); err != nil || milli != 3299 {
		t.Errorf("%v, %v", milli, err)
	}
}

func TestFaults(t *testing.T) {
	nan, spec := math.NaN(), []*pb.MetricSpec{{MetricName: "m", TargetSize: 1}}
	for name, x := range map[string]struct {
		server pb.ExternalScalerServer
		want   string
	}{
		"no values":   {&scaler{specs: spec}, `GetMetrics: the answer has no value of metric "m"`},
		"NaN":         {&scaler{specs: spec, values: []*pb.MetricValue{{MetricValueFloat: nan}}}, `GetMetrics: metric "m" is 0, as a float NaN: want a number from 0`},
		"negative":    {&scaler{specs: spec, values: []*pb.MetricValue{{MetricValue: -1}}}, `GetMetrics: metric "m" is -1`},
		"infinite":    {&scaler{specs: spec, values: []*pb.MetricValue{{MetricValueFloat: math.Inf(1)}}}, `as a float +Inf`},
		"no metrics":  {&scaler{}, "GetMetricSpec: the answer names no metric"},
		"no target":   {&scaler{specs: []*pb.MetricSpec{{MetricName: "m"}}}, `GetMetricSpec: metric "m" has targetSize 0 and targetSizeFloat 0: one must be above 0`},
		"NaN target":  {&scaler{specs: []*pb.MetricSpec{{MetricName: "m", TargetSize: 1, TargetSizeFloat: nan}}}, "targetSizeFloat NaN"},
		"no name":     {&scaler{specs: []*pb.MetricSpec{{TargetSize: 1}}}, "GetMetricSpec: a metric has no name"},
		"slow":        {&scaler{specs: spec, wait: time.Minute}, "it did not answer within 200ms of real time; make it faster, or set a longer timeout"},
		"other":       {nil, "it does not serve externalscaler.ExternalScaler, KEDA's protocol"},
		"unsupported": {pb.UnimplementedExternalScalerServer{}, "GetMetricSpec"},
	} {
		c := dial(t, start(t, x.server), 200*time.Millisecond)
		_, err := c.Metrics(t.Context(), &pb.ScaledObjectRef{})
		if err == nil {
			_, err = c.Value(t.Context(), &pb.ScaledObjectRef{}, "m")
		}
		if err == nil || !strings.HasPrefix(err.Error(), "external scaler at "+c.Address+": ") || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v\nwant %s", name, err, x.want)
		}
	}
	c := dial(t, "unix:///nowhere/s", time.Second)
	if _, err := c.Active(t.Context(), &pb.ScaledObjectRef{}); err == nil || !strings.Contains(err.Error(), "is it running? Start it, or correct the address") {
		t.Errorf("nobody there: %v", err)
	}
}

// A run that is stopped waits for no answer, and says nothing of the server.
func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := dial(t, start(t, &scaler{wait: time.Minute}), time.Minute)
	cancel()
	if _, err := c.Value(ctx, &pb.ScaledObjectRef{}, "m"); err == nil || err.Error() != "context canceled" {
		t.Error(err)
	}
}

// Who asks at the same address shares a connection, and the last one ends it.
func TestShared(t *testing.T) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	counted := &counting{Listener: l}
	g := grpc.NewServer()
	pb.RegisterExternalScalerServer(g, &scaler{values: []*pb.MetricValue{{MetricValue: 1}}})
	go func() { _ = g.Serve(counted) }()
	t.Cleanup(g.Stop)
	address := l.Addr().String()
	for round := range 2 {
		var clients []*pb.Client
		for range 4 {
			c, err := pb.Dial(address, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			clients = append(clients, c)
			if _, err := c.Value(t.Context(), &pb.ScaledObjectRef{}, "m"); err != nil {
				t.Error(err)
			}
		}
		for _, c := range clients {
			c.Close()
			c.Close() // once more does nothing
		}
		if got := counted.n.Load(); got != int64(round)+1 {
			t.Errorf("round %d: %d connections", round, got)
		}
	}
}

type counting struct {
	net.Listener
	n atomic.Int64
}

func (c *counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}

func BenchmarkValue(b *testing.B) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		b.Fatal(err)
	}
	g := grpc.NewServer()
	pb.RegisterExternalScalerServer(g, &scaler{values: []*pb.MetricValue{{MetricValue: 1}}})
	go func() { _ = g.Serve(l) }()
	defer g.Stop()
	c, err := pb.Dial(l.Addr().String(), time.Minute)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for b.Loop() {
		if _, err := c.Value(b.Context(), &pb.ScaledObjectRef{}, "m"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestCheckAddress(t *testing.T) {
	for address, good := range map[string]bool{
		"localhost:9090": true, "scaler.shop.svc:9090": true, "[::1]:9090": true, "127.0.0.1:1": true, "dns:///scaler:9090": true, "unix:///run/s.sock": true,
		"": false, "localhost": false, "localhost:": false, ":9090": false, "::1": false, "http://localhost:9090": false, "http://localhost": false,
		"localhost:9090/x": false, "unix://s.sock": false, "unix:s.sock": false, "unix:///": false,
	} {
		if err := pb.CheckAddress(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}
