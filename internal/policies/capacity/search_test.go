package capacity

import (
	"math"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// TestSearchIsExhaustive compares the cut-off search with all counts, where a
// steep busy power makes more replicas than the fewest worth while.
func TestSearchIsExhaustive(t *testing.T) {
	m := policies.Model{
		Service: "ranker", MaxBatch: 4, Instances: 1,
		Pools: []policies.Pool{{Name: "t4", GPUsPerNode: 2, PodsPerNode: 2, MaxNodes: 20, Share: 1}},
	}
	p := &m.Pools[0]
	p.BatchSeconds = []float64{0, 0.010, 0.011, 0.012, 0.013}
	p.BusyWatts = []float64{0, 40, 200, 900, 2000}
	p.NodeBaseWatts, p.ContextWatts, p.BareWatts = 2, 1, 0.5
	rates, err := Rates(m, 0.8)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSearch(m, rates)
	bounds := NewBounds(1, nil, s.Fleet)
	beyond := 0
	for demand := 10.0; demand < 5000; demand *= 1.3 {
		got := s.Cheapest(demand, bounds)
		fewest, _ := s.Fleet.Replicas(demand)
		want := Plan{Watts: math.Inf(1)}
		for n := fewest; n <= bounds.Max; n++ {
			s.Fleet.Counts(n, s.counts)
			if p := s.predict(n, demand, s.idleWatts(s.counts)); p.Watts < want.Watts {
				want = p
			}
		}
		if got.Replicas != want.Replicas || got.Watts != want.Watts {
			t.Errorf("%.0f req/s: %d replicas at %.1f W, all counts give %d at %.1f W", demand, got.Replicas, got.Watts, want.Replicas, want.Watts)
		}
		if got.Replicas > fewest {
			beyond++
		}
	}
	if beyond == 0 {
		t.Error("the case never needs more than the fewest replicas")
	}
}

// TestDraws adds up one and a half nodes by hand: the host adds a fifth of what
// its GPUs draw above bare.
func TestDraws(t *testing.T) {
	m := policies.Model{
		MaxBatch: 1, Instances: 1,
		Pools: []policies.Pool{
			{Name: "unused", GPUsPerNode: 1, PodsPerNode: 1, MaxNodes: 9, Share: 1, BatchSeconds: []float64{0, 0.01}, BusyWatts: []float64{0, 400}, ContextWatts: 300},
			{
				Name: "t4", GPUsPerNode: 2, PodsPerNode: 2, MaxNodes: 20, Share: 1, BatchSeconds: []float64{0, 0.01}, BusyWatts: []float64{0, 70},
				ContextWatts: 30, BareWatts: 10, NodeBaseWatts: 50, HostPerWatt: 0.2,
			},
		},
	}
	rates, err := Rates(m, 0.5) // 50 req/s
	if err != nil {
		t.Fatal(err)
	}
	draws := make([]Draw, 2)
	NewSearch(m, rates).Draws(3, 75, draws)
	// Two nodes, four GPUs of which three have a context, each busy a quarter of the time.
	gpus := 3*30.0 + 10 + 3*0.25*40
	want := 2*50 + gpus + 0.2*(gpus-4*10)
	if draws[0] != (Draw{}) || draws[1].Nodes != 2 || math.Abs(draws[1].Watts-want) > 0.01 {
		t.Errorf("%+v, want 2 nodes and %v W", draws, want)
	}
}
