package queueing_test

import (
	"math"
	"slices"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/queueing"
	"github.com/kwatt-sim/kwatt/internal/rng"
)

// sample is what a simulated server showed.
type sample struct {
	latency                []float64 // sorted, s
	utilisation, meanBatch float64
	waited                 float64 // share of requests that waited at all
}

func (s sample) quantile(q float64) float64 { return s.latency[int(q*float64(len(s.latency)))] }

func (s sample) mean() float64 {
	sum := 0.0
	for _, l := range s.latency {
		sum += l
	}
	return sum / float64(len(s.latency))
}

// simulate is the plainest simulation of the server: requests in order, each
// batch taken by the instance that is free first.
func simulate(s queueing.Server, lambda float64, n int, seed uint64) sample {
	arrivals := rng.New(seed).Stream("arrivals")
	service := rng.New(seed).Stream("service")
	at := make([]float64, n)
	t := 0.0
	for i := range at {
		t += arrivals.Exp() / lambda
		at[i] = t
	}
	free := make([]float64, max(1, s.Instances))
	var out sample
	busy, batches, waited := 0.0, 0, 0
	for i := 0; i < n; {
		k := 0
		for j := range free {
			if free[j] < free[k] {
				k = j
			}
		}
		start := max(free[k], at[i]+s.MaxQueueDelay)
		if last := i + s.MaxBatch - 1; last < n {
			start = min(start, max(free[k], at[last])) // full before the delay is over
		}
		b := 0
		for b < s.MaxBatch && i+b < n && at[i+b] <= start {
			b++
		}
		took := s.BatchSeconds[b]
		if s.Contended {
			beside := 0
			for j := range free {
				if j != k && free[j] > start {
					beside++
				}
			}
			took *= float64(1 + beside)
		}
		if s.CV == 1 {
			took *= service.Exp()
		} else if s.CV > 0 { // lognormal
			v := math.Log(1 + s.CV*s.CV)
			took *= math.Exp(math.Sqrt(v)*service.Norm() - v/2)
		}
		for _, a := range at[i : i+b] {
			out.latency = append(out.latency, start+took-a)
			if start > a {
				waited++
			}
		}
		free[k] = start + took
		busy += took
		batches++
		i += b
	}
	// The first tenth is the way to the steady state.
	out.latency = out.latency[n/10:]
	slices.Sort(out.latency)
	out.utilisation = busy / t / float64(len(free))
	out.meanBatch = float64(n) / float64(batches)
	out.waited = float64(waited) / float64(n)
	return out
}

// affine is a service time of α + β·b seconds.
func affine(alpha, beta float64, maxBatch int) []float64 {
	s := make([]float64, maxBatch+1)
	for b := 1; b <= maxBatch; b++ {
		s[b] = alpha + beta*float64(b)
	}
	return s
}

// near fails unless got lies within a part tol of want.
func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*math.Abs(want)) {
		t.Errorf("%s = %.6g, want %.6g within %.3g %%: off by %+.2f %%", what, got, want, 100*tol, 100*(got/want-1))
	}
}
