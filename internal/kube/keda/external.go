package keda

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/kube/externalscaler"
	"github.com/kwatt-sim/kwatt/internal/kube/hpa"
	"github.com/kwatt-sim/kwatt/internal/policies"
)

// prefix of the metadata that is kwatt's. In a cluster a scaler would ask
// Prometheus; in virtual time it is told what Prometheus would show.
const prefix = "kwatt.dev/"

// external is a trigger whose figure another process knows.
type external struct {
	index           int // of the trigger
	metricType      string
	address         string
	timeout         time.Duration
	name, namespace string            // of the ScaledObject
	metadata        map[string]string // of the trigger, and what stays as it is in a run

	// Set by open.
	client  *externalscaler.Client
	ctx     context.Context // of the run: a stopped one waits for no answer
	metrics []externalscaler.Metric
	start   time.Time // of the window; zero when it has no date
	failed  error     // the first that went wrong
}

func newExternal(i int, s *triggerSpec, c *Config, fail failer) *external {
	s.checkType(fail)
	e := &external{index: i, metricType: s.MetricType, address: s.Metadata["scalerAddress"], timeout: externalscaler.DefaultTimeout, metadata: map[string]string{}}
	if c.ScalerTimeout != nil {
		e.timeout = c.ScalerTimeout.D()
	}
	if e.address == "" {
		fail(".metadata", `for example "localhost:9090"`, "an external trigger needs the scalerAddress of its server")
	}
	here, moved := c.ScalerAddresses[e.address]
	if moved {
		e.address = here
	}
	if err := externalscaler.CheckAddress(e.address); e.address != "" && err != nil {
		fail(".metadata.scalerAddress", `for example "localhost:9090" or "unix:///run/scaler.sock"`, "%v", err)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Metadata)) {
		v := s.Metadata[k]
		switch {
		case strings.HasPrefix(k, prefix):
			fail(".metadata", "choose another name", "%s: names that begin with %s are kwatt's", k, prefix)
		case strings.HasSuffix(k, "FromEnv"):
			fail(".metadata", "write the value itself", "%s: there is no container whose environment has %s", k, v)
		case !moved && (k == "enableTLS" || k == "unsafeSsl") && v == "true":
			fail(".metadata", "let the server listen without TLS as well, and name that port in scalerAddresses", "%s: kwatt asks external scalers without TLS", k)
		}
		e.metadata[k] = v
	}
	if e.metricType == "" {
		e.metricType = "AverageValue"
	}
	return e
}

// of names the ScaledObject that the trigger is of.
func (e *external) of(metadata map[string]any) {
	e.name, _ = metadata["name"].(string)
	if e.namespace, _ = metadata["namespace"].(string); e.namespace == "" {
		e.namespace = "default"
	}
}

// open asks for the metrics. A server that is not there is found here, before
// anything is simulated.
func (e *external) open(ctx context.Context, m policies.Model, r policies.Replication) (err error) {
	e.metadata[prefix+"service"] = m.Service
	e.metadata[prefix+"policy"], e.metadata[prefix+"seed"] = r.Policy, strconv.FormatUint(r.Seed, 10)
	e.ctx, e.start = ctx, m.Start
	if e.client, err = externalscaler.Dial(e.address, e.timeout); err != nil {
		return err
	}
	if e.metrics, err = e.client.Metrics(ctx, e.ref(policies.Observation{})); err != nil {
		e.client.Close()
	}
	return err
}

// serve makes the metrics of the HorizontalPodAutoscaler, and lets it read them.
// Before open they are one without a value: then nothing is decided.
func (e *external) serve(c *hpa.Config) (metrics []any) {
	known := e.metrics
	if known == nil {
		known = []externalscaler.Metric{{Name: "external", Target: 1}}
	}
	for _, m := range known {
		name := fmt.Sprintf("s%d-%s", e.index, m.Name)
		metrics = append(metrics, externalMetric(name, e.metricType, m.Target))
		c.Serve(name, func(o policies.Observation) (float64, bool) { return e.value(o, m.Name) })
	}
	return metrics
}

// value is what a metric has now, asked anew each time as KEDA does.
func (e *external) value(o policies.Observation, metric string) (float64, bool) {
	if e.client == nil || e.failed != nil {
		return 0, false
	}
	milli, err := e.client.Value(e.ctx, e.ref(o), metric)
	if err != nil {
		e.failed = err
		return 0, false
	}
	// Package hpa cuts to thousandths: half of one keeps a rounding from losing one.
	return (float64(milli) + 0.5) / 1000, true
}

// active asks whether the trigger is. As KEDA does, it asks for the metrics too.
func (e *external) active(o policies.Observation) (bool, error) {
	if !o.Valid || e.client == nil {
		return false, errNoValue
	}
	for _, m := range e.metrics {
		if _, ok := e.value(o, m.Name); !ok {
			return false, e.failed
		}
	}
	is, err := e.client.Active(e.ctx, e.ref(o))
	if err != nil {
		e.failed = err
	}
	return is, err
}

// ref is the ScaledObject as the server sees it, with what telemetry shows.
func (e *external) ref(o policies.Observation) *externalscaler.ScaledObjectRef {
	r := &externalscaler.ScaledObjectRef{Name: e.name, Namespace: e.namespace, ScalerMetadata: maps.Clone(e.metadata)}
	if !o.Valid {
		return r
	}
	say := func(name, value string) { r.ScalerMetadata[prefix+name] = value }
	number := func(name string, x float64) { say(name, strconv.FormatFloat(x, 'g', -1, 64)) }
	number("seconds", o.Now.Seconds())
	if !e.start.IsZero() {
		say("now", e.start.Add(time.Duration(o.Now)).Format(time.RFC3339Nano))
	}
	say("desired", strconv.Itoa(o.Desired))
	say("ready", strconv.Itoa(o.Ready))
	number("arrival-rate", o.ArrivalRate)
	if l := o.Latency; l.P99 > 0 {
		number("latency-p50-seconds", l.P50)
		number("latency-p95-seconds", l.P95)
		number("latency-p99-seconds", l.P99)
	}
	queued, inFlight := 0.0, 0.0
	for _, p := range o.Pods {
		queued += p.Metrics.Queued
		inFlight += p.Metrics.InFlight
	}
	number("queued", queued)
	number("in-flight", inFlight)
	if n := len(o.Intensity); n > 0 {
		sum := 0.0
		for _, g := range o.Intensity {
			sum += g
		}
		number("carbon-intensity", sum/float64(n))
	}
	return r
}

// Open implements policies.Opener: the autoscaler is made anew, of the metrics
// that the servers name.
func (s *scaler) Open(ctx context.Context, r policies.Replication) (closer func(), err error) {
	var opened []*external
	closer = func() {
		for _, e := range opened {
			e.client.Close()
		}
	}
	for _, t := range s.plan.triggers {
		if t.external == nil {
			continue
		}
		if err := t.external.open(ctx, s.model, r); err != nil {
			closer()
			return nil, err
		}
		opened = append(opened, t.external)
	}
	if len(opened) == 0 {
		return closer, nil
	}
	s.plan.autoscaler(s.config)
	if problems := s.plan.hpa.Check(); len(problems) > 0 {
		closer()
		return nil, fmt.Errorf("external scaler: its metrics make no HorizontalPodAutoscaler: %s: %s", problems[0].Path, problems[0].Message)
	}
	if s.hpa, err = hpa.NewScaler(s.plan.hpa, s.model); err != nil {
		closer()
		return nil, fmt.Errorf("keda: %w", err)
	}
	return closer, nil
}

// caveats says what a run rests on that kwatt cannot answer for.
func (c *Config) caveats() (out []string) {
	p, problems := c.read()
	if len(problems) > 0 {
		return nil
	}
	for _, t := range p.triggers {
		if t.external != nil {
			out = append(out, fmt.Sprintf("decided by an external scaler at %s; the figures repeat only if it answers as it did", t.external.address))
		}
	}
	return out
}
