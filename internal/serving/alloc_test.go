package serving

import (
	"testing"

	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Once the queues have grown, a request allocates nothing.
func TestRequestsDoNotAllocate(t *testing.T) {
	st := NewServiceTime(affine(886e3, 519e3, 8), LogNormal, 0.03, true)
	for _, routing := range []Routing{LeastRequest, RoundRobin, Random} {
		c := Config{MaxBatch: 8, MaxQueueDelay: 2e6, Instances: 1, QueueCapacity: 4096, QueueTimeout: 1e9, Routing: routing, SLO: 2e8, Horizon: vtime.Forever}
		f, err := NewFleet(c, newPoisson(1, 4000), rng.New(1).Stream("routing"))
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			f.Add(st, rng.New(1).Stream("service"))
		}
		now := vtime.Time(200e9)
		f.RunTo(now)
		if n := testing.AllocsPerRun(20, func() { now += 1e9; f.RunTo(now) }); n > 0 {
			t.Errorf("routing %d: %v allocations for about 4,000 requests", routing, n)
		}
	}
}
