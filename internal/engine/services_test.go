package engine

import (
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
