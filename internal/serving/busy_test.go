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
