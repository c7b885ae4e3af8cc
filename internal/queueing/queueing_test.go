package queueing_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/queueing"
)

// bert is the latency of BERT-base on a T4 in INT8: 0.886 ms + 0.519 ms a request.
var bert = affine(0.886e-3, 0.519e-3, 256)

// TestAgainstSimulation is the source of the errors that doc.go states.
func TestAgainstSimulation(t *testing.T) {
	const low, high = 1_000_000, 3_000_000 // requests: near saturation they are correlated for long
	for _, c := range []struct {
		name  string
		s     queueing.Server
		loads []float64
		n     int
		tol   float64
	}{
		{"M/D/1", queueing.Server{BatchSeconds: bert, MaxBatch: 1, Instances: 1}, []float64{0.2, 0.5, 0.8}, low, 0.03},
		{"batch 4", queueing.Server{BatchSeconds: bert, MaxBatch: 4, Instances: 1}, []float64{0.2, 0.5, 0.8}, low, 0.03},
		{"batch 4", queueing.Server{BatchSeconds: bert, MaxBatch: 4, Instances: 1}, []float64{0.9}, high, 0.03},
		{"batch 32", queueing.Server{BatchSeconds: bert, MaxBatch: 32, Instances: 1}, []float64{0.2, 0.5, 0.8}, low, 0.03},
		{"batch 32", queueing.Server{BatchSeconds: bert, MaxBatch: 32, Instances: 1}, []float64{0.9}, high, 0.03},
		{"noise 0.03", queueing.Server{BatchSeconds: bert, MaxBatch: 32, Instances: 1, CV: 0.03}, []float64{0.3, 0.8}, low, 0.03},
		{"delay 2 ms", queueing.Server{BatchSeconds: bert, MaxBatch: 32, Instances: 1, MaxQueueDelay: 2e-3}, []float64{0.05, 0.2, 0.5, 0.8}, low, 0.1},
		{"delay 20 ms", queueing.Server{BatchSeconds: bert, MaxBatch: 32, Instances: 1, MaxQueueDelay: 20e-3}, []float64{0.05, 0.2, 0.5, 0.8}, low, 0.1},
		{"fluid", queueing.Server{BatchSeconds: affine(5e-3, 20e-6, 2048), MaxBatch: 2048, Instances: 1}, []float64{0.5, 0.8}, low, 0.05},
		{"contended", queueing.Server{BatchSeconds: bert, MaxBatch: 32, Instances: 2, Contended: true}, []float64{0.2, 0.5, 0.8}, low, 0.35},
	} {
		for i, load := range c.loads {
			t.Run(fmt.Sprintf("%s/load=%.2f", c.name, load), func(t *testing.T) {
				lambda := load * c.s.MaxRate()
				p := c.s.Predict(lambda)
				ref := simulate(c.s, lambda, c.n, uint64(1+i))
				if !p.Stable {
					t.Fatal("not stable")
				}
				near(t, "mean latency", p.MeanLatency, ref.mean(), c.tol)
				near(t, "p50", p.P50, ref.quantile(0.5), c.tol)
				near(t, "p95", p.P95, ref.quantile(0.95), c.tol)
				near(t, "p99", p.P99, ref.quantile(0.99), c.tol)
				if !c.s.Contended { // there the simulation counts overlapping time
					near(t, "utilisation", p.Utilisation, ref.utilisation, 0.02)
					near(t, "mean batch", p.MeanBatch, ref.meanBatch, 0.02)
				}
			})
		}
	}
}

func TestInstancesWithHardwareOfTheirOwn(t *testing.T) {
	s := queueing.Server{BatchSeconds: bert, MaxBatch: 8, Instances: 4}
	lambda := 0.7 * s.MaxRate()
	p, ref := s.Predict(lambda), simulate(s, lambda, 400_000, 7)
	if p.P95 < ref.quantile(0.95) {
		t.Errorf("p95 %.4g s is below the simulated %.4g s: separate queues cannot beat a shared one", p.P95, ref.quantile(0.95))
	}
	near(t, "saturation throughput", s.MaxRate(), 4*8/bert[8], 1e-12)
}

// TestClosedForms compares with the formulas by hand.
func TestClosedForms(t *testing.T) {
	one := []float64{0, 0.1}
	for _, rho := range []float64{0.5, 0.8, 0.95} {
		md1 := queueing.Server{BatchSeconds: one, MaxBatch: 1, Instances: 1}.Predict(rho * 10)
		near(t, "M/D/1 mean", md1.MeanLatency, 0.1+rho*0.1/(2*(1-rho)), 1e-9)
		mm1 := queueing.Server{BatchSeconds: one, MaxBatch: 1, Instances: 1, CV: 1}.Predict(rho * 10)
		near(t, "M/M/1 mean", mm1.MeanLatency, 0.1/(1-rho), 1e-9)
		near(t, "M/M/1 p95", mm1.P95, 0.1/(1-rho)*math.Log(20), 1e-9)
		near(t, "M/M/1 utilisation", mm1.Utilisation, rho, 1e-12)
	}
	// Erlang's C for k = 2 is 2ρ²/(1+ρ).
	near(t, "C(2, 1.6)", queueing.ErlangC(2, 1.6), 2*0.64/1.8, 1e-12)
	mm2 := queueing.Server{BatchSeconds: one, MaxBatch: 1, Instances: 2, CV: 1}
	lambda := 0.8 * mm2.MaxRate()
	p, ref := mm2.Predict(lambda), simulate(mm2, lambda, 1_000_000, 3)
	near(t, "M/M/2 mean", p.MeanLatency, ref.mean(), 0.03)
	near(t, "M/M/2 p95", p.P95, ref.quantile(0.95), 0.03)
	near(t, "M/M/2 P(wait)", queueing.ErlangC(2, 1.6), ref.waited, 0.03)
}

// TestLoneRequest checks the limit without load: the delay and a batch of 1.
func TestLoneRequest(t *testing.T) {
	p := queueing.Server{BatchSeconds: bert, MaxBatch: 32, Instances: 1, MaxQueueDelay: 2e-3}.Predict(0)
	near(t, "p50", p.P50, 2e-3+bert[1], 0.02)
	near(t, "mean batch", p.MeanBatch, 1, 1e-6)
	if p.Utilisation > 1e-6 {
		t.Errorf("utilisation %g without load", p.Utilisation)
	}
}

func TestSaturated(t *testing.T) {
	s := queueing.Server{BatchSeconds: bert, MaxBatch: 32, Instances: 1}
	p := s.Predict(s.MaxRate())
	if p.Stable || !math.IsInf(p.P95, 1) || !math.IsInf(p.Quantile(0.1), 1) || p.BusyShare[32] != 1 {
		t.Errorf("at saturation: %+v", p)
	}
}

// TestBusyShare checks that the work done is the work that arrives.
func TestBusyShare(t *testing.T) {
	s := queueing.Server{BatchSeconds: bert, MaxBatch: 32, Instances: 1, MaxQueueDelay: 2e-3}
	for _, load := range []float64{0.01, 0.3, 0.9} {
		p := s.Predict(load * s.MaxRate())
		served, busy := 0.0, 0.0
		for b := 1; b <= 32; b++ {
			served += p.BusyShare[b] / s.BatchSeconds[b] * float64(b)
			busy += p.BusyShare[b]
		}
		near(t, "requests served a second", served, load*s.MaxRate(), 1e-9)
		near(t, "busy share", busy, p.Utilisation, 1e-9)
	}
}

func TestMaxRateFor(t *testing.T) {
	s := queueing.Server{BatchSeconds: bert, MaxBatch: 32, Instances: 1}
	for _, target := range []float64{5e-3, 20e-3, 40e-3} {
		rate := s.MaxRateFor(0.95, target, 1)
		if got := s.Predict(rate).P95; got > target {
			t.Errorf("at the rate for %g s p95 is %g s", target, got)
		}
		if got := s.Predict(rate + s.MaxRate()/2000).P95; got < target {
			t.Errorf("a little above the rate for %g s p95 is still %g s", target, got)
		}
	}
	if rate := s.MaxRateFor(0.95, bert[1]/2, 1); rate != 0 {
		t.Errorf("a target below a lone request's latency allows %g req/s", rate)
	}
	near(t, "a lax target", s.MaxRateFor(0.95, 3600, 1), 0.99*s.MaxRate(), 1e-3)
	near(t, "a lax target below a bound", s.MaxRateFor(0.95, 3600, 0.85), 0.85*s.MaxRate(), 1e-9)
}

// TestMonotone checks that latency grows with load where nothing waits for a
// batch to fill.
func TestMonotone(t *testing.T) {
	for _, maxBatch := range []int{1, 2, 8, 32, 200} {
		s := queueing.Server{BatchSeconds: bert, MaxBatch: maxBatch, Instances: 1}
		last := 0.0
		for load := 0.02; load < 0.98; load += 0.04 {
			p := s.Predict(load * s.MaxRate())
			if p.P95 < last*0.999 {
				t.Errorf("maxBatch %d: p95 falls to %.4g s from %.4g s at load %.2f", maxBatch, p.P95, last, load)
			}
			last = p.P95
		}
	}
}

func BenchmarkPredict(b *testing.B) {
	for _, maxBatch := range []int{1, 8, 32, 128} {
		for _, load := range []float64{0.3, 0.9} {
			b.Run(fmt.Sprintf("batch=%d/load=%.1f", maxBatch, load), func(b *testing.B) {
				s := queueing.Server{BatchSeconds: bert, MaxBatch: maxBatch, Instances: 1, MaxQueueDelay: 2e-3}
				for b.Loop() {
					s.Predict(load * s.MaxRate())
				}
			})
		}
	}
}
