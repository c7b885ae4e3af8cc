package engine

import (
	"math"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

func constant(rate float64, seconds int) []float64 {
	rates := make([]float64, seconds)
	for i := range rates {
		rates[i] = rate
	}
	return rates
}

// A bin of the time series that closes at the instant of a scrape takes no
// latencies from it.
func TestBinsTakeNothingFromTelemetry(t *testing.T) {
	p := &plan{interval: 15 * time.Second, replicas: []int{1}}
	c := world1(t, constant(5, 600), p)
	c.Bin = time.Minute
	c.Telemetry = Telemetry{ScrapeInterval: 15 * time.Second, Window: 15 * time.Second}
	run(t, c, 1)
	for _, o := range p.seen {
		if o.Valid && math.Abs(o.Latency.P95-0.1) > 0.001 {
			t.Fatalf("at %v the scaler sees a p95 of %v s, want the service time of 0.1 s", o.Now, o.Latency.P95)
		}
	}
}

// Gauges are means over the window like everything else: with a window of four
// scrapes a scaler sees the mean of what it sees with a window of one.
func TestGaugesAreMeansOverTheWindow(t *testing.T) {
	observe := func(window time.Duration) []policies.Observation {
		p := &plan{interval: 15 * time.Second, replicas: []int{1}}
		c := world1(t, constant(9, 600), p)
		c.Services[0].Process.Name = "Poisson"
		c.Telemetry = Telemetry{ScrapeInterval: 15 * time.Second, Window: window}
		run(t, c, 1)
		return p.seen
	}
	each, mean := observe(15*time.Second), observe(time.Minute)
	differ := 0
	for i := 5; i < len(mean); i++ {
		var inFlight, queued float64
		for _, o := range each[i-3 : i+1] {
			inFlight += o.Pods[0].Metrics.InFlight / 4
			queued += o.Pods[0].Metrics.Queued / 4
		}
		got := mean[i].Pods[0].Metrics
		if math.Abs(got.InFlight-inFlight) > 1e-9 || math.Abs(got.Queued-queued) > 1e-9 {
			t.Fatalf("at %v: %v in flight and %v queued, want the window's means %v and %v", mean[i].Now, got.InFlight, got.Queued, inFlight, queued)
		}
		if inFlight != each[i].Pods[0].Metrics.InFlight {
			differ++
		}
	}
	if differ == 0 {
		t.Error("the gauges never moved: the test shows nothing")
	}
}

// A pod that became ready at the instant of the newest scrape has served for
// no time yet: it has no metrics, which is not the same as a rate of zero.
func TestAPodReadyAtTheScrapeHasNoMetrics(t *testing.T) {
	p := &plan{interval: 15 * time.Second, replicas: []int{1, 2}}
	c := world1(t, constant(5, 300), p)
	c.Cluster.Services[0].ModelLoad = 30 * time.Second // asked for at 15 s, ready at 45 s
	run(t, c, 1)
	at := func(s int) policies.Pod { return p.seen[s/15].Pods[1] }
	if pod := at(60); !pod.Ready || pod.HasMetrics { // sees the scrape of 45 s
		t.Errorf("at 60 s: %+v, want a ready pod without metrics", pod)
	}
	if pod := at(75); !pod.HasMetrics || math.Abs(pod.Metrics.RequestRate-2.5) > 1 {
		t.Errorf("at 75 s: %+v, want a pod with half of the 5 req/s", pod)
	}
}

// A pod that drains is no pod of the service any more, but it is counted until
// its queue is empty: the API server shows it as ready.
func TestDrainingPodsAreCounted(t *testing.T) {
	p := &plan{interval: 15 * time.Second, replicas: []int{2, 2, 1}} // one goes at 30 s
	c := world1(t, constant(40, 600), p)                             // twice what two replicas serve
	c.Services[0].Serving.QueueCapacity = 300                        // half a minute of work
	run(t, c, 1)
	for i, o := range p.seen {
		switch drains := o.Now > vtime.At(30*time.Second); {
		case i < 5 && drains && (o.Draining != 1 || len(o.Pods) != 1), !drains && (o.Draining != 0 || len(o.Pods) != 2):
			t.Errorf("at %v: %d pods and %d draining", o.Now, len(o.Pods), o.Draining)
		}
	}
	if last := p.seen[len(p.seen)-1]; last.Draining != 0 {
		t.Errorf("at %v it still drains", last.Now)
	}
}

// BenchmarkTicks is an hour of telemetry, decisions and metering of one replica
// with next to no load: what a scenario costs beside its requests.
func BenchmarkTicks(b *testing.B) {
	rates := constant(1, 3600)
	for b.Loop() {
		run(b, world1(b, rates, &plan{interval: 15 * time.Second, replicas: []int{1}}), 1)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/240, "µs/scrape")
}
