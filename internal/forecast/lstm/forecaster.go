package lstm

import (
	"math"

	"github.com/kwatt-sim/kwatt/internal/forecast"
)

// forecaster runs the network along a series.
type forecaster struct {
	weights *Weights
	net     network
	lens    *lens
	memory  memory
	step    cell
	x       []float64
	known   bool // whether a value was seen yet
	// pending[h-1] are the predictions h steps ahead that await their value,
	// oldest first; scores[h-1] what came of the earlier ones.
	pending [Ahead][]prediction
	scores  [Ahead]forecast.Residuals
}

// prediction of a rate, in req/s: its median, and how far it spreads to either
// side. It is scaled once a rate above 0 was seen: before that its spreads mean
// nothing.
type prediction struct {
	middle, down, up float64
	scaled           bool
}

// fewestScores is the number of scores at a horizon from which they replace
// those of the training's validation.
const fewestScores = 100

func (w *Weights) newForecaster(season int) *forecaster {
	net := w.network()
	return &forecaster{
		weights: w, net: net, lens: newLens(season), memory: net.newMemory(), step: net.newCell(), x: make([]float64, inputs),
	}
}

// fit implements forecast.Method.
func (w *Weights) fit(history []float64, o forecast.Options) (forecast.Forecaster, error) {
	if err := forecast.CheckHistory(history); err != nil {
		return nil, err
	}
	f := w.newForecaster(o.Season)
	for _, y := range history {
		f.Observe(y)
	}
	return f, nil
}

// Observe implements forecast.Forecaster. A missing value is taken to be what
// was expected, and the network is told so.
func (f *forecaster) Observe(y float64) {
	missing := math.IsNaN(y)
	if missing && !f.known {
		return // nothing to fill it with
	}
	if !missing {
		f.judge(y)
	} else {
		y = f.Forecast(1)
	}
	f.forget()
	f.known = true
	f.lens.look(y, missing, f.x)
	f.net.forward(f.x, f.memory, &f.step)
	copy(f.memory.h, f.step.h)
	copy(f.memory.c, f.step.c)
	for h := 1; h <= Ahead; h++ {
		f.pending[h-1] = append(f.pending[h-1], f.predict(h, 0))
	}
}

// judge scores the predictions of y.
func (f *forecaster) judge(y float64) {
	for i, queue := range f.pending {
		if len(queue) > i && queue[0].scaled {
			f.scores[i].Add(queue[0].score(y))
		}
	}
}

// forget drops the predictions of the step that came.
func (f *forecaster) forget() {
	for i, queue := range f.pending {
		if len(queue) > i {
			f.pending[i] = append(queue[:0], queue[1:]...)
		}
	}
}

// predict reads the head for h steps ahead, 1 to Ahead; shift moves the level.
func (f *forecaster) predict(h int, shift float64) prediction {
	middle, down, up := heads(f.step.out, h)
	level := f.lens.level(f.lens.last) + middle + shift
	p := prediction{middle: f.lens.rate(level), scaled: f.lens.total > 0}
	p.down = p.middle - f.lens.rate(level-down) + float64(leastSpread*f.lens.scale)
	p.up = f.lens.rate(level+up) - p.middle + float64(leastSpread*f.lens.scale)
	return p
}

// leastSpread is the part of the scale that is added to each spread: where the
// network is sure of itself, a score is no more than how wrong it was.
const leastSpread = 0.2

// heads are the three outputs for h steps ahead: the change of the level until
// then, and its spread to either side, which is above 0.
func heads(out []float64, h int) (middle, down, up float64) {
	o := out[3*(h-1) : 3*h]
	return o[0], softplus(o[1]) + narrowest, softplus(o[2]) + narrowest
}

// narrowest spread, as a level: a thousandth of a large rate.
const narrowest = 0.01

// softplus is ln(1 + e^x).
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// score of a value is how many spreads it lies from the median.
func (p prediction) score(y float64) float64 {
	if y < p.middle {
		return (y - p.middle) / p.down
	}
	return (y - p.middle) / p.up
}

// at returns the rate that lies so many spreads from the median, never below 0.
func (p prediction) at(score float64) float64 {
	if score < 0 {
		return max(0, p.middle+float64(score*p.down))
	}
	return p.middle + float64(score*p.up)
}

// Forecast implements forecast.Forecaster: the network's median.
func (f *forecaster) Forecast(h int) float64 { return f.ahead(h).at(0) }

// Quantile implements forecast.Forecaster: the network's median and spread,
// with the quantile of the scores so far at that horizon (normalised split
// conformal prediction).
func (f *forecaster) Quantile(h int, q float64) float64 {
	i := min(max(h, 1), Ahead) - 1
	if f.scores[i].Len() < fewestScores {
		return f.ahead(h).at(f.weights.score(i, q))
	}
	return f.ahead(h).at(f.scores[i].Quantile(q))
}

// ahead is the prediction of any step ahead: beyond the network's reach it goes
// on as the season before did, or stays where it is.
func (f *forecaster) ahead(h int) prediction {
	h = max(h, 1)
	shift := 0.0
	if then, ok := f.lens.lastSeason(h); h > Ahead && ok {
		from, _ := f.lens.lastSeason(Ahead)
		shift = f.lens.level(then) - f.lens.level(from)
	}
	return f.predict(min(h, Ahead), shift)
}

// UsesSeason implements forecast.Seasonal.
func (f *forecaster) UsesSeason() bool { _, ok := f.lens.lastSeason(1); return ok }

// String implements forecast.Forecaster.
func (f *forecaster) String() string { return f.weights.name() }
