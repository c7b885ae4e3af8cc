package lstm

import "math"

// shape of a network: one LSTM layer and a linear head that sees the layer's
// output and, past it, the input.
type shape struct{ in, hidden, out int }

// gateRow and headRow are the lengths of a row of weights: [x, h, 1] before
// the gates, [h, x, 1] before an output.
func (s shape) gateRow() int { return s.in + s.hidden + 1 }
func (s shape) headRow() int { return s.hidden + s.in + 1 }

// gates is the number of weights before the gates: rows of i, f, g and o.
func (s shape) gates() int { return 4 * s.hidden * s.gateRow() }

// size is the number of weights.
func (s shape) size() int { return s.gates() + s.out*s.headRow() }

// network holds the weights, gates first, then the head, row by row.
type network struct {
	shape
	w []float64
}

func newNetwork(s shape) network { return network{s, make([]float64, s.size())} }

// gate returns the weights of row k of the 4·hidden before the gates.
func (n network) gate(k int) []float64 {
	row := n.gateRow()
	return n.w[k*row : (k+1)*row : (k+1)*row]
}

// head returns the weights of output k.
func (n network) head(k int) []float64 {
	row, from := n.headRow(), n.gates()
	return n.w[from+k*row : from+(k+1)*row : from+(k+1)*row]
}

// memory is what an LSTM carries from step to step.
type memory struct{ h, c []float64 }

func (n network) newMemory() memory {
	return memory{make([]float64, n.hidden), make([]float64, n.hidden)}
}

// cell is what one step computes; backward needs all of it.
type cell struct {
	x            []float64 // input
	h0, c0       []float64 // memory before
	i, f, g, o   []float64 // gates, after their functions
	c, tanhC, h  []float64 // memory after
	out          []float64
	hiddenBuffer []float64 // what the hidden-sized slices above are cut from
}

func (n network) newCell() cell {
	c := cell{out: make([]float64, n.out), hiddenBuffer: make([]float64, 7*n.hidden)}
	rest := c.hiddenBuffer
	for _, v := range []*[]float64{&c.i, &c.f, &c.g, &c.o, &c.c, &c.tanhC, &c.h} {
		*v, rest = rest[:n.hidden:n.hidden], rest[n.hidden:]
	}
	return c
}

// forward computes one step of Hochreiter and Schmidhuber's memory cell with
// the forget gate of Gers et al. (2000):
//
//	i = σ(W_i[x, h] + b_i)   f = σ(W_f[x, h] + b_f)   o = σ(W_o[x, h] + b_o)
//	g = tanh(W_g[x, h] + b_g)
//	c ← f ⊙ c + i ⊙ g        h ← o ⊙ tanh(c)         out = V[h, x] + a
func (n network) forward(x []float64, m memory, s *cell) {
	s.x, s.h0, s.c0 = x, m.h, m.c
	hidden := n.hidden
	for k := range hidden {
		s.i[k] = logistic(n.before(k, x, m.h))
		s.f[k] = logistic(n.before(hidden+k, x, m.h))
		s.g[k] = math.Tanh(n.before(2*hidden+k, x, m.h))
		s.o[k] = logistic(n.before(3*hidden+k, x, m.h))
		s.c[k] = float64(s.f[k]*m.c[k]) + float64(s.i[k]*s.g[k])
		s.tanhC[k] = math.Tanh(s.c[k])
		s.h[k] = s.o[k] * s.tanhC[k]
	}
	for k := range n.out {
		row := n.head(k)
		s.out[k] = row[len(row)-1] + dot(row[:hidden], s.h) + dot(row[hidden:hidden+n.in], x)
	}
}

// before is row k's sum before its gate's function.
func (n network) before(k int, x, h []float64) float64 {
	row := n.gate(k)
	return row[len(row)-1] + dot(row[:n.in], x) + dot(row[n.in:n.in+n.hidden], h)
}

// gradient sums up the derivatives of a loss by the weights.
type gradient struct {
	network              // the sums, where the weights are
	dh, dc, dhNext, dz   []float64
	hiddenGradientBuffer []float64
}

func newGradient(s shape) *gradient {
	g := &gradient{network: newNetwork(s), hiddenGradientBuffer: make([]float64, 3*s.hidden), dz: make([]float64, 4)}
	b := g.hiddenGradientBuffer
	g.dh, g.dc, g.dhNext = b[:s.hidden], b[s.hidden:2*s.hidden], b[2*s.hidden:]
	return g
}

// begin forgets what came back from later steps: the next call of backward is
// for the last step of a sequence.
func (g *gradient) begin() { clear(g.hiddenGradientBuffer) }

// backward adds one step's part, given the loss's derivatives by the step's
// outputs; steps are taken from the last to the first.
func (g *gradient) backward(n network, s *cell, dOut []float64) {
	dh, hidden := g.dh, n.hidden
	copy(dh, g.dhNext)
	for k, d := range dOut {
		if d == 0 {
			continue
		}
		row, sum := n.head(k), g.head(k)
		addScaled(dh, d, row[:hidden])
		addScaled(sum[:hidden], d, s.h)
		addScaled(sum[hidden:hidden+n.in], d, s.x)
		sum[len(sum)-1] += d
	}
	clear(g.dhNext)
	for k := range hidden {
		do := dh[k] * s.tanhC[k]
		dc := g.dc[k] + float64(dh[k]*s.o[k]*(1-float64(s.tanhC[k]*s.tanhC[k])))
		g.dc[k] = dc * s.f[k]
		g.dz[0] = dc * s.g[k] * s.i[k] * (1 - s.i[k])
		g.dz[1] = dc * s.c0[k] * s.f[k] * (1 - s.f[k])
		g.dz[2] = dc * s.i[k] * (1 - float64(s.g[k]*s.g[k]))
		g.dz[3] = do * s.o[k] * (1 - s.o[k])
		for j, d := range g.dz {
			row, sum := n.gate(j*hidden+k), g.gate(j*hidden+k)
			addScaled(g.dhNext, d, row[n.in:n.in+hidden])
			addScaled(sum[:n.in], d, s.x)
			addScaled(sum[n.in:n.in+hidden], d, s.h0)
			sum[len(sum)-1] += d
		}
	}
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// dot has four sums, for speed, in one fixed order, and rounds each product:
// the same bits wherever math.Exp gives the same.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	for len(a) >= 4 && len(b) >= 4 {
		s0 += float64(a[0] * b[0])
		s1 += float64(a[1] * b[1])
		s2 += float64(a[2] * b[2])
		s3 += float64(a[3] * b[3])
		a, b = a[4:], b[4:]
	}
	for i := range a {
		s0 += float64(a[i] * b[i])
	}
	return (s0 + s1) + (s2 + s3)
}

// addScaled adds f·a to dst.
func addScaled(dst []float64, f float64, a []float64) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] += float64(f * a[i])
	}
}
