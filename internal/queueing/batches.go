package queueing

import "math"

// chainLimit is the largest batch for which the chain is solved; its cost
// grows with the cube of the batch.
const chainLimit = 128

// batches is a batching server: one queue, or several that share the load.
func (s Server) batches(lambda float64) Prediction {
	k := s.parallel()
	one := s
	rate := lambda / k
	typical := max(s.fixedPoint(rate), min(float64(s.MaxBatch), 1+float64(rate*s.MaxQueueDelay)))
	// A batch further than six deviations from the typical one never comes.
	one.MaxBatch = min(s.MaxBatch, int(math.Ceil(typical+float64(6*math.Sqrt(typical))))+6)
	if one.MaxBatch > chainLimit {
		return s.fluid(rate, typical)
	}
	c := newChain(one, rate)
	m := c.latency()
	p := Prediction{BusyShare: make([]float64, s.MaxBatch+1), MeanLatency: m.mean(), law: m}
	for n, pi := range c.pi {
		if n > 0 {
			p.BusyShare[min(n, one.MaxBatch)] += pi
		}
	}
	p.shares(s, rate)
	if s.MaxBatch == 1 { // the mean is known exactly
		rho := rate * s.BatchSeconds[1]
		p.MeanLatency = s.BatchSeconds[1] * (1 + rho*s.spread()/(2*(1-rho)))
	}
	return p.stretched(s)
}

// shares turns the law of batch sizes in BusyShare into shares of time: a rate
// of arrivals makes rate/mean batches a second.
func (p *Prediction) shares(s Server, rate float64) {
	p.MeanBatch = 0
	for b, w := range p.BusyShare {
		p.MeanBatch += float64(float64(b) * w)
	}
	for b := 1; b <= s.MaxBatch; b++ {
		p.BusyShare[b] *= rate / p.MeanBatch * s.BatchSeconds[b]
		p.Utilisation += p.BusyShare[b]
	}
	p.Utilisation = math.Min(p.Utilisation, 1)
	for b := range p.BusyShare {
		p.BusyShare[b] *= s.parallel()
	}
}

// fixedPoint is the batch that meets as many arrivals as it holds: the
// smallest b with λ s(b) <= b, between whole batches by the chord.
func (s Server) fixedPoint(rate float64) float64 {
	for b := 1; b <= s.MaxBatch; b++ {
		over := float64(b) - float64(rate*s.BatchSeconds[b])
		if over < 0 {
			continue
		}
		if b == 1 {
			return 1
		}
		under := float64(rate*s.BatchSeconds[b-1]) - float64(b-1)
		return float64(b-1) + under/(under+over)
	}
	return float64(s.MaxBatch)
}

// fluid is a server whose batches are all of the typical size.
func (s Server) fluid(rate, typical float64) Prediction {
	own := s.seconds(typical)
	// A request waits for the batch before its own, or for its own to fill.
	rest := max(own*s.spread(), min(s.MaxQueueDelay, typical/rate))
	m := newMixture(own + 2*rest)
	m.add(1, own, own+rest)
	m.close()
	p := Prediction{BusyShare: make([]float64, s.MaxBatch+1), MeanLatency: m.mean(), law: m}
	low := min(int(typical), s.MaxBatch-1)
	p.BusyShare[low] = float64(low+1) - typical
	p.BusyShare[low+1] = typical - float64(low)
	p.shares(s, rate)
	return p.stretched(s)
}

// stretched is p with the slowdown of contended instances: a batch beside
// k - 1 running ones takes k times as long.
func (p Prediction) stretched(s Server) Prediction {
	if !s.Contended || s.Instances < 2 {
		return p
	}
	by := float64(s.Instances-1) * p.Utilisation * s.seconds(p.MeanBatch)
	p.MeanLatency += by
	p.law = shifted{p.law, by}
	return p
}

// shifted is a law moved by a constant.
type shifted struct {
	law
	by float64
}

func (s shifted) quantile(q float64) float64 { return s.law.quantile(q) + s.by }
