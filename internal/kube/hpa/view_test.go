package hpa

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/units"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// counts says whether the CPU use of a running pod counts, after the rule of
// upstream's groupPods, in virtual time.
func counts(c *Config, o policies.Observation, p policies.Pod) bool {
	if o.Now < p.Started.Add(c.CPUInitializationPeriod.D()) {
		return p.Ready && o.At >= p.ReadyAt.Add(o.Window)
	}
	return p.Ready || c.InitialReadinessDelay == 0
}

// Upstream's calculator asks the wall clock whether a pod is still in its CPU
// initialization period. Whatever the wall clock says, it must come to what the
// virtual clock says: also a nanosecond from the border, and for pods whose
// age and readiness lie years back.
func TestPodsAgeInVirtualTimeOnly(t *testing.T) {
	met := map[string]int{}
	t.Run("today", func(t *testing.T) { checkAges(t, met) })
	t.Run("in 2000 and 2050", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			checkAges(struct{ rapid.TB }{t}, met) // in a bubble nobody may ask for the deadline
			time.Sleep(50 * 365 * 24 * time.Hour)
			checkAges(struct{ rapid.TB }{t}, met)
		})
	})
	if len(met) != 4 {
		t.Errorf("not every kind of pod was drawn: %v", met)
	}
}

func checkAges(t rapid.TB, met map[string]int) {
	rapid.Check(t, func(t *rapid.T) {
		c, o, young := drawAge(t)
		old := policies.Pod{Name: "old", Running: true, Ready: true, HasMetrics: true, Metrics: policies.PodMetrics{CPUCores: 1}}
		young.Metrics.CPUCores = 100
		o.Pods = []policies.Pod{old, young}
		s, err := NewScaler(c, model())
		if err != nil {
			t.Fatal(err)
		}
		// Counted, the young pod asks for 101 replicas; else the old one's core is just right.
		want := map[bool]int{true: 101, false: 2}[counts(c, o, young)]
		if d := s.Decide(o); d.Wanted != want {
			t.Fatalf("wants %d, not %d: %+v", d.Wanted, want, young)
		}
		met[fmt.Sprintf("starting %t, wants %d", o.Now < young.Started.Add(c.CPUInitializationPeriod.D()), want)]++
	})
}

// drawAge draws flags, an observation and a pod that started and became ready
// near the borders that matter, or anywhere.
func drawAge(t *rapid.T) (*Config, policies.Observation, policies.Pod) {
	c := newConfig().(*Config)
	c.CPUInitializationPeriod = units.Duration(rapid.SampledFrom([]time.Duration{0, time.Second, 5 * time.Minute, time.Hour}).Draw(t, "initialization"))
	c.InitialReadinessDelay = units.Duration(rapid.SampledFrom([]time.Duration{0, time.Nanosecond, 30 * time.Second}).Draw(t, "readiness delay"))
	c.Spec = map[string]any{"maxReplicas": 1000, "metrics": []any{map[string]any{"type": "Resource",
		"resource": map[string]any{"name": "cpu", "target": map[string]any{"type": "AverageValue", "averageValue": "1"}}}}}
	near := func(border vtime.Time, label string) vtime.Time {
		years := int64(90_000 * time.Hour)
		return border.Add(time.Duration(rapid.OneOf(rapid.Int64Range(-2, 2), rapid.Int64Range(-int64(3*time.Hour), int64(3*time.Hour)), rapid.Int64Range(-years, 0)).Draw(t, label)))
	}
	o := policies.Observation{Now: vtime.At(100_000 * time.Hour), Valid: true, Desired: 2}
	o.Window = rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(t, "window")
	o.At = o.Now.Add(-time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "lag")))
	p := policies.Pod{Name: "young", Running: true, HasMetrics: true, ReadyAt: vtime.Forever}
	p.Started = min(near(o.Now.Add(-c.CPUInitializationPeriod.D()), "started"), o.Now)
	if p.Ready = rapid.Bool().Draw(t, "ready"); p.Ready {
		p.ReadyAt = min(max(near(o.At.Add(-o.Window), "ready at"), p.Started), o.Now)
	}
	return c, o, p
}

// A pod that waits for a node or pulls its image is pending; one without
// metrics is missing; a draining one counts as ready for a Value target alone.
func TestWhatTheCalculatorSees(t *testing.T) {
	pods := "{type: Pods, pods: {metric: {name: requests_per_second}, target: {type: AverageValue, averageValue: 100}}}"
	value := "{type: External, external: {metric: {name: service_requests_per_second}, target: {type: Value, value: 100}}}"
	busy := policies.Pod{Name: "busy", Running: true, Ready: true, HasMetrics: true, Metrics: policies.PodMetrics{RequestRate: 300}}
	idle := busy
	idle.Name, idle.Metrics.RequestRate = "idle", 10
	waiting := policies.Pod{Name: "waiting", Started: vtime.Forever, ReadyAt: vtime.Forever}
	loading := policies.Pod{Name: "loading", Running: true, ReadyAt: vtime.Forever}
	for _, c := range []struct {
		name, metric string
		pods         []policies.Pod
		draining     int
		want         int
	}{
		{"one pod, thrice the target", pods, []policies.Pod{busy}, 0, 3},
		{"scaling up, pending pods use 0", pods, []policies.Pod{busy, waiting}, 0, 3}, // 300 / 2 over 100, of 2
		{"scaling up, missing pods use 0", pods, []policies.Pod{busy, loading}, 0, 3}, // likewise
		{"scaling down, pending pods do not matter", pods, []policies.Pod{idle, waiting}, 0, 1},
		{"scaling down, missing pods use the target", pods, []policies.Pod{idle, loading}, 0, 2}, // 110 / 2 over 100, of 2
		{"draining pods do not matter", pods, []policies.Pod{busy}, 2, 3},
		{"a value of the service, over the ready pods", value, []policies.Pod{busy, loading}, 0, 3},
		{"draining pods are ready pods", value, []policies.Pod{busy, loading}, 2, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTest(t, "{maxReplicas: 20, metrics: ["+c.metric+"]}")
			d := s.Decide(policies.Observation{Now: vtime.At(time.Hour), Valid: true, Desired: len(c.pods), ArrivalRate: 300, Pods: c.pods, Draining: c.draining})
			if d.Wanted != c.want {
				t.Errorf("wants %d, not %d: %s", d.Wanted, c.want, d.Reason)
			}
		})
	}
}
