package serving

import (
	"fmt"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// BenchmarkOverload is a flash crowd that meets few replicas: ten times what
// they can serve, queues full, nine requests of ten dropped.
func BenchmarkOverload(b *testing.B) {
	for _, routing := range []Routing{Random, LeastRequest} {
		for _, replicas := range []int{1, 8} {
			b.Run(fmt.Sprintf("routing=%d/replicas=%d", routing, replicas), func(b *testing.B) {
				st := NewServiceTime(affine(886e3, 519e3, 32), LogNormal, 0.03, true)
				rate := 10 * st.Saturation(32) * float64(replicas)
				f, err := NewFleet(Config{MaxBatch: 32, MaxQueueDelay: 2e6, Instances: 1, QueueCapacity: 4096, Routing: routing, Horizon: vtime.Forever},
					newPoisson(1, rate), rng.New(1).Stream("routing"))
				if err != nil {
					b.Fatal(err)
				}
				for i := range replicas {
					f.Add(st, rng.New(1).Stream("service", fmt.Sprint(i)))
				}
				t := vtime.Time(0)
				step := vtime.Time(1e6 / rate * 1e9)
				for b.Loop() {
					t += step
					f.RunTo(t)
				}
				b.ReportMetric(float64(f.Stats.Arrived)/b.Elapsed().Seconds()/1e6, "Mreq/s")
			})
		}
	}
}
