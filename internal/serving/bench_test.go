package serving

import (
	"fmt"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// poisson is a Source of constant rate for tests of this package alone.
type poisson struct {
	stream *rng.Stream
	gapNs  float64
	next   float64
	gaps   [512]float64
	used   int
}

func newPoisson(seed uint64, perSecond float64) *poisson {
	p := &poisson{stream: rng.New(seed).Stream("arrivals"), gapNs: 1e9 / perSecond}
	p.used = len(p.gaps)
	p.next = p.gap()
	return p
}

func (p *poisson) gap() float64 {
	if p.used == len(p.gaps) {
		p.stream.FillExp(p.gaps[:])
		p.used = 0
	}
	p.used++
	return p.gaps[p.used-1] * p.gapNs
}

func (p *poisson) Fill(dst []int64, until vtime.Time) int {
	n := 0
	for n < len(dst) && p.next < float64(until) {
		dst[n] = int64(p.next)
		n++
		p.next += p.gap()
	}
	return n
}

// affine is α + β·b, here TensorRT's BERT-base at sequence length 128 in INT8
// on a T4: 0.886 ms + 0.519 ms a request.
func affine(alphaNs, betaNs float64, maxBatch int) []float64 {
	mean := make([]float64, maxBatch+1)
	for b := 1; b <= maxBatch; b++ {
		mean[b] = alphaNs + betaNs*float64(b)
	}
	return mean
}

// BenchmarkRequests measures the data plane with arrivals, routing, batching,
// service-time noise and the latency histogram: 64 replicas of a BERT-base
// ranker on T4, batches of up to 32.
func BenchmarkRequests(b *testing.B) {
	const replicas = 64
	st := NewServiceTime(affine(886e3, 519e3, 32), LogNormal, 0.03, true)
	saturation := st.Saturation(32)
	for _, routing := range []struct {
		name string
		r    Routing
	}{{"Random", Random}, {"LeastRequest", LeastRequest}} {
		for _, load := range []float64{0.3, 0.6, 0.9} {
			b.Run(fmt.Sprintf("%s/load=%.1f", routing.name, load), func(b *testing.B) {
				rate := load * saturation * replicas
				curve := &workload.Curve{Step: 1000 * time.Hour, Rates: []float64{rate}}
				arrivals, err := workload.NewArrivals(curve, workload.Process{Name: "Poisson"}, rng.New(1).Stream("arrivals"))
				if err != nil {
					b.Fatal(err)
				}
				f, err := NewFleet(Config{
					MaxBatch: 32, MaxQueueDelay: 2e6, Instances: 1, QueueCapacity: 4096, QueueTimeout: 1e9,
					Routing: routing.r, SLO: 200e6, Horizon: vtime.Forever,
				}, arrivals, rng.New(1).Stream("routing"))
				if err != nil {
					b.Fatal(err)
				}
				for i := range replicas {
					f.Add(st, rng.New(1).Stream("service", fmt.Sprint(i)))
				}
				f.RunTo(vtime.Time(1e9)) // the queues fill, the rings grow
				f.Stats.Reset()
				b.ReportAllocs()
				t := vtime.Time(1e9)
				step := vtime.Time(1e6 / rate * 1e9) // about a million requests an iteration
				for b.Loop() {
					t += step
					f.RunTo(t)
				}
				b.ReportMetric(float64(f.Stats.Arrived)/b.Elapsed().Seconds()/1e6, "Mreq/s")
			})
		}
	}
}
