package queueing

import "math"

// Server is one replica.
type Server struct {
	// BatchSeconds[b] is the mean service time in s of a batch of b; index 0 is
	// unused. It may be longer than MaxBatch+1.
	BatchSeconds []float64
	MaxBatch     int
	Instances    int
	// MaxQueueDelay in s.
	MaxQueueDelay float64
	// CV is the coefficient of variation of a service time around its mean: 0
	// for deterministic, 1 for exponential service.
	CV float64
	// Contended says that instances share one GPU without gain; otherwise each
	// is as fast as one alone.
	Contended bool
}

// maxLoad is the part of the saturation throughput up to which a steady state
// is predicted. Closer to 1 it takes longer to reach than any rate stays put.
const maxLoad = 0.99

// Prediction is the steady state of a Server at one arrival rate.
type Prediction struct {
	// Stable is false from 99 % of MaxRate on; then Utilisation is 1 (or
	// Instances, see below), the latencies are +Inf and batches are full.
	Stable bool
	// Utilisation is the share of time that an instance runs a batch, 0..1.
	Utilisation float64
	MeanBatch   float64 // requests in a batch
	MeanLatency float64 // s, from arrival to the end of the batch
	P50         float64 // s
	P95         float64 // s
	P99         float64 // s
	// BusyShare[b] is the share of time that the replica runs batches of b,
	// summed over instances: its sum is Utilisation x Instances, or
	// Utilisation when they are contended.
	BusyShare []float64

	law law
}

// Quantile returns the latency in s that a part q of the requests stays within.
func (p Prediction) Quantile(q float64) float64 {
	if !p.Stable {
		return math.Inf(1)
	}
	return p.law.quantile(q)
}

// MaxRate returns the saturation throughput in req/s: every batch is full,
// since a free instance takes all that wait.
func (s Server) MaxRate() float64 {
	return s.parallel() * float64(s.MaxBatch) / s.BatchSeconds[s.MaxBatch]
}

// parallel is how many instances' worth of work the replica does at once.
func (s Server) parallel() float64 {
	if s.Contended || s.Instances < 1 {
		return 1
	}
	return float64(s.Instances)
}

// spread is E[S²]/E[S]² of a service time S.
func (s Server) spread() float64 { return 1 + float64(s.CV*s.CV) }

// Predict returns the steady state at lambda requests per second.
func (s Server) Predict(lambda float64) Prediction {
	if lambda >= maxLoad*s.MaxRate() {
		return s.saturated()
	}
	if lambda <= 0 {
		lambda = 1e-9 * s.MaxRate() // the limit of a lone request
	}
	var p Prediction
	switch {
	case s.MaxBatch == 1 && s.parallel() > 1:
		p = s.erlang(lambda)
	case s.MaxBatch == 1 && s.CV >= spreadCV:
		p = s.pollaczek(lambda)
	default:
		p = s.batches(lambda)
	}
	p.Stable = true
	p.P50, p.P95, p.P99 = p.law.quantile(0.5), p.law.quantile(0.95), p.law.quantile(0.99)
	return p
}

// saturated is what a server shows that cannot keep up.
func (s Server) saturated() Prediction {
	busy := make([]float64, s.MaxBatch+1)
	busy[s.MaxBatch] = s.parallel()
	inf := math.Inf(1)
	return Prediction{
		Utilisation: 1, MeanBatch: float64(s.MaxBatch), BusyShare: busy,
		MeanLatency: inf, P50: inf, P95: inf, P99: inf,
	}
}

// MaxRateFor returns the highest arrival rate in req/s at which the latency
// quantile q stays within target seconds, or 0 when a lone request already
// misses it. Latency grows with the rate, but for a dip where batches fill
// sooner than MaxQueueDelay; the search halves the loads from 0 to most, at most
// 0.99 of saturation, and settles the crossing to 1/4096 of it. A prediction
// near saturation is the dearest: ask for no more than is needed.
func (s Server) MaxRateFor(q, target, most float64) float64 {
	top := s.MaxRate()
	meets := func(load float64) bool { return s.Predict(load*top).Quantile(q) <= target }
	lo, hi := 0.0, min(most, maxLoad-1e-6)
	if !meets(lo) {
		return 0
	}
	if meets(hi) {
		return hi * top
	}
	for hi-lo > 1.0/4096 {
		mid := (lo + hi) / 2
		if meets(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo * top
}
