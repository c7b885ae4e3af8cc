// Package serving simulates batching inference servers request by request: a
// queue, a dynamic batcher and one or more model instances per replica, and a
// router over the replicas that are ready.
package serving

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Routing chooses the replica for a request.
type Routing uint8

// The routings.
const (
	LeastRequest Routing = iota // the less loaded of two random replicas, as Envoy does
	RoundRobin
	Random
)

// Distribution is the law of a batch's service time around its mean.
type Distribution uint8

// The distributions.
const (
	Deterministic Distribution = iota
	Exponential
	LogNormal
)

// ServiceTime is how long batches take on one GPU model. It is read-only and
// shared by the replicas.
type ServiceTime struct {
	meanNs    []float64
	dist      Distribution
	mu, sd    float64   // of the logarithm, for a LogNormal with mean 1
	strata    []float64 // of a narrow LogNormal with mean 1, equally likely
	contended bool
}

// NewServiceTime returns the law of service times. meanNs[b] is the mean time
// of a batch of b in ns (index 0 is unused); cv belongs to a LogNormal. With
// contended, a batch that starts beside k-1 running ones of the same replica
// takes k times as long: the instances share one GPU without gain.
func NewServiceTime(meanNs []float64, dist Distribution, cv float64, contended bool) *ServiceTime {
	s := &ServiceTime{meanNs: meanNs, dist: dist, contended: contended}
	if dist == LogNormal {
		v := math.Log(1 + float64(cv*cv))
		s.mu, s.sd = -v/2, math.Sqrt(v)
		if cv <= narrowCV {
			s.strata = lognormalStrata(s.sd)
		}
	}
	return s
}

// Saturation returns the throughput of one instance that always has full
// batches of b, in req/s.
func (s *ServiceTime) Saturation(b int) float64 { return float64(b) * 1e9 / s.meanNs[b] }

// Config is how a service's replicas serve. Times are in ns.
type Config struct {
	MaxBatch      int
	MaxQueueDelay int64
	Instances     int
	QueueCapacity int
	QueueTimeout  int64 // 0: never
	Routing       Routing
	SLO           int64      // latency target in ns; 0: none
	Horizon       vtime.Time // the end: what completes later was not served
	// Network is the round trip in ns between the clients and the replicas. It is
	// part of the latency that clients see and of their SLO, and of nothing else: a
	// request is queued when it is sent, and its time-out is the queue's.
	Network int64
}

func (c Config) check() error {
	switch {
	case c.MaxBatch < 1, c.Instances < 1, c.QueueCapacity < c.MaxBatch:
		return fmt.Errorf("serving: need maxBatch and instances of at least 1 and a queue that holds a batch, got %+v", c)
	case c.Network < 0:
		return fmt.Errorf("serving: a round trip of %d ns is negative", c.Network)
	case c.QueueTimeout > 0 && c.MaxQueueDelay >= c.QueueTimeout:
		return fmt.Errorf("serving: maxQueueDelay %d ns must be below the queue timeout %d ns", c.MaxQueueDelay, c.QueueTimeout)
	}
	return nil
}

const (
	narrowCV   = 0.3
	strataBits = 10
)

// lognormalStrata cuts the lognormal law of mean 1 into 1,024 equally likely
// parts and returns the mean of each. Drawing a part instead of a number keeps
// the mean exactly and all but 0.1 % of the variance (a test shows it), and
// takes one look-up instead of a logarithm, a root and an exponential: with
// batches of a few requests those were 60 % of the data plane's time.
func lognormalStrata(sd float64) []float64 {
	const n = 1 << strataBits
	strata := make([]float64, n)
	// P(X <= x)-weighted mean up to the quantile z is Φ(z - sd).
	below := 0.0
	for i := range strata {
		upTo := 1.0
		if i+1 < n {
			upTo = distuv.UnitNormal.CDF(distuv.UnitNormal.Quantile(float64(i+1)/n) - sd)
		}
		strata[i] = (upTo - below) * n
		below = upTo
	}
	return strata
}

// draw returns the service time of a batch of b in ns, at least 1.
func (s *ServiceTime) draw(b int, stream *rng.Stream) int64 {
	ns := s.meanNs[b]
	switch {
	case s.strata != nil:
		ns *= s.strata[stream.Uint64()>>(64-strataBits)]
	case s.dist == Exponential:
		ns *= stream.Exp()
	case s.dist == LogNormal:
		ns *= math.Exp(s.mu + float64(s.sd*stream.Norm()))
	}
	return max(int64(ns), 1)
}
