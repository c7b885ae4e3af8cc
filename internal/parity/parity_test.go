package parity

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/results"
)

func scale(t float64, from, to int) decisions.Entry {
	return decisions.Entry{T: t, Service: "ranker", Kind: decisions.Scale, From: from, To: to}
}
func bind(pod, node string) decisions.Entry {
	return decisions.Entry{Kind: decisions.Bind, Service: "ranker", Pod: pod, Node: node}
}

func TestCompareByHand(t *testing.T) {
	a := &results.Run{Policy: "hpa", Seed: 3, Metrics: map[string]float64{"energy_kwh": 100, "latency_p95_seconds": 0},
		Decisions: []decisions.Entry{bind("ranker-1", "a100-0"), bind("ranker-2", "a100-1"), bind("ranker-3", "t4-0"), scale(30, 2, 4), scale(90, 4, 3)}}
	b := &results.Run{Policy: "hpa", Seed: 3, Metrics: map[string]float64{"energy_kwh": 99, "latency_p95_seconds": 0},
		Decisions: []decisions.Entry{bind("ranker-1", "a100-0"), bind("ranker-2", "a100-0"), bind("ranker-4", "t4-0"), bind("ranker-3", "a100-1"), scale(45.4, 2, 5), scale(90.4, 5, 3)}}
	want := Report{
		Policy: "hpa", Seed: 3, Period: 15,
		// Looks at 7.5, 22.5, 37.5 (4, 2), 52.5, 67.5, 82.5 (4, 5), 97.5 and 112.5 s.
		Trajectories: []Trajectory{{Service: "ranker", Looks: 8, Equal: 4.0 / 8, MeanAbsoluteError: 5.0 / 8, Most: 2,
			First: []int{2, 2, 4, 4, 4, 4, 3, 3}, Second: []int{2, 2, 2, 5, 5, 5, 3, 3}}},
		Placements: Placements{Pods: 3, SamePool: 2.0 / 3, SameNode: 1.0 / 3},
		Metrics:    []Metric{{Name: "latency_p95_seconds"}, {"energy_kwh", 100, 99, -0.01}},
	}
	got := Compare(a, b, []string{"ranker"}, 2*time.Minute, 15*time.Second)
	if d := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-12)); d != "" {
		t.Error(d)
	}
}

// A service that nobody scaled has the replicas it began with.
func TestNobodyScales(t *testing.T) {
	three := 3.0
	r := &results.Run{Points: []results.Point{{Service: "ranker", ReplicasDesired: &three}}}
	got := Compare(r, r, []string{"ranker"}, time.Minute, 15*time.Second)
	if x := got.Trajectories[0]; x.Equal != 1 || x.Looks != 4 || x.Most != 0 || at(asked(r, "ranker"), 0) != 3 {
		t.Errorf("%+v", x)
	}
}
