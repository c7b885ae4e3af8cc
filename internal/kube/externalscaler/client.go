package externalscaler

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// DefaultTimeout of a call.
const DefaultTimeout = 5 * time.Second

// Client asks one external scaler.
type Client struct {
	Address string        // as gRPC reads it: host:port, or unix:///path
	Timeout time.Duration // of a call, on the wall clock
	client  ExternalScalerClient
	release func()
}

// Error is the fault of a scaler: it is not there, is too slow, or answers what
// cannot be.
type Error struct{ err error }

func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.err }

// Metric is what a scaler reports of one of its metrics: the goal of the
// HorizontalPodAutoscaler is Target.
type Metric struct {
	Name   string
	Target float64
}

// connections are shared by all that ask at an address, as in KEDA.
var connections = struct {
	sync.Mutex
	open map[string]*connection
}{open: map[string]*connection{}}

type connection struct {
	*grpc.ClientConn
	users int
}

// CheckAddress returns an error for an address that is neither host:port, with or
// without dns:///, nor unix:///path. gRPC would guess: port 443 where there is none,
// and a host named http for a URL.
func CheckAddress(address string) error {
	if path, unix := strings.CutPrefix(address, "unix:"); unix {
		if strings.HasPrefix(path, "///") && len(path) > len("///") {
			return nil
		}
		return fmt.Errorf("%q is not unix:///path", address)
	}
	host, port, err := net.SplitHostPort(strings.TrimPrefix(address, "dns:///"))
	if err != nil || host == "" || port == "" || strings.Contains(host+port, "/") {
		return fmt.Errorf("%q is neither host:port nor unix:///path", address)
	}
	return nil
}

// Dial returns a client. It does not connect: the first call does. Close gives
// the connection back.
func Dial(address string, timeout time.Duration) (*Client, error) {
	connections.Lock()
	defer connections.Unlock()
	c := connections.open[address]
	if c == nil {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, fmt.Errorf("external scaler at %q: %w: want host:port or unix:///path", address, err)
		}
		c = &connection{ClientConn: conn}
		connections.open[address] = c
	}
	c.users++
	return &Client{Address: address, Timeout: timeout, client: NewExternalScalerClient(c), release: sync.OnceFunc(func() { leave(address, c) })}, nil
}

func leave(address string, c *connection) {
	connections.Lock()
	defer connections.Unlock()
	if c.users--; c.users == 0 {
		delete(connections.open, address)
		_ = c.Close() // nobody waits for an answer any more
	}
}

// Close gives the connection back; the last to do so ends it.
func (c *Client) Close() { c.release() }

// Metrics asks for the metrics' names and targets.
func (c *Client) Metrics(ctx context.Context, ref *ScaledObjectRef) ([]Metric, error) {
	r, err := call(ctx, c, "GetMetricSpec", ref, c.client.GetMetricSpec)
	if err != nil {
		return nil, err
	}
	var out []Metric
	for _, s := range r.GetMetricSpecs() {
		// Which of the two fields counts is decided as in KEDA.
		m := Metric{Name: s.GetMetricName(), Target: float64(s.GetTargetSize())}
		if s.GetTargetSizeFloat() > 0 {
			m.Target = s.GetTargetSizeFloat()
		}
		if bad := s.GetTargetSizeFloat(); !sane(bad) || !sane(m.Target) || m.Target < 0.001 {
			return nil, c.fault("GetMetricSpec", fmt.Errorf("metric %q has targetSize %d and targetSizeFloat %v: one must be above 0", m.Name, s.GetTargetSize(), bad))
		}
		if m.Name == "" {
			return nil, c.fault("GetMetricSpec", errors.New("a metric has no name"))
		}
		out = append(out, m)
	}
	if len(out) == 0 {
		return nil, c.fault("GetMetricSpec", errors.New("the answer names no metric"))
	}
	return out, nil
}

// Value asks for a metric's value: the sum where the answer holds several, each
// cut to thousandths, as the HorizontalPodAutoscaler adds them up.
func (c *Client) Value(ctx context.Context, ref *ScaledObjectRef, metric string) (milli int64, err error) {
	r, err := call(ctx, c, "GetMetrics", &GetMetricsRequest{ScaledObjectRef: ref, MetricName: metric}, c.client.GetMetrics)
	if err != nil {
		return 0, err
	}
	if len(r.GetMetricValues()) == 0 {
		return 0, c.fault("GetMetrics", fmt.Errorf("the answer has no value of metric %q", metric))
	}
	for _, v := range r.GetMetricValues() {
		x := float64(v.GetMetricValue())
		if v.GetMetricValueFloat() > 0 {
			x = v.GetMetricValueFloat()
		}
		if bad := v.GetMetricValueFloat(); !sane(bad) || !sane(x) {
			return 0, c.fault("GetMetrics", fmt.Errorf("metric %q is %d, as a float %v: want a number from 0 to 10^15", metric, v.GetMetricValue(), bad))
		}
		milli += int64(x * 1000)
	}
	return milli, nil
}

// sane reports whether a value can be one: KEDA would make something of a NaN or
// of less than nothing, and the benchmark would not show it.
func sane(x float64) bool { return !math.IsNaN(x) && x >= 0 && x <= 1e15 }

// Active asks whether there is something to do.
func (c *Client) Active(ctx context.Context, ref *ScaledObjectRef) (bool, error) {
	r, err := call(ctx, c, "IsActive", ref, c.client.IsActive)
	return r.GetResult(), err
}

// call makes one call within the deadline.
func call[Q, A any](ctx context.Context, c *Client, name string, question Q, ask func(context.Context, Q, ...grpc.CallOption) (A, error)) (A, error) {
	within, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	answer, err := ask(within, question)
	if err != nil {
		if ctx.Err() != nil {
			return answer, ctx.Err() // the run was stopped: no fault of the server
		}
		return answer, c.fault(name, err)
	}
	return answer, nil
}

// fault says who failed, at what, and how to put it right.
func (c *Client) fault(name string, err error) error {
	hint := ""
	switch status.Code(err) {
	case codes.Unavailable:
		hint = ": is it running? Start it, or correct the address"
	case codes.DeadlineExceeded:
		hint = fmt.Sprintf(": it did not answer within %v of real time; make it faster, or set a longer timeout", c.Timeout)
	case codes.Unimplemented:
		hint = ": it does not serve externalscaler.ExternalScaler, KEDA's protocol"
	}
	return &Error{fmt.Errorf("external scaler at %s: %s: %w%s", c.Address, name, err, hint)}
}
