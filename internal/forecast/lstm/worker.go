package lstm

import "github.com/kwatt-sim/kwatt/internal/rng"

// worker holds what one window's gradient needs.
type worker struct {
	gradient *gradient
	cells    []cell
	dOut     [][]float64
	target   []float64
	noisy    [][]float64
	terms    int
}

func newWorker(n network) *worker {
	w := &worker{gradient: newGradient(n.shape), target: make([]float64, Ahead)}
	for range windowSteps {
		w.cells = append(w.cells, n.newCell())
		w.dOut = append(w.dOut, make([]float64, n.out))
		w.noisy = append(w.noisy, make([]float64, n.in))
	}
	return w
}

// run computes the gradient of a window's loss.
func (w *worker) run(n network, win window, noise *rng.Stream) {
	clear(w.gradient.w)
	w.gradient.begin()
	w.terms = 0
	m := n.newMemory()
	steps := win.to - win.from
	for i := range steps {
		at := win.from + i
		x := w.noisy[i]
		for k, v := range win.course.inputs[at] {
			x[k] = v + float64(inputNoise*noise.Norm())
		}
		n.forward(x, m, &w.cells[i])
		m = memory{w.cells[i].h, w.cells[i].c}
		if i < warmUp {
			clear(w.dOut[i])
			continue
		}
		_, terms := lossOf(w.cells[i].out, win.course.until(at, win.course.split, w.target), &win.course.weight, w.dOut[i])
		w.terms += terms
	}
	for i := steps - 1; i >= 0; i-- {
		w.gradient.backward(n, &w.cells[i], w.dOut[i])
	}
}
