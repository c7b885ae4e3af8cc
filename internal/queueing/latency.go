package queueing

import "math"

// mixture is a latency law made of uniform pieces, kept as the mass in bins of
// equal width. Pieces are added as two steps of the density; one running sum
// at the end makes them masses.
type mixture struct {
	width  float64
	bins   []float64 // differences of density, then cumulated probability
	weight float64
	moment float64
}

const mixtureBins = 2048

func newMixture(longest float64) *mixture {
	return &mixture{width: longest / mixtureBins, bins: make([]float64, mixtureBins+2)}
}

// add adds weight w spread evenly over lo to hi seconds. A piece thinner than
// a bin is widened to one around its middle.
func (m *mixture) add(w, lo, hi float64) {
	if w <= 0 {
		return
	}
	m.weight += w
	m.moment += float64(w * (lo + hi) / 2)
	if hi-lo < m.width {
		mid := (lo + hi) / 2
		lo, hi = max(0, mid-m.width/2), mid+m.width/2
	}
	density := w / (hi - lo) * m.width
	m.step(lo/m.width, density)
	m.step(hi/m.width, -density)
}

// step raises the mass of the bins from x on, the first by the part after x.
func (m *mixture) step(x, density float64) {
	i := int(x)
	if i >= mixtureBins {
		return
	}
	part := 1 - (x - float64(i))
	m.bins[i] += float64(density * part)
	m.bins[i+1] += float64(density * (1 - part))
}

// close turns the differences into the distribution function at the right
// edge of each bin.
func (m *mixture) close() {
	mass, sum := 0.0, 0.0
	for i := range m.bins {
		mass += m.bins[i]
		sum += mass
		m.bins[i] = sum / m.weight
	}
}

func (m *mixture) mean() float64 { return m.moment / m.weight }

func (m *mixture) quantile(q float64) float64 {
	lo, hi := 0, mixtureBins-1
	for lo < hi {
		if mid := (lo + hi) / 2; m.bins[mid] < q {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	before := 0.0
	if lo > 0 {
		before = m.bins[lo-1]
	}
	part := 1.0
	if mass := m.bins[lo] - before; mass > 0 {
		part = math.Min(1, math.Max(0, (q-before)/mass))
	}
	return (float64(lo) + part) * m.width
}

// latency is the law of latency over the stationary chain.
func (c *chain) latency() *mixture {
	full := c.BatchSeconds[c.MaxBatch]
	batchesAhead := float64(c.n)/float64(c.MaxBatch) + 2
	m := newMixture(float64(full*batchesAhead*c.spread()) + c.MaxQueueDelay + c.BatchSeconds[1])
	for n := 1; n <= c.n; n++ {
		if c.pi[n] < 1e-12 {
			continue
		}
		b := min(n, c.MaxBatch)
		for a, p := range c.arrivals[b] {
			if w := c.pi[n] * p; w > 1e-14 {
				c.meet(m, w, b, n-b, a)
			}
		}
	}
	m.close()
	return m
}

// meet adds the latencies of the a requests that arrive during a batch of b
// which leaves left waiting.
func (c *chain) meet(m *mixture, w float64, b, left, a int) {
	s, total := c.BatchSeconds[b], left+a
	rest := s * c.spread() // the rest of the batch is uniform on 0..rest: its mean is E[S²]/2E[S]
	switch {
	case total == 0:
		c.meetIdle(m, w)
	case a == 0:
	case total <= c.MaxBatch:
		held, delay := 0.0, 0.0
		if left == 0 && total < c.MaxBatch {
			held, delay = c.hold(s, total)
		}
		own := c.BatchSeconds[total]
		m.add(w*(1-held)*float64(a), own, own+rest)
		c.meetHeld(m, w*held, a, delay, min(s, c.MaxQueueDelay))
	default:
		c.meetQueue(m, w, rest, left, a)
	}
}

// meetIdle adds those that find the server idle: the first waits the whole
// delay, or until the batch is full, and the others come within that time.
func (c *chain) meetIdle(m *mixture, w float64) {
	for extra, p := range c.fill {
		d, n := c.MaxQueueDelay, 1+extra
		if n >= c.MaxBatch {
			// The (MaxBatch-1)th of extra uniform arrivals ends the wait.
			d *= float64(c.MaxBatch-1) / float64(extra+1)
			n = c.MaxBatch
		}
		own := c.BatchSeconds[n]
		m.add(w*p, own+d, own+d)
		m.add(w*p*float64(n-1), own, own+d)
	}
}

// meetHeld adds those whose batch waits on for delay after the one before it,
// during whose last part (at most recent) they came, and those who join.
func (c *chain) meetHeld(m *mixture, w float64, a int, delay, recent float64) {
	if w <= 1e-14 {
		return
	}
	joined := min(c.lambda*delay, float64(c.MaxBatch-a))
	own := c.seconds(float64(a) + joined)
	m.add(w*float64(a), own+delay, own+min(c.MaxQueueDelay, delay+recent))
	m.add(w*joined, own, own+delay)
}

// meetQueue adds those of whom not all fit into the next batch: in order of
// arrival, each batch's worth is one uniform piece. A later batch also takes
// who came meanwhile.
func (c *chain) meetQueue(m *mixture, w, rest float64, left, a int) {
	total, size := left+a, c.MaxBatch
	full := c.BatchSeconds[size]
	for k := left / size; k*size < total; k++ {
		first, last := max(k*size-left, 0), min((k+1)*size-left, a) // arrivals first+1..last
		in := math.Min(float64(size), float64(total-k*size)+float64(c.lambda*full*float64(k)))
		after := float64(full*float64(k)) + c.seconds(in)
		lo, hi := span(first, last, a)
		m.add(w*float64(last-first), after+float64(rest*(1-hi)), after+float64(rest*(1-lo)))
	}
}

// span returns the uniform law with the mean and variance of a random one of
// the order statistics first+1..last out of a uniform numbers on 0..1. Number
// j has the mean j/(a+1) and the variance j(a+1-j)/((a+1)²(a+2)).
func span(first, last, a int) (lo, hi float64) {
	n, end := float64(last-first), float64(a+1)
	mid := float64(first+1+last) / 2
	between := (float64(n*n) - 1) / 12
	within := (float64(end*mid) - float64(mid*mid) - between) / (end + 1)
	half := math.Sqrt(3*(between+within)) / end
	return max(0, mid/end-half), min(1, mid/end+half)
}

// seconds is the service time of a batch of b, linear between whole batches.
func (s Server) seconds(b float64) float64 {
	i := min(max(int(b), 1), s.MaxBatch)
	if i == s.MaxBatch || b <= 1 {
		return s.BatchSeconds[i]
	}
	part := b - float64(i)
	return float64(s.BatchSeconds[i]*(1-part)) + float64(s.BatchSeconds[i+1]*part)
}
