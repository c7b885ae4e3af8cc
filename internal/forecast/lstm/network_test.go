package lstm

import (
	"math"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/rng"
)

// TestCellAgainstONNX holds the cell to figures of an LSTM that follows the
// ONNX operator: github.com/gomlx/gomlx v0.26.0, pkg/ml/layers/lstm/lstm_test.go
// (Apache-2.0). There gates stand in the order i, o, f, c with two biases, and
// weights run from -1 to 1 in equal steps.
func TestCellAgainstONNX(t *testing.T) {
	const in, hidden, steps = 2, 3, 4
	n := newNetwork(shape{in: in, hidden: hidden, out: 1})
	ramp := func(i, size int) float64 { return 2*float64(i)/float64(size-1) - 1 }
	theirs := [4]int{0, 2, 3, 1} // where our i, f, g, o stand
	for ours, their := range theirs {
		for k := range hidden {
			row := n.gate(ours*hidden + k)
			for j := range in {
				row[j] = ramp((their*hidden+k)*in+j, 4*hidden*in)
			}
			for j := range hidden {
				row[in+j] = ramp((their*hidden+k)*hidden+j, 4*hidden*hidden)
			}
			row[in+hidden] = ramp(their*hidden+k, 8*hidden) + ramp((4+their)*hidden+k, 8*hidden)
		}
	}
	m, s := n.newMemory(), n.newCell()
	for i := range steps {
		n.forward([]float64{0.1 * float64(in*i+1), 0.1 * float64(in*i+2)}, m, &s)
		copy(m.h, s.h)
		copy(m.c, s.c)
	}
	for k, want := range [][2]float64{{0.0369643, 0.16458873}, {0.09801698, 0.31134608}, {0.21440339, 0.53026175}} {
		if math.Abs(m.h[k]-want[0]) > 1e-6 || math.Abs(m.c[k]-want[1]) > 1e-6 {
			t.Errorf("unit %d: h %.8f, c %.8f, want %v", k, m.h[k], m.c[k], want)
		}
	}
}

// TestGradientAgainstDifferences compares every weight's derivative of a sum of
// squares over a sequence with central differences.
func TestGradientAgainstDifferences(t *testing.T) {
	const seed = 3
	s := rng.New(seed).Stream("gradient")
	n := newNetwork(shape{in: 3, hidden: 5, out: 2})
	for i := range n.w {
		n.w[i] = 0.5 * s.Norm()
	}
	const steps = 7
	x, target := make([][]float64, steps), make([][]float64, steps)
	for i := range x {
		x[i] = []float64{s.Norm(), s.Norm(), s.Norm()}
		target[i] = []float64{s.Norm(), s.Norm()}
	}
	run := func(g *gradient) float64 {
		cells, m, loss := make([]cell, steps), n.newMemory(), 0.0
		dOut := make([][]float64, steps)
		for i := range cells {
			cells[i] = n.newCell()
			n.forward(x[i], m, &cells[i])
			m = memory{cells[i].h, cells[i].c}
			for k, y := range cells[i].out {
				if i == 2 { // a step without a target
					dOut[i] = append(dOut[i], 0)
					continue
				}
				loss += (y - target[i][k]) * (y - target[i][k]) / 2
				dOut[i] = append(dOut[i], y-target[i][k])
			}
		}
		if g != nil {
			g.begin()
			for i := steps - 1; i >= 0; i-- {
				g.backward(n, &cells[i], dOut[i])
			}
		}
		return loss
	}
	g := newGradient(n.shape)
	run(g)
	for i := range n.w {
		const eps = 1e-5
		w := n.w[i]
		n.w[i] = w + eps
		up := run(nil)
		n.w[i] = w - eps
		down := run(nil)
		n.w[i] = w
		if want := (up - down) / (2 * eps); math.Abs(g.w[i]-want) > 1e-7*(1+math.Abs(want)) {
			t.Fatalf("seed %d: weight %d: gradient %.10g, by differences %.10g", seed, i, g.w[i], want)
		}
	}
}
