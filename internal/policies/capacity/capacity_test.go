package capacity_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

func model() policies.Model {
	return policies.Model{
		Service: "ranker", MaxBatch: 2, Instances: 1,
		Pools: []policies.Pool{
			{Name: "slow", PodsPerNode: 4, MaxNodes: 3, BatchSeconds: []float64{0, 0.1, 0.15}},
			{Name: "fast", PodsPerNode: 2, MaxNodes: 5, BatchSeconds: []float64{0, 0.01, 0.015}},
		},
	}
}

func TestRates(t *testing.T) {
	m := model()
	rates, err := capacity.Rates(m, 0.6)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(rates[0]-0.6*2/0.15) > 1e-9 || math.Abs(rates[1]-0.6*2/0.015) > 1e-9 {
		t.Errorf("without an SLO: %v", rates)
	}
	m.LatencyTarget, m.LatencyQuantile = 0.09, 0.95 // below a lone batch on the slow pool
	if rates, err = capacity.Rates(m, 0.6); err != nil || rates[0] != 0 || rates[1] == 0 {
		t.Errorf("a target only the fast pool meets: %v, %v", rates, err)
	}
	strict, err := capacity.Rates(m, 1)
	if err != nil || strict[1] < rates[1] || strict[1] > 2/0.015 {
		t.Errorf("without a bound on utilisation: %v, %v", strict, err)
	}
	m.LatencyTarget = 0.001
	if _, err = capacity.Rates(m, 0.6); err == nil || !strings.Contains(err.Error(), "service ranker: no pool meets") {
		t.Errorf("a target nobody meets: %v", err)
	}
}

func TestBounds(t *testing.T) {
	f := capacity.NewFleet(model(), []float64{10, 100}, []int{0, 1}) // room for 12 + 10
	most := func(n int) *int { return &n }
	for _, c := range []struct {
		fewest  int
		most    *int
		n, want int
	}{
		{1, nil, 100, 22}, {1, most(5), 100, 5}, {3, nil, 1, 3}, {40, nil, 1, 22}, {1, most(50), 30, 22}, {1, most(9), 7, 7},
	} {
		if got := capacity.NewBounds(c.fewest, c.most, f).Clamp(c.n); got != c.want {
			t.Errorf("%+v: %d becomes %d, want %d", c, c.n, got, c.want)
		}
	}
	if p := capacity.Check(5, most(4)); len(p) != 1 || p[0].Path != "maxReplicas" {
		t.Errorf("maxReplicas below minReplicas: %v", p)
	}
	if p := capacity.Check(5, nil); p != nil {
		t.Errorf("maxReplicas unset: %v", p)
	}
}

func TestFleet(t *testing.T) {
	f := capacity.NewFleet(model(), []float64{10, 100}, []int{1, 0}) // 10 fast ones, then 12 slow ones
	for _, c := range []struct {
		demand float64
		want   int
		enough bool
	}{
		{0, 0, true}, {1, 1, true}, {300, 3, true}, {300.1, 4, true}, {1000, 10, true}, {1001, 11, true}, {1120, 22, true}, {1121, 22, false},
	} {
		n, enough := f.Replicas(c.demand)
		if n != c.want || enough != c.enough {
			t.Errorf("%g req/s: %d, %t, want %d, %t", c.demand, n, enough, c.want, c.enough)
		}
		if enough && f.Capacity(n) < c.demand {
			t.Errorf("%d replicas serve only %g of %g req/s", n, f.Capacity(n), c.demand)
		}
	}
	counts := make([]int, 2)
	if f.Counts(13, counts); counts[0] != 3 || counts[1] != 10 {
		t.Errorf("13 replicas lie as %v", counts)
	}
	without := capacity.NewFleet(model(), []float64{0, 100}, []int{0, 1})
	if n, enough := without.Replicas(1001); n != 10 || enough || without.Room() != 10 {
		t.Errorf("a pool of rate 0 is counted: %d, %t", n, enough)
	}
}

func TestDelay(t *testing.T) {
	d := capacity.Delay{Length: time.Minute}
	for _, c := range []struct {
		at      time.Duration
		n, want int
	}{
		{0, 10, 10}, {15 * time.Second, 4, 10}, {30 * time.Second, 6, 10}, {45 * time.Second, 3, 10},
		{60 * time.Second, 3, 10}, // the 10 is as old as the delay
		{75 * time.Second, 3, 6}, {90 * time.Second, 3, 6}, {105 * time.Second, 2, 3}, {106 * time.Second, 8, 8},
	} {
		if got := d.Highest(vtime.At(c.at), c.n); got != c.want {
			t.Errorf("at %s asked for %d: %d, want %d", c.at, c.n, got, c.want)
		}
	}
}
