package hpa

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/schema"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// model is a service whose pods ask for a GPU and a core, with a proxy beside
// the server.
func model() policies.Model {
	return policies.Model{Service: "ranker", HasCPU: true, Containers: []policies.Container{
		{Name: "server", Requests: map[string]int64{cpu: 1000, gpu: 1000}},
		{Name: "proxy", Requests: map[string]int64{cpu: 100}},
	}}
}

// configOf reads a configuration as a scenario does.
func configOf(t testing.TB, text string) *Config {
	t.Helper()
	c := newConfig()
	if _, errs := schema.Decode([]byte(text), "test", c); len(errs) > 0 {
		t.Fatal(errs)
	}
	return c.(*Config)
}

// newTest makes a scaler from a spec.
func newTest(t testing.TB, spec string) *Scaler {
	t.Helper()
	c := configOf(t, "spec: "+spec)
	if problems := append(c.check(), c.suits(model())...); len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	s, err := NewScaler(c, model())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const perPod = "metrics: [{type: Pods, pods: {metric: {name: requests_per_second}, target: {type: AverageValue, averageValue: 100}}}]"

// busy are n replicas that get a request rate each.
func busy(at time.Duration, n int, rate float64) policies.Observation {
	o := policies.Observation{Now: vtime.At(at), At: vtime.At(at), Valid: true, Desired: n}
	for i := range n {
		o.Pods = append(o.Pods, policies.Pod{Name: fmt.Sprint("ranker-", i+1), Running: true, Ready: true, HasMetrics: true, Metrics: policies.PodMetrics{RequestRate: rate}})
	}
	return o
}

// Each rule that changes what the metrics ask for is a clamp with the reason and the
// message of the HorizontalPodAutoscaler's condition.
func TestClamps(t *testing.T) {
	blind := busy(0, 3, 100)
	blind.Valid = false
	for i := range blind.Pods {
		blind.Pods[i].HasMetrics = false
	}
	for _, c := range []struct {
		name, spec string
		before     []policies.Observation
		o          policies.Observation
		replicas   int
		clamps     []decisions.Clamp
		reason     string
	}{
		{"nothing to do", "{maxReplicas: 9, " + perPod + "}", nil, busy(0, 3, 105), 3, nil,
			"pods metric requests_per_second 105 of 100 asks for 3"},
		{"up to twice", "{maxReplicas: 9, " + perPod + "}", nil, busy(0, 3, 300), 6,
			[]decisions.Clamp{{Reason: "ScaleUpLimit", From: 9, To: 6, Message: "the desired replica count is increasing faster than the maximum scale rate"}},
			"pods metric requests_per_second 300 of 100 asks for 9, ScaleUpLimit: 6"},
		{"up to the bound", "{maxReplicas: 5, " + perPod + "}", nil, busy(0, 3, 300), 5,
			[]decisions.Clamp{{Reason: "TooManyReplicas", From: 9, To: 5, Message: "the desired replica count is more than the maximum replica count"}},
			"pods metric requests_per_second 300 of 100 asks for 9, TooManyReplicas: 5"},
		{"down when the window has passed, to the bound", "{minReplicas: 2, maxReplicas: 9, " + perPod + "}", []policies.Observation{busy(0, 3, 100)}, busy(301*time.Second, 3, 10), 2,
			[]decisions.Clamp{{Reason: "TooFewReplicas", From: 1, To: 2, Message: "the desired replica count is less than the minimum replica count"}},
			"pods metric requests_per_second 10 of 100 asks for 1, TooFewReplicas: 2"},
		{"not down within the window", "{maxReplicas: 9, " + perPod + "}", []policies.Observation{busy(0, 3, 100)}, busy(300*time.Second, 3, 10), 3,
			[]decisions.Clamp{{Reason: "ScaleDownStabilized", From: 1, To: 3, Message: "recent recommendations were higher than current one, applying the highest recent recommendation"}},
			"pods metric requests_per_second 10 of 100 asks for 1, ScaleDownStabilized: 3"},
		{"not up within the window", "{maxReplicas: 9, " + perPod + ", behavior: {scaleUp: {stabilizationWindowSeconds: 60}}}", []policies.Observation{busy(0, 3, 100)}, busy(45*time.Second, 3, 200), 3,
			[]decisions.Clamp{{Reason: "ScaleUpStabilized", From: 6, To: 3, Message: "recent recommendations were lower than current one, applying the lowest recent recommendation"}},
			"pods metric requests_per_second 200 of 100 asks for 6, ScaleUpStabilized: 3"},
		{"down by one a minute, after a window", "{maxReplicas: 9, " + perPod + ", behavior: {scaleDown: {stabilizationWindowSeconds: 60, policies: [{type: Pods, value: 1, periodSeconds: 60}]}}}",
			[]policies.Observation{busy(0, 6, 65)}, busy(60*time.Second, 6, 10), 5,
			[]decisions.Clamp{{Reason: "ScaleDownLimit", From: 1, To: 5, Message: "the desired replica count is decreasing faster than the maximum scale rate"}},
			"pods metric requests_per_second 10 of 100 asks for 1, ScaleDownLimit: 5"},
		{"two clamps", "{maxReplicas: 9, " + perPod + ", behavior: {scaleDown: {policies: [{type: Pods, value: 1, periodSeconds: 60}]}}}",
			[]policies.Observation{busy(0, 3, 100)}, busy(15*time.Second, 6, 10), 5,
			[]decisions.Clamp{{Reason: "ScaleDownStabilized", From: 1, To: 3, Message: "recent recommendations were higher than current one, applying the highest recent recommendation"},
				{Reason: "ScaleDownLimit", From: 3, To: 5, Message: "the desired replica count is decreasing faster than the maximum scale rate"}},
			"pods metric requests_per_second 10 of 100 asks for 1, ScaleDownStabilized: 3, ScaleDownLimit: 5"},
		{"above the bounds", "{maxReplicas: 2, " + perPod + "}", nil, busy(0, 3, 300), 2,
			[]decisions.Clamp{{Reason: "TooManyReplicas", From: 3, To: 2, Message: "Current number of replicas above Spec.MaxReplicas"}}, "Current number of replicas above Spec.MaxReplicas"},
		{"below the bounds", "{minReplicas: 4, maxReplicas: 9, " + perPod + "}", nil, busy(0, 3, 10), 4,
			[]decisions.Clamp{{Reason: "TooFewReplicas", From: 3, To: 4, Message: "Current number of replicas below Spec.MinReplicas"}}, "Current number of replicas below Spec.MinReplicas"},
		{"at zero", "{maxReplicas: 9, " + perPod + "}", nil, busy(0, 0, 0), 0,
			[]decisions.Clamp{{Reason: "ScalingDisabled", Message: "scaling is disabled since the replica count of the target is zero"}}, "scaling is disabled since the replica count of the target is zero"},
		{"without metrics", "{maxReplicas: 9, " + perPod + "}", nil, blind, 3,
			[]decisions.Clamp{{Reason: "FailedGetPodsMetric", From: 3, To: 3, Message: "the HPA was unable to compute the replica count: unable to get metric requests_per_second: no metrics returned from custom metrics API"}},
			"invalid metrics (1 invalid out of 1), first error is: failed to get pods metric value: unable to get metric requests_per_second: no metrics returned from custom metrics API"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTest(t, c.spec)
			for _, o := range c.before {
				s.Decide(o)
			}
			d := s.Decide(c.o)
			if d.Replicas != c.replicas || d.Reason != c.reason {
				t.Errorf("%d: %s\nwant %d: %s", d.Replicas, d.Reason, c.replicas, c.reason)
			}
			if diff := cmp.Diff(c.clamps, d.Clamps); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The readings say what each metric had and asked for, and why one could not be used.
func TestReadings(t *testing.T) {
	s := newTest(t, "{maxReplicas: 9, metrics: ["+metric+", "+
		"{type: External, external: {metric: {name: service_latency_p95_seconds}, target: {type: Value, value: 100m}}}, "+
		"{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]}")
	o := busy(time.Hour, 2, 600)
	for i := range o.Pods {
		o.Pods[i].Metrics.CPUCores = 0.88
	}
	d := s.Decide(o)
	want := []decisions.Reading{
		{Name: "pods metric requests_per_second", Value: 600, Target: 400, Replicas: 3},
		{Name: "external metric service_latency_p95_seconds", Target: 0.1,
			Problem: "failed to get service_latency_p95_seconds external metric value: failed to get external metric service_latency_p95_seconds: unable to get external metric default/service_latency_p95_seconds/nil: no metrics returned from external metrics API"},
		{Name: "cpu resource utilization (percentage of request)", Value: 80, Target: 50, Replicas: 4}, // 0.88 of 1.1 cores
	}
	if diff := cmp.Diff(want, d.Readings); diff != "" || d.Wanted != 4 || d.Replicas != 4 || d.Reason != "cpu resource utilization (percentage of request) 80 of 50 asks for 4" {
		t.Errorf("%+v\n%s", d, diff)
	}
}

// Upstream's Tolerances has no constructor. Its fields are the two that we
// fill in, in this order.
func TestTolerances(t *testing.T) {
	v := reflect.ValueOf(tolerances(0.25, 0.5))
	if v.NumField() != 2 || v.Type().Field(0).Name != "scaleDown" || v.Field(0).Float() != 0.25 || v.Type().Field(1).Name != "scaleUp" || v.Field(1).Float() != 0.5 {
		t.Errorf("%v: %+v", v.Type(), v)
	}
}
