// Command external-scaler is a policy in a process of its own: an external scaler
// that KEDA asks in a cluster and kwatt in a simulation. It asks for one replica
// for every so many requests per second, and some headroom.
//
//	go run ./docs/examples/external-scaler -listen localhost:9090 -per-replica 300
//
// The rate is what kwatt says of virtual time, or, in a cluster, what Prometheus
// says now. In a repository of your own, import the same messages from
// github.com/kedacore/keda/v2/pkg/scalers/externalscaler.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"google.golang.org/grpc"

	pb "github.com/kwatt-sim/kwatt/internal/kube/externalscaler"
)

// metric is the name of what the server reports.
const metric = "arrival-rate"

// server implements externalscaler.ExternalScaler.
type server struct {
	pb.UnimplementedExternalScalerServer
	perReplica float64 // req/s that a replica should get, headroom not yet taken off
	headroom   float64 // 0.1 provides for 10 % more than there is
	prometheus string  // base URL; "" when kwatt alone asks
	query      string
}

func main() {
	var s server
	listen := flag.String("listen", "localhost:9090", "where to listen: host:port, or unix:/path")
	flag.Float64Var(&s.perReplica, "per-replica", 300, "requests per second that one replica serves")
	flag.Float64Var(&s.headroom, "headroom", 0.1, "over the rate: 0.1 provides for 10 % more")
	flag.StringVar(&s.prometheus, "prometheus", "", "base URL of Prometheus, asked when kwatt.dev/arrival-rate is absent")
	flag.StringVar(&s.query, "query", "", "the rate as a PromQL query that returns one number")
	flag.Parse()
	if err := serve(*listen, &s); err != nil {
		log.Fatal(err)
	}
}

func serve(address string, s *server) error {
	network := "tcp"
	if u, err := url.Parse(address); err == nil && u.Scheme == "unix" {
		network, address = "unix", u.Opaque+u.Path
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return fmt.Errorf("listening at %s: %w", address, err)
	}
	log.Printf("external scaler at %v", listener.Addr())
	g := grpc.NewServer()
	pb.RegisterExternalScalerServer(g, s)
	return g.Serve(listener)
}

// GetMetricSpec says what the metric should be for each replica.
func (s *server) GetMetricSpec(context.Context, *pb.ScaledObjectRef) (*pb.GetMetricSpecResponse, error) {
	return &pb.GetMetricSpecResponse{MetricSpecs: []*pb.MetricSpec{{MetricName: metric, TargetSizeFloat: s.perReplica / (1 + s.headroom)}}}, nil
}

// GetMetrics says what it is.
func (s *server) GetMetrics(ctx context.Context, r *pb.GetMetricsRequest) (*pb.GetMetricsResponse, error) {
	rate, err := s.rate(ctx, r.GetScaledObjectRef().GetScalerMetadata())
	return &pb.GetMetricsResponse{MetricValues: []*pb.MetricValue{{MetricName: metric, MetricValueFloat: rate}}}, err
}

// IsActive says whether the service may not sleep.
func (s *server) IsActive(ctx context.Context, r *pb.ScaledObjectRef) (*pb.IsActiveResponse, error) {
	rate, err := s.rate(ctx, r.GetScalerMetadata())
	return &pb.IsActiveResponse{Result: rate > 0}, err
}

// rate is the arrival rate in req/s: kwatt's, or that of Prometheus.
func (s *server) rate(ctx context.Context, metadata map[string]string) (float64, error) {
	if text, ok := metadata["kwatt.dev/arrival-rate"]; ok {
		return strconv.ParseFloat(text, 64)
	}
	if s.prometheus == "" {
		return 0, errors.New("no kwatt.dev/arrival-rate in the metadata, and no -prometheus to ask")
	}
	return s.ask(ctx)
}

// ask evaluates the query in Prometheus.
func (s *server) ask(ctx context.Context) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.prometheus+"/api/v1/query?query="+url.QueryEscape(s.query), http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Value [2]any // when, and a number as text
			}
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, fmt.Errorf("prometheus: %s: %w", response.Status, err)
	}
	if answer.Status != "success" {
		return 0, fmt.Errorf("prometheus: %s", answer.Error)
	}
	if len(answer.Data.Result) != 1 {
		return 0, fmt.Errorf("prometheus: query %q has %d results, want one", s.query, len(answer.Data.Result))
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	return strconv.ParseFloat(text, 64)
}
