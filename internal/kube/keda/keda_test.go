package keda

import (
	"os"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/units"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// midnight in Shanghai.
var midnight = time.Date(2017, 12, 2, 0, 0, 0, 0, time.FixedZone("CST", 8*3600))

func parse(t *testing.T, text string) *Config {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	c := newConfig().(*Config)
	c.SetManifest(object)
	return c
}

// object is a ScaledObject with this much more in its spec.
func object(more string) string {
	return "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: ranker}\nspec:\n  scaleTargetRef: {name: ranker}\n" + more
}

const byRate = `  triggers: [{type: prometheus, metadata: {serverAddress: x, query: service_requests_per_second, threshold: "100", activationThreshold: "5"}}]
`

func newTest(t *testing.T, c *Config) *scaler {
	t.Helper()
	s, err := newScaler(c, policies.Model{Service: "ranker", Start: midnight, HasCPU: true, Containers: []policies.Container{{Name: "server", Requests: map[string]int64{"cpu": 1000}}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// cluster is a service whose replicas are ready at once.
type cluster struct {
	t        *testing.T
	s        *scaler
	now      time.Duration
	replicas int
}

// until runs on at a rate and returns the replicas then.
func (c *cluster) until(end time.Duration, rate float64) int {
	for ; c.now < end; c.now += c.s.Interval() {
		o := policies.Observation{Now: vtime.At(c.now), At: vtime.At(c.now), Valid: true, Desired: c.replicas, Ready: c.replicas, ArrivalRate: rate, Window: time.Minute}
		for range c.replicas {
			o.Pods = append(o.Pods, policies.Pod{Name: "p", Running: true, Ready: true, HasMetrics: true, Metrics: policies.PodMetrics{RequestRate: rate / float64(c.replicas), CPUCores: 0.9}})
		}
		c.replicas = c.s.Decide(o).Replicas
	}
	return c.replicas
}

// "If minReplicaCount is 0, KEDA scales to zero after cooldownPeriod"; "scaling
// from 1 to N replicas is handled by the HPA", and back after the HPA's own
// window. Each threshold's worth of the metric asks for a replica.
func TestToZeroAndBack(t *testing.T) {
	c := &cluster{t: t, s: newTest(t, parse(t, object(byRate+"  cooldownPeriod: 120\n"))), replicas: 1}
	for _, x := range []struct {
		until time.Duration
		rate  float64
		want  int
	}{
		{time.Minute, 350, 4},
		{3 * time.Minute, 350, 4},
		// 5 is not above the activation threshold: two minutes after the last poll
		// that was active (2m30s), whatever the HPA's five minutes are.
		{4*time.Minute + 30*time.Second, 5, 4},
		{5*time.Minute + time.Second, 5, 0},
		{10 * time.Minute, 5, 0},
		{10*time.Minute + time.Second, 6, 1},     // from zero to one is KEDA's
		{11*time.Minute + time.Second, 1000, 10}, // 1, 4 (the HPA's limit), 8, 10
	} {
		if got := c.until(x.until, x.rate); got != x.want {
			t.Fatalf("until %v at %v req/s: %d replicas, want %d", x.until, x.rate, got, x.want)
		}
	}
}

// "If there's some activity on target triggers KEDA will scale the target
// resource immediately to minReplicaCount and then scaling will be handled by
// HPA. When there is no activity, the target resource is again scaled down to
// idleReplicaCount."
func TestIdleReplicaCount(t *testing.T) {
	c := &cluster{t: t, s: newTest(t, parse(t, object(byRate+"  idleReplicaCount: 0\n  minReplicaCount: 3\n  cooldownPeriod: 60\n"))), replicas: 0}
	for _, x := range []struct {
		until time.Duration
		rate  float64
		want  int
	}{
		{time.Minute, 0, 0}, {time.Minute + time.Second, 10, 3}, {2 * time.Minute, 10, 3}, {3 * time.Minute, 450, 5}, {6 * time.Minute, 0, 0},
	} {
		if got := c.until(x.until, x.rate); got != x.want {
			t.Fatalf("until %v at %v req/s: %d replicas, want %d", x.until, x.rate, got, x.want)
		}
	}
	// Without it minReplicaCount always runs, active or not.
	c = &cluster{t: t, s: newTest(t, parse(t, object(byRate+"  minReplicaCount: 3\n"))), replicas: 1}
	if got := c.until(time.Hour, 0); got != 3 {
		t.Errorf("%d replicas without activity, want minReplicaCount", got)
	}
}

// The cron trigger asks for desiredReplicas from start to end, and is inactive
// outside: "between start and end … the workload is scaled to desiredReplicas,
// from end to start it goes back to minReplicaCount", after the windows.
func TestCron(t *testing.T) {
	cron := object(`  triggers: [{type: cron, metadata: {timezone: Asia/Shanghai, start: 30 1 * * *, end: 0 3 * * *, desiredReplicas: "4"}}]
  cooldownPeriod: 300
`)
	c := &cluster{t: t, s: newTest(t, parse(t, cron)), replicas: 0}
	for _, x := range []struct {
		until time.Duration
		want  int
	}{
		{90*time.Minute + time.Second, 1}, {91 * time.Minute, 4}, {180 * time.Minute, 4}, {184 * time.Minute, 4}, {186 * time.Minute, 0}, {25 * time.Hour, 0}, {26 * time.Hour, 4},
	} {
		if got := c.until(x.until, 1000); got != x.want {
			t.Fatalf("until %v: %d replicas, want %d", x.until, got, x.want)
		}
	}
}

// The largest trigger wins, and the manifest of the scenarios is read whole.
func TestTheScenariosManifest(t *testing.T) {
	text, err := os.ReadFile("../../../scenarios/manifests/scaledobject.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, s: newTest(t, parse(t, string(text))), replicas: 2}
	if got := c.until(time.Hour, 900); got != 3 {
		t.Errorf("900 req/s at 300 each: %d replicas", got)
	}
	if got := c.until(19*time.Hour, 900); got != 6 {
		t.Errorf("in the evening: %d replicas", got)
	}
	if got := c.until(19*time.Hour+5*time.Minute, 2400); got != 8 {
		t.Errorf("in a busy evening: %d replicas", got)
	}
}

// A metric without a value stops the loop and the autoscaler, unless nulls are
// ignored, as they are by default once there is telemetry.
func TestNoValue(t *testing.T) {
	for ignore, want := range map[string]int{"true": 0, "false": 7} {
		c := parse(t, object(`  triggers: [{type: prometheus, metadata: {query: service_latency_p95_seconds, threshold: "0.2", ignoreNullValues: "`+ignore+`"}}]
`))
		cl := &cluster{t: t, s: newTest(t, c), replicas: 7}
		if got := cl.until(20*time.Minute, 0); got != want {
			t.Errorf("ignoreNullValues %s: %d replicas, want %d", ignore, got, want)
		}
	}
	s := newTest(t, parse(t, object(byRate)))
	if d := s.Decide(policies.Observation{Desired: 5}); d.Replicas != 5 {
		t.Errorf("before the first scrape: %+v", d)
	}
}

func TestQueries(t *testing.T) {
	o := policies.Observation{Valid: true, ArrivalRate: 70, Pods: []policies.Pod{
		{HasMetrics: true, Metrics: policies.PodMetrics{RequestRate: 10, BusyRatio: 0.5}}, {HasMetrics: true, Metrics: policies.PodMetrics{RequestRate: 30, BusyRatio: 0.7}}, {},
	}}
	for query, want := range map[string]float64{
		"service_requests_per_second":                               70,
		`sum(requests_per_second{namespace="shop"})`:                40,
		"avg( requests_per_second )":                                20,
		"max(DCGM_FI_DEV_GPU_UTIL)":                                 70,
		"min(avg_over_time(DCGM_FI_DEV_GPU_UTIL[5m]))":              50,
		`sum(rate(requests_per_second{service="a", x=~"b|c"}[2m]))`: 40,
	} {
		of := readerOf(query)
		if of == nil {
			t.Errorf("%s is not understood", query)
			continue
		}
		if v, ok := of(o); !ok || v < want-1e-9 || v > want+1e-9 {
			t.Errorf("%s is %v, %v, want %v", query, v, ok, want)
		}
	}
	for _, query := range []string{"", "requests_per_second", "sum(service_requests_per_second)", "sum by (pod) (requests_per_second)", "sum(requests_per_second) / 2", "histogram_quantile(0.9, x)"} {
		if readerOf(query) != nil {
			t.Errorf("%q is understood", query)
		}
	}
	c := parse(t, object(`  triggers: [{type: prometheus, metadata: {query: "vendor_queue_depth", threshold: "3"}}]
`))
	if _, problems := c.read(); len(problems) != 1 || !strings.Contains(problems[0].Hint, "say in queries") {
		t.Errorf("%v", problems)
	}
	c.Queries = map[string]string{"vendor_queue_depth": "service_queued_requests"}
	if _, problems := c.read(); len(problems) != 0 {
		t.Errorf("%v", problems)
	}
}

func TestCPU(t *testing.T) {
	c := &cluster{t: t, s: newTest(t, parse(t, object(`  minReplicaCount: 1
  triggers: [{type: cpu, metricType: Utilization, metadata: {value: "45"}}]
`))), replicas: 2, now: 10 * time.Minute} // past the CPU initialization period
	if got := c.until(c.now+time.Second, 0); got != 4 {
		t.Errorf("90 %% of a core each, 45 %% wanted: %d replicas", got)
	}
}

func TestInterval(t *testing.T) {
	c := parse(t, object(byRate+"  pollingInterval: 20\n"))
	if got := newTest(t, c).Interval(); got != 5*time.Second {
		t.Errorf("polls of 20 s, syncs of 15 s: %v", got)
	}
	c.SyncPeriod = units.Duration(40 * time.Second)
	if got := newTest(t, c).Interval(); got != 20*time.Second {
		t.Errorf("syncs of 40 s: %v", got)
	}
}

func TestRefused(t *testing.T) {
	cron := `  triggers: [{type: cron, metadata: {timezone: Nowhere/City, start: "61 * * * *", end: 0 3 * * *, desiredReplicas: many}}]
`
	for name, c := range map[string]struct {
		text string
		want []string // path: a part of the message
	}{
		"typo":      {object(byRate + "  cooldownperiod: 3\n"), []string{"spec.cooldownperiod: unknown field"}},
		"kind":      {strings.Replace(object(byRate), "ScaledObject", "ScaledJob", 1), []string{"kind: want ScaledObject, found ScaledJob"}},
		"number":    {object(strings.Replace(byRate, `"100"`, "100", 1)), []string{"spec.triggers.metadata: "}},
		"bounds":    {object(byRate + "  minReplicaCount: 5\n  maxReplicaCount: 4\n"), []string{"spec.minReplicaCount: MinReplicaCount=5 must be less"}},
		"idle":      {object(byRate + "  minReplicaCount: 5\n  idleReplicaCount: 2\n"), []string{"spec.idleReplicaCount: due to limitations in the HPA"}},
		"idle over": {object(byRate + "  idleReplicaCount: 0\n"), []string{"spec.idleReplicaCount: IdleReplicaCount=0 must be less than MinReplicaCount=0"}},
		"none":      {object("  triggers: []\n"), []string{"spec.triggers: no triggers defined"}},
		"type":      {object("  triggers: [{type: kafka, metadata: {topic: x}}]\n"), []string{`spec.triggers[0].type: a trigger of type "kafka"`}},
		"cron":      {object(cron), []string{"spec.triggers[0].metadata: error parsing start", "spec.triggers[0].metadata: unable to load timezone", `spec.triggers[0].metadata: desiredReplicas "many"`}},
		"threshold": {object("  triggers: [{type: prometheus, metadata: {query: service_requests_per_second}}]\n"), []string{"spec.triggers[0].metadata: threshold"}},
		"behavior":  {object(byRate + "  advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: 5000}}}}\n"), []string{"spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds: "}},
		"modifiers": {object(byRate + "  advanced: {scalingModifiers: {formula: a}}\n"), []string{"spec.advanced.scalingModifiers: formulas"}},
		"paused":    {strings.Replace(object(byRate), "{name: ranker}\nspec", `{name: ranker, annotations: {autoscaling.keda.sh/paused: "true"}}`+"\nspec", 1), []string{"metadata.annotations: autoscaling.keda.sh/paused pauses"}},
	} {
		_, problems := parse(t, c.text).read()
		if len(problems) != len(c.want) {
			t.Errorf("%s: %v", name, problems)
			continue
		}
		for i, p := range problems {
			if got := p.Path + ": " + p.Message; !strings.HasPrefix(got, c.want[i]) {
				t.Errorf("%s: %s, want %s", name, got, c.want[i])
			}
		}
	}
	c := parse(t, object(`  triggers: [{type: cron, metadata: {timezone: UTC, start: 1 * * * *, end: 2 * * * *, desiredReplicas: "2"}}, {type: cpu, metricType: Utilization, metadata: {value: "50"}}]
`))
	if p := c.suits(policies.Model{Service: "ranker"}); len(p) != 2 || p[0].Path != "spec.triggers[0]" || p[1].Path != "spec.triggers[1]" {
		t.Errorf("without a date and CPU use: %v", p)
	}
}
