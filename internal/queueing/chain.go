package queueing

import "math"

// chain is the Markov chain of how many requests wait when a batch starts,
// that batch included: states 1 to n.
type chain struct {
	Server
	lambda   float64
	arrivals [][]float64 // arrivals[b]: law of the arrivals during a batch of b
	fill     []float64   // law of further arrivals within MaxQueueDelay
	n        int
	pi       []float64 // stationary, pi[i] for i waiting
}

// tailCut is what the laws of arrivals leave out at each end.
const tailCut = 1e-11

// newChain lays out the chain. The tail of the queue falls like exp(-θ n) with
// θ = 2 drift/variance of a full batch's step, the diffusion's decay.
func newChain(s Server, lambda float64) *chain {
	c := &chain{Server: s, lambda: lambda, arrivals: make([][]float64, s.MaxBatch+1)}
	most := 0
	for b := 1; b <= s.MaxBatch; b++ {
		c.arrivals[b] = counts(lambda*s.BatchSeconds[b], s.CV)
		most = max(most, len(c.arrivals[b]))
	}
	c.fill = counts(lambda*s.MaxQueueDelay, 0)
	met := lambda * s.BatchSeconds[s.MaxBatch]
	variance := met * (1 + float64(met*s.CV*s.CV))
	theta := 2 * (float64(s.MaxBatch) - met) / variance
	c.n = s.MaxBatch + most + int(math.Ceil(18/theta))
	c.solve(most)
	return c
}

// counts is the law of the number of arrivals within a gamma time of this mean
// number and coefficient of variation: Poisson for cv 0, else negative
// binomial. It ends where the rest is below tailCut.
func counts(mean, cv float64) []float64 {
	if mean <= 0 {
		return []float64{1}
	}
	// p(i)/p(i-1) = (r+i-1) q/i with q = mean/(mean+r), r = 1/cv²; for r → ∞ mean/i.
	logP0, step := -mean, func(i int) float64 { return mean / float64(i) }
	if cv > 0 {
		r := 1 / (cv * cv)
		q := mean / (mean + r)
		logP0 = r * math.Log1p(-q)
		step = func(i int) float64 { return (r + float64(i-1)) * q / float64(i) }
	}
	var law []float64
	sum, logP := 0.0, logP0
	for i := 0; ; i++ {
		if i > 0 {
			logP += math.Log(step(i))
		}
		p := math.Exp(logP)
		law = append(law, p)
		sum += p
		if float64(i) > mean && p < tailCut {
			break
		}
	}
	for i := range law {
		law[i] /= sum
	}
	return law
}

// hold says what happens when a batch of b with this service time ends and
// leaves m < MaxBatch waiting, the oldest of them come during it: with
// probability p they wait on for the mean time rest. Given m arrivals uniform
// over s, the age A of the oldest has the law (a/s)^m, and rest = D - A.
func (c *chain) hold(s float64, m int) (p, rest float64) {
	d := c.MaxQueueDelay
	if d <= 0 {
		return 0, 0
	}
	k := float64(m)
	if d < s {
		// P(A < d) = (d/s)^m; E[d - A; A < d] = d (d/s)^m / (m+1).
		return math.Pow(d/s, k), d / (k + 1)
	}
	return 1, d - s*k/(k+1)
}

// row adds the transitions out of state n, each with weight 1, through put.
func (c *chain) row(n int, put func(to int, p float64)) {
	b := min(n, c.MaxBatch)
	s, left := c.BatchSeconds[b], n-b
	for a, p := range c.arrivals[b] {
		m := left + a
		switch {
		case m == 0: // idle until the next request, then its delay
			for extra, pe := range c.fill {
				put(min(1+extra, c.MaxBatch), p*pe)
			}
		case m >= c.MaxBatch || c.MaxQueueDelay <= 0:
			put(m, p)
		default:
			held, rest := c.hold(s, m)
			if left > 0 { // the oldest waited for the whole batch already
				held, rest = 1, c.MaxQueueDelay-s
			}
			if rest <= 0 || held < 1e-9 {
				put(m, p)
				continue
			}
			put(m, p*(1-held))
			for extra, pe := range counts(c.lambda*rest, 0) {
				put(min(m+extra, c.MaxBatch), p*held*pe)
			}
		}
	}
}

// solve finds the stationary law by the elimination of Grassmann, Taksar and
// Heyman, which never subtracts. The matrix is banded: a step leads at most
// MaxBatch down and most up, and elimination keeps it so.
func (c *chain) solve(most int) {
	down := c.MaxBatch
	width := down + most + 1 + down
	band := make([]float64, (c.n+1)*width)
	at := func(i, j int) *float64 { return &band[i*width+j-i+down] }
	for i := 1; i <= c.n; i++ {
		c.row(i, func(to int, p float64) { *at(i, min(to, c.n)) += p })
	}
	up := most + down
	for k := c.n; k > 1; k-- {
		low := max(1, k-down)
		from := band[k*width+low-k+down : k*width+down]
		sum := 0.0
		for _, v := range from {
			sum += v
		}
		for i := max(1, k-up); i < k; i++ {
			f := *at(i, k)
			if f == 0 {
				continue
			}
			f /= sum
			*at(i, k) = f
			to := band[i*width+low-i+down:]
			for j, v := range from {
				to[j] += float64(f * v)
			}
		}
	}
	c.pi = make([]float64, c.n+1)
	c.pi[1] = 1
	total := 1.0
	for k := 2; k <= c.n; k++ {
		for i := max(1, k-up); i < k; i++ {
			c.pi[k] += float64(c.pi[i] * *at(i, k))
		}
		total += c.pi[k]
	}
	for k := range c.pi {
		c.pi[k] /= total
	}
}
