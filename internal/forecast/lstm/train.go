package lstm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/kwatt-sim/kwatt/internal/forecast"
	"github.com/kwatt-sim/kwatt/internal/rng"
)

// MaxHidden bounds the units of a network: 256 have 300,000 weights.
const MaxHidden = 256

// TrainOptions of a training.
type TrainOptions struct {
	Seed    uint64
	Hidden  int     // units of the layer
	Epochs  int     // passes over the training part; the best one on the validation part is kept
	Rate    float64 // Adam's, at the start; it falls to a hundredth along half a cosine
	Command string  // noted in the weights
	// Progress, if set, is told of each epoch: its mean loss on the validation part.
	Progress func(epoch int, loss float64)
}

// DefaultTraining are the options that the builtin weights were made with.
func DefaultTraining() TrainOptions { return TrainOptions{Seed: 1, Hidden: 8, Epochs: 40, Rate: 3e-3} }

const (
	batchWindows = 8 // windows whose gradients make a step of the optimiser
	rateFloor    = 0.01
	inputNoise   = 0.1 // standard deviation added to each input of the training part
)

// Train fits a network to the series. The last fifth of each is kept for
// choosing the epoch and for the law of the errors. The result is a function of
// series and options alone: gradients are computed in parallel, a window each,
// and added in the windows' order.
func Train(ctx context.Context, all []Series, o TrainOptions) (*Weights, error) {
	if o.Hidden < 1 || o.Hidden > MaxHidden || o.Epochs < 1 || !(o.Rate > 0) {
		return nil, fmt.Errorf("train: %d hidden units, %d epochs, rate %g: want 1 to %d units, at least one epoch and a rate above 0", o.Hidden, o.Epochs, o.Rate, MaxHidden)
	}
	t := &trainer{series: all, options: o, stream: rng.New(o.Seed).Stream("lstm", "windows")}
	w := &Weights{Format: Format, Command: o.Command, Seed: o.Seed, Hidden: o.Hidden}
	for _, s := range all {
		if err := forecast.CheckHistory(s.Values); err != nil {
			return nil, fmt.Errorf("train on %s: %w", s.Trace, err)
		}
		t.courses = append(t.courses, newCourse(s))
		w.note(s.Training)
	}
	if len(windows(t.courses, rng.New(o.Seed).Stream("lstm", "probe"))) == 0 {
		return nil, fmt.Errorf("train: no series has more than %d steps to train on", warmUp)
	}
	t.begin(w.shape())
	for epoch := range o.Epochs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t.epoch(epoch)
		loss := t.validate()
		if o.Progress != nil {
			o.Progress(epoch+1, loss)
		}
		if loss < t.bestLoss {
			t.bestLoss, t.bestEpoch = loss, epoch+1
			copy(t.best, t.net.w)
		}
	}
	return t.finish(w)
}

// note adds a training; resolutions of one trace share an entry.
func (w *Weights) note(n Training) {
	for i := range w.Trained {
		if w.Trained[i].Trace == n.Trace && w.Trained[i].From.Equal(n.From) && w.Trained[i].To.Equal(n.To) {
			w.Trained[i].Steps = append(w.Trained[i].Steps, n.Steps...)
			return
		}
	}
	n.Steps = slices.Clone(n.Steps)
	w.Trained = append(w.Trained, n)
}

type trainer struct {
	options   TrainOptions
	series    []Series
	courses   []course
	stream    *rng.Stream
	net       network
	optimiser *adam
	workers   [batchWindows]*worker
	sum       []float64
	best      []float64
	bestLoss  float64
	bestEpoch int
}

// begin draws the first weights: uniform with variance 1/(fan-in), forget gates
// open (Jozefowicz et al., 2015), and a narrow spread.
func (t *trainer) begin(s shape) {
	t.net, t.optimiser = newNetwork(s), newAdam(s.size())
	draw := rng.New(t.options.Seed).Stream("lstm", "weights")
	fill := func(row []float64, bias float64) {
		bound := math.Sqrt(3 / float64(len(row)-1))
		for i := range row {
			row[i] = bound * (2*draw.Float64() - 1)
		}
		row[len(row)-1] = bias
	}
	for k := range 4 * s.hidden {
		bias := 0.0
		if k >= s.hidden && k < 2*s.hidden {
			bias = 1
		}
		fill(t.net.gate(k), bias)
	}
	for k := range s.out {
		row := t.net.head(k)
		fill(row, 0)
		for i := range row {
			row[i] *= 0.1
		}
		if k%3 != 0 {
			row[len(row)-1] = -2 // a spread of 0.13
		}
	}
	for i := range t.workers {
		t.workers[i] = newWorker(t.net)
	}
	t.sum, t.best, t.bestLoss = make([]float64, s.size()), slices.Clone(t.net.w), math.Inf(1)
}

// epoch passes once over the training parts.
func (t *trainer) epoch(n int) {
	all := windows(t.courses, t.stream)
	batches := (len(all) + batchWindows - 1) / batchWindows
	for b := range batches {
		batch := all[b*batchWindows : min((b+1)*batchWindows, len(all))]
		var wg sync.WaitGroup
		for i, w := range batch {
			noise := rng.New(t.stream.Uint64()).Stream("noise")
			wg.Go(func() { t.workers[i].run(t.net, w, noise) })
		}
		wg.Wait()
		clear(t.sum)
		terms := 0
		for i := range batch {
			addScaled(t.sum, 1, t.workers[i].gradient.w)
			terms += t.workers[i].terms
		}
		for i := range t.sum {
			t.sum[i] /= float64(max(terms, 1))
		}
		done := (float64(n) + float64(b)/float64(batches)) / float64(t.options.Epochs)
		rate := t.options.Rate * (rateFloor + (1-rateFloor)*(1+math.Cos(math.Pi*done))/2)
		t.optimiser.step(t.net.w, t.sum, rate)
	}
}

// validate returns the mean loss on the validation parts, each weighing the
// same, with a memory that has run from the series' beginning.
func (t *trainer) validate() float64 {
	losses := make([]float64, len(t.courses))
	var wg sync.WaitGroup
	for i, c := range t.courses {
		wg.Go(func() {
			sum, terms := 0.0, 0
			d := make([]float64, t.net.out)
			c.follow(t.net, func(at int, out []float64) {
				loss, n := lossOf(out, c.targets[at], &c.weight, d)
				sum += loss
				terms += n
			})
			losses[i] = sum / float64(max(terms, 1))
		})
	}
	wg.Wait()
	return meanOf(losses)
}

// follow runs the network along a course and shows each step of the validation part.
func (c course) follow(n network, see func(at int, out []float64)) {
	m, s := n.newMemory(), n.newCell()
	for i, x := range c.inputs {
		n.forward(x, m, &s)
		copy(m.h, s.h)
		copy(m.c, s.c)
		if i >= c.split {
			see(i, s.out)
		}
	}
}

// baseline is what validate would return for the last value and no spread.
func (t *trainer) baseline() float64 {
	losses := make([]float64, len(t.courses))
	for i, c := range t.courses {
		sum, terms := 0.0, 0
		for at := c.split; at < len(c.targets); at++ {
			for h, y := range c.targets[at] {
				if !math.IsNaN(y) {
					for _, q := range lossLevels {
						loss, _ := pinball(0, y, q)
						sum += float64(c.weight[h] * loss)
						terms++
					}
				}
			}
		}
		losses[i] = sum / float64(max(terms, 1))
	}
	return meanOf(losses)
}

func meanOf(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// scoreLevels are the quantiles of scores that weights keep.
var scoreLevels = []float64{0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999}

// finish rounds the best network to the file's digits and adds the law of its
// errors on the validation parts.
func (t *trainer) finish(w *Weights) (*Weights, error) {
	if math.IsInf(t.bestLoss, 1) {
		return nil, errors.New("train: the loss is not finite: lower the rate")
	}
	for _, v := range t.best {
		w.Weights = append(w.Weights, float32(v))
	}
	w.Epochs, w.Loss, w.Baseline, w.Levels = t.bestEpoch, t.bestLoss, t.baseline(), scoreLevels
	w.Scores = w.judge(t.series)
	var err error
	w.Hash, err = w.hash()
	return w, err
}

// judge returns the quantiles of the scores on the validation parts, by
// horizon: of each series, and their means, so that a long one counts no more.
func (w *Weights) judge(all []Series) [][]float64 {
	rows := make([][]float64, Ahead)
	for h := range rows {
		rows[h] = make([]float64, len(w.Levels))
	}
	for _, s := range all {
		f := w.newForecaster(s.Season)
		split := splitOf(s.Values)
		for i, y := range s.Values {
			if i == split {
				f.scores = [Ahead]forecast.Residuals{}
			}
			f.Observe(y)
		}
		for h := range rows {
			for j, q := range w.Levels {
				rows[h][j] += f.scores[h].Quantile(q) / float64(len(all))
			}
		}
	}
	return rows
}
