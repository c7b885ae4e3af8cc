package hpa

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/units"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

func ptr[T any](v T) *T { return &v }

// perPod is a Pods metric with a target of 100.
func perPod(name string) MetricSpec {
	return MetricSpec{Type: "Pods", Pods: &PodsMetric{
		Metric: MetricIdentifier{Name: name},
		Target: MetricTarget{Type: averageValue, AverageValue: ptr(Quantity("100"))},
	}}
}

func external(name string, t MetricTarget) MetricSpec {
	return MetricSpec{Type: "External", External: &ExternalMetric{Metric: MetricIdentifier{Name: name}, Target: t}}
}

func newTest(t *testing.T, spec Spec) *Scaler {
	t.Helper()
	c := newConfig().(*Config)
	c.Spec = &spec
	if p := check(c); p != nil {
		t.Fatal(p)
	}
	s, err := NewScaler(c, policies.Model{Service: "ranker"}, Formula{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// loaded is an observation of n ready pods that each get this rate.
func loaded(at time.Duration, n int, rate float64) policies.Observation {
	o := policies.Observation{Now: vtime.At(at), Desired: n, Ready: n, Valid: true, ArrivalRate: rate * float64(n)}
	for range n {
		o.Pods = append(o.Pods, policies.Pod{Ready: true, HasMetrics: true, Metrics: policies.PodMetrics{RequestRate: rate}})
	}
	return o
}

// step is one reconciliation: the total rate divided among the replicas that
// the step before asked for, and what must come of it.
type step struct {
	at   time.Duration
	rate float64
	want int
}

func follow(t *testing.T, spec Spec, start int, steps []step) {
	t.Helper()
	s := newTest(t, spec)
	n := start
	for _, x := range steps {
		d := s.Decide(loaded(x.at, n, x.rate/float64(n)))
		if d.Replicas != x.want {
			t.Fatalf("at %s with %d replicas and %g req/s: %d, want %d (%s)", x.at, n, x.rate, d.Replicas, x.want, d.Reason)
		}
		n = d.Replicas
	}
}

const sec = time.Second

func TestWithoutBehavior(t *testing.T) {
	spec := Spec{MinReplicas: ptr(int32(2)), MaxReplicas: 30, Metrics: []MetricSpec{perPod("requests_per_second")}}
	t.Run("up at most twofold, or to 4", func(t *testing.T) {
		follow(t, spec, 2, []step{{0, 5000, 4}, {15 * sec, 5000, 8}, {30 * sec, 5000, 16}, {45 * sec, 5000, 30}, {60 * sec, 5000, 30}})
	})
	t.Run("down after 300 s, its edge included", func(t *testing.T) {
		follow(t, spec, 10, []step{
			{0, 500, 10}, {15 * sec, 500, 10}, {300 * sec, 500, 10}, // the start's 10 is 300 s old: still counts
			{315 * sec, 500, 5},
			{330 * sec, 100, 5}, {615 * sec, 100, 5}, {630 * sec, 100, 2}, // 1 is below minReplicas
		})
	})
	t.Run("a short dip is bridged, a rise is followed at once", func(t *testing.T) {
		follow(t, spec, 10, []step{{0, 1000, 10}, {60 * sec, 200, 10}, {75 * sec, 1300, 13}, {200 * sec, 195, 13}, {375 * sec, 195, 13}, {376 * sec, 195, 2}})
	})
}

func TestBehavior(t *testing.T) {
	rps := []MetricSpec{perPod("requests_per_second")}
	for _, c := range []struct {
		name  string
		b     Behavior
		start int
		steps []step
	}{
		{"defaults: 4 pods or 100 % in 15 s, the larger", Behavior{}, 1,
			[]step{{0, 9000, 5}, {15 * sec, 9000, 10}, {30 * sec, 9000, 20}, {45 * sec, 9000, 40}}},
		{"defaults: down after 300 s, its edge excluded", Behavior{}, 10,
			[]step{{0, 500, 10}, {285 * sec, 500, 10}, {300 * sec, 500, 5}}},
		{"within a period the start counts", Behavior{ScaleUp: &ScalingRules{Policies: []ScalingPolicy{{"Pods", 3, 60}}}}, 10,
			[]step{{0, 9000, 13}, {15 * sec, 9000, 13}, {45 * sec, 9000, 13}, {60 * sec, 9000, 16}}},
		{"Min takes the smaller change up", Behavior{ScaleUp: &ScalingRules{SelectPolicy: ptr("Min"), Policies: []ScalingPolicy{{"Pods", 3, 15}, {"Percent", 100, 15}}}}, 10,
			[]step{{0, 9000, 13}}},
		{"per cents are rounded up on the way up", Behavior{ScaleUp: &ScalingRules{Policies: []ScalingPolicy{{"Percent", 10, 15}}}}, 11,
			[]step{{0, 9000, 13}}}, // ⌈12.1⌉
		{"and kept whole on the way down", Behavior{ScaleDown: &ScalingRules{StabilizationWindowSeconds: ptr(int32(0)), Policies: []ScalingPolicy{{"Percent", 10, 15}}}}, 15,
			[]step{{0, 100, 13}, {15 * sec, 100, 11}}}, // ⌊13.5⌋, ⌊11.7⌋
		{"Max takes the larger change down", Behavior{ScaleDown: &ScalingRules{StabilizationWindowSeconds: ptr(int32(0)), Policies: []ScalingPolicy{{"Pods", 2, 60}, {"Percent", 50, 60}}}}, 20,
			[]step{{0, 100, 10}, {15 * sec, 100, 10}, {60 * sec, 100, 5}}},
		{"Min takes the smaller change down", Behavior{ScaleDown: &ScalingRules{StabilizationWindowSeconds: ptr(int32(0)), SelectPolicy: ptr("Min"), Policies: []ScalingPolicy{{"Pods", 2, 60}, {"Percent", 50, 60}}}}, 20,
			[]step{{0, 100, 18}, {60 * sec, 100, 16}}},
		{"Disabled", Behavior{ScaleDown: &ScalingRules{StabilizationWindowSeconds: ptr(int32(0)), SelectPolicy: ptr("Disabled")}}, 20,
			[]step{{0, 100, 20}, {3600 * sec, 100, 20}, {3615 * sec, 3000, 30}}},
		{"scaleUp waits for its window", Behavior{ScaleUp: &ScalingRules{StabilizationWindowSeconds: ptr(int32(60))}}, 10,
			[]step{{0, 2000, 10}, {15 * sec, 2000, 10}, {45 * sec, 2000, 10}, {60 * sec, 2000, 20}}},
		{"what was removed may come back within the period", Behavior{
			ScaleUp:   &ScalingRules{Policies: []ScalingPolicy{{"Pods", 1, 60}}},
			ScaleDown: &ScalingRules{StabilizationWindowSeconds: ptr(int32(0))},
		}, 10, []step{{0, 500, 5}, {15 * sec, 2000, 11}}}, // 5 + 5 removed + 1
		{"a tolerance of its own", Behavior{ScaleUp: &ScalingRules{Tolerance: ptr(Quantity("10m"))}}, 10,
			[]step{{0, 1050, 11}, {15 * sec, 1109, 11}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			follow(t, Spec{MaxReplicas: 40, Metrics: rps, Behavior: &c.b}, c.start, c.steps)
		})
	}
}

func TestBoundsComeBeforeMetrics(t *testing.T) {
	spec := Spec{MinReplicas: ptr(int32(3)), MaxReplicas: 10, Metrics: []MetricSpec{perPod("requests_per_second")}}
	for _, c := range []struct{ desired, want int }{{0, 0}, {1, 3}, {12, 10}} {
		d := newTest(t, spec).Decide(policies.Observation{Desired: c.desired})
		if d.Replicas != c.want {
			t.Errorf("%d replicas become %d, want %d (%s)", c.desired, d.Replicas, c.want, d.Reason)
		}
	}
}

func TestSeveralMetrics(t *testing.T) {
	rate, queue := perPod("requests_per_second"), perPod("queued_requests")
	latency := external("service_latency_p95_seconds", MetricTarget{Type: valueType, Value: ptr(Quantity("200m"))})
	o := loaded(0, 4, 150) // 150 of 100: 6
	for i := range o.Pods {
		o.Pods[i].Metrics.Queued = 190 // 190 of 100: 8
	}
	s := newTest(t, Spec{MaxReplicas: 20, Metrics: []MetricSpec{rate, queue}})
	if d := s.Decide(o); d.Replicas != 8 || d.Reason != "pods metric queued_requests 190 of 100 asks for 8" {
		t.Errorf("the largest wins: %+v", d)
	}
	// No latency: the rate may still scale up, not down.
	s = newTest(t, Spec{MaxReplicas: 20, Metrics: []MetricSpec{latency, rate}})
	if d := s.Decide(loaded(0, 4, 150)); d.Replicas != 6 {
		t.Errorf("up beside a missing metric: %+v", d)
	}
	s = newTest(t, Spec{MaxReplicas: 20, Metrics: []MetricSpec{latency, rate}})
	d := s.Decide(loaded(0, 4, 10))
	if d.Replicas != 4 || d.Reason != "invalid metrics (1 invalid out of 2), first error is: external metric service_latency_p95_seconds: no metrics returned from the metrics API" {
		t.Errorf("down beside a missing metric: %+v", d)
	}
	if d := s.Decide(policies.Observation{Desired: 4}); d.Replicas != 4 || !strings.HasPrefix(d.Reason, "invalid metrics (2 invalid out of 2)") {
		t.Errorf("before the first scrape: %+v", d)
	}
}

func TestMetricCatalogue(t *testing.T) {
	o := loaded(0, 4, 0)
	o.ArrivalRate, o.LatencyP95 = 800, 0.4
	for i := range o.Pods {
		o.Pods[i].Metrics = policies.PodMetrics{RequestRate: 125, InFlight: 150, Queued: 175, BusyRatio: 0.8}
	}
	object := MetricSpec{Type: "Object", Object: &ObjectMetric{
		DescribedObject: CrossVersionObjectReference{APIVersion: "networking.k8s.io/v1", Kind: "Ingress", Name: "front"},
		Metric:          MetricIdentifier{Name: "service_requests_per_second", Selector: &LabelSelector{MatchLabels: map[string]string{"service": "ranker"}}},
		Target:          MetricTarget{Type: averageValue, AverageValue: ptr(Quantity("160"))},
	}}
	for _, c := range []struct {
		m    MetricSpec
		want int
	}{
		{perPod("requests_per_second"), 5}, {perPod("inflight_requests"), 6}, {perPod("queued_requests"), 7},
		{MetricSpec{Type: "Pods", Pods: &PodsMetric{
			Metric: MetricIdentifier{Name: "DCGM_FI_DEV_GPU_UTIL"},
			Target: MetricTarget{Type: averageValue, AverageValue: ptr(Quantity("40"))},
		}}, 8},
		{object, 5},
		{external("service_requests_per_second", MetricTarget{Type: averageValue, AverageValue: ptr(Quantity("0.2k"))}), 4},
		{external("service_latency_p95_seconds", MetricTarget{Type: valueType, Value: ptr(Quantity("320m"))}), 5},
	} {
		d := newTest(t, Spec{MaxReplicas: 100, Metrics: []MetricSpec{c.m}}).Decide(o)
		if d.Replicas != c.want {
			t.Errorf("%+v: %d, want %d", c.m, d.Replicas, c.want)
		}
	}
}

func TestPodsThatAreNotReady(t *testing.T) {
	s := newTest(t, Spec{MaxReplicas: 20, Metrics: []MetricSpec{perPod("requests_per_second")}})
	o := loaded(0, 2, 150)
	o.Desired = 3
	o.Pods = append(o.Pods, policies.Pod{ReadyAt: vtime.Forever})
	if d := s.Decide(o); d.Replicas != 3 { // 300 over 3 pods is the target
		t.Errorf("%+v", d)
	}
	o.Pods[2] = policies.Pod{Ready: true} // ready, but no scrape has seen it
	if d := s.Decide(o); d.Replicas != 3 {
		t.Errorf("%+v", d)
	}
}

// recorder is another calculator: the seam works.
type recorder struct {
	Formula
	calls *[]string
}

func (r recorder) PodsMetric(current int32, target int64, t Tolerances, p []PodSample) (int32, int64, error) {
	*r.calls = append(*r.calls, "pods")
	return r.Formula.PodsMetric(current, target, t, p)
}

func TestCalculatorIsASeam(t *testing.T) {
	var calls []string
	c := newConfig().(*Config)
	c.Spec = &Spec{MaxReplicas: 9, Metrics: []MetricSpec{perPod("requests_per_second")}}
	c.SyncPeriod = units.Duration(30 * time.Second)
	s, err := NewScaler(c, policies.Model{}, recorder{calls: &calls})
	if err != nil {
		t.Fatal(err)
	}
	s.Decide(loaded(0, 4, 150))
	if !slices.Equal(calls, []string{"pods"}) || s.Interval() != 30*time.Second {
		t.Errorf("calls %v, interval %s", calls, s.Interval())
	}
}

func TestAnotherService(t *testing.T) {
	m := perPod("requests_per_second")
	m.Pods.Metric.Selector = &LabelSelector{MatchLabels: map[string]string{"service": "search"}}
	c := newConfig().(*Config)
	c.Spec = &Spec{MaxReplicas: 9, Metrics: []MetricSpec{m}}
	if _, err := NewScaler(c, policies.Model{Service: "ranker"}, Formula{}); err == nil || !strings.Contains(err.Error(), `the selector names service "search", the scaler is for "ranker"`) {
		t.Errorf("%v", err)
	}
	if _, err := NewScaler(newConfig().(*Config), policies.Model{}, Formula{}); err == nil {
		t.Error("a scaler without a spec")
	}
}

func BenchmarkDecide(b *testing.B) {
	c := newConfig().(*Config)
	c.Spec = &Spec{MaxReplicas: 100, Metrics: []MetricSpec{perPod("requests_per_second")}}
	s, err := NewScaler(c, policies.Model{}, Formula{})
	if err != nil {
		b.Fatal(err)
	}
	o := loaded(0, 40, 100)
	for b.Loop() {
		o.Now = o.Now.Add(15 * sec)
		s.Decide(o)
	}
}
