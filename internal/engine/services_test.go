package engine

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// world2 is world1 with a second service of its kind that follows q.
func world2(t testing.TB, rates []float64, p, q *plan) *Config {
	c := world1(t, rates, p)
	second := c.Services[0]
	second.Name, second.Initial = "second", q.replicas[0]
	second.NewScaler = func() (policies.Scaler, error) { q.seen = nil; return q, nil }
	c.Services = append(c.Services, second)
	other := c.Cluster.Services[0]
	other.Name = "second"
	c.Cluster.Services = append(c.Cluster.Services, other)
	return c
}

// The cluster's most replicas are those of one instant, not the sum of what
// each service reached at another time.
func TestMostReplicasAreThoseOfOneInstant(t *testing.T) {
	c := world2(t, constant(1, 600),
		&plan{interval: time.Minute, replicas: []int{3, 3, 1}}, &plan{interval: time.Minute, replicas: []int{1, 1, 3}})
	c.Cluster.Pools[0].Initial = 3
	r := run(t, c, 1)
	if a, b := r.Services["ranker"]["replicas_max"], r.Services["second"]["replicas_max"]; a != 3 || b != 3 {
		t.Errorf("each service reached %v and %v replicas, want 3", a, b)
	}
	if got := r.Metrics["replicas_max"]; got != 4 {
		t.Errorf("replicas_max %v, want 4: 3+1, then 1+3", got)
	}
}

// At zero replicas every request is refused and still seen; back from zero
// takes a cold start.
func TestToZeroAndBack(t *testing.T) {
	p := &plan{interval: time.Minute, replicas: []int{1, 0, 0, 1}} // down at 1 min, asked back at 3 min
	r := run(t, world1(t, constant(5, 300), p), 1)
	if want := int64(5 * (180 + 20 - 60)); r.Ledger.Dropped < want-1 || r.Ledger.Dropped > want+1 {
		t.Errorf("%d requests refused, want %d: 5 a second from 60 s until the model is loaded at 200 s", r.Ledger.Dropped, want)
	}
	if o := p.seen[3]; o.Ready != 0 || len(o.Pods) != 0 || math.Abs(o.ArrivalRate-5) > 0.1 || o.Latency.P95 != 0 {
		t.Errorf("at 3 min the scaler sees %+v, want 5 req/s and nobody to serve them", o)
	}
	if o := p.seen[4]; o.Ready != 1 || len(o.Pods) != 1 || !o.Pods[0].HasMetrics {
		t.Errorf("at 4 min the scaler sees %+v, want a pod that serves", o)
	}
	near6(t, "replicas_mean", r.Metrics["replicas_mean"], (60+100)/300.0)
}

// A policy that asks for more than the pool can hold is told so.
func TestPodsWithoutAPlaceAreAWarning(t *testing.T) {
	c := world1(t, constant(1, 600), &plan{interval: time.Minute, replicas: []int{1, 20}})
	r := run(t, c, 1)
	want := "it ends with pods of ranker that have no place on any node: give its pools more nodes (decisions.jsonl has the reason)"
	if !slices.Contains(r.Warnings, want) {
		t.Errorf("warnings %q, want one about pods without a place", r.Warnings)
	}
}
