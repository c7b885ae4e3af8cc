package serving

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Two instances, a batch of 1 from 0 to 100 and one of 2 from 50 to 200: the
// overlap belongs to the first, and a look in the middle of both takes only
// what has passed.
func TestBusyTimeOfOverlappingBatches(t *testing.T) {
	c := Config{MaxBatch: 2, Instances: 2, QueueCapacity: 10, Horizon: vtime.Forever}
	s := NewServiceTime([]float64{0, 100, 150}, Deterministic, 0, false)
	for _, look := range []struct {
		at   []int64
		want []map[int]int64
	}{
		{[]int64{300}, []map[int]int64{{1: 100, 2: 100}}},
		{[]int64{60, 300}, []map[int]int64{{1: 60}, {1: 40, 2: 100}}},
		{[]int64{60, 80, 120, 300}, []map[int]int64{{1: 60}, {1: 20}, {1: 20, 2: 20}, {2: 80}}},
	} {
		var stats Stats
		r := NewReplica(&c, s, rng.New(1).Stream("service"), &stats)
		arrivals := []int64{0, 50, 50}
		for i, t0 := range look.at {
			for len(arrivals) > 0 && arrivals[0] < t0 {
				r.arrive(arrivals[0])
				arrivals = arrivals[1:]
			}
			got := map[int]int64{}
			r.TakeBusy(vtime.Time(t0), func(b int, ns int64) { got[b] = ns })
			if d := cmp.Diff(look.want[i], got); d != "" {
				t.Errorf("looks at %v, up to %d: (-want +got)\n%s", look.at, t0, d)
			}
		}
	}
}

// A batch from 0 to 100 runs on when the times change at 50; the next, from 100 to
// 400, is of the new level, and so is its slot.
func TestSwitch(t *testing.T) {
	c := Config{MaxBatch: 2, Instances: 1, QueueCapacity: 10, Horizon: vtime.Forever}
	var stats Stats
	r := NewReplica(&c, NewServiceTime([]float64{0, 100, 150}, Deterministic, 0, false), rng.New(1).Stream("service"), &stats)
	r.arrive(0)
	r.Switch(50, NewServiceTime([]float64{0, 300, 350}, Deterministic, 0, false), 2)
	r.arrive(60)
	take := func(at vtime.Time) map[int]int64 {
		got := map[int]int64{}
		r.TakeBusy(at, func(slot int, ns int64) { got[slot] = ns })
		return got
	}
	if d := cmp.Diff(map[int]int64{1: 80}, take(80)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[int]int64{1: 20, 7: 150}, take(250)); d != "" {
		t.Error(d)
	}
	r.Switch(260, NewServiceTime([]float64{0, 100, 150}, Deterministic, 0, false), 0)
	r.arrive(270)
	if d := cmp.Diff(map[int]int64{7: 150, 1: 100}, take(600)); d != "" {
		t.Error(d)
	}
}
