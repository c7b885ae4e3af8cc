package powerfit

import (
	"fmt"
	"math"
	"slices"
)

// Fit is one family fitted to the data.
type Fit struct {
	Family string
	Curve  Curve
	// Params are the curve's, each with its interval.
	Params []ParamInterval
	// HeldOut is how far the family is off at batches that it was not shown;
	// its N is 0 when there were too few batches to hold any out.
	HeldOut Score
	// Ends is the same at the smallest and the largest batch, where holding one
	// out asks for an extrapolation.
	Ends Score
	// Residuals of each batch, ascending.
	Residuals []Residual

	boot []Curve   // fits of resampled data
	pool []float64 // W, errors at held-out batches inside the range, see spread
}

// Score sums up errors, prediction less reading.
type Score struct {
	N     int
	RMSE  float64 // W
	MAPE  float64 // mean of |error| / reading
	Bias  float64 // mean of error / reading
	Worst float64 // the relative error furthest from 0
}

// Residual is the fit at one batch.
type Residual struct {
	Batch   float64
	Watts   float64 // W, the mean of the readings
	Fitted  float64 // W, of the fit to all batches
	HeldOut float64 // W, predicted without this batch; NaN where nothing was held out
}

// Result is what a set of readings comes to.
type Result struct {
	// Chosen is the family with the least error at held-out batches.
	Chosen *Fit
	// All are the families that could be fitted, best first.
	All []*Fit
	// Batches is the number of different batches.
	Batches int
	// Interior tells whether the scores are of the batches between the ends
	// alone, which takes five batches.
	Interior bool
}

// fewest batches for the scores to leave the ends out.
const fewestInside = 5

// Do fits every family that the data suffice for and chooses the one with the
// least root mean square error at held-out batches; a tie goes to the simpler.
// With fewer than three batches nothing can be held out, and the monotone
// curve is chosen. only, if it is not empty, is the one family to fit.
func Do(d Data, only string) (*Result, error) {
	r, err := Rank(d, only)
	if err != nil {
		return nil, err
	}
	s, err := d.samples()
	if err != nil {
		return nil, err
	}
	r.Chosen.resample(s, d.Context)
	return r, nil
}

// Rank is Do without the intervals, which take a thousand fits more.
func Rank(d Data, only string) (*Result, error) {
	s, err := d.samples()
	if err != nil {
		return nil, err
	}
	use := families
	if only != "" {
		f, err := findFamily(only)
		if err != nil {
			return nil, err
		}
		if len(s) < f.batches {
			return nil, fmt.Errorf("curve %s needs readings at %d different batches, there are %d", only, f.batches, len(s))
		}
		use = []family{f}
	}
	r := &Result{Batches: len(s), Interior: len(s) >= fewestInside}
	for _, f := range use {
		if len(s) >= f.batches {
			r.All = append(r.All, f.to(s, d.Context))
		}
	}
	slices.SortStableFunc(r.All, func(a, b *Fit) int {
		switch x, y := a.rank(), b.rank(); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	r.Chosen = r.All[0]
	return r, nil
}

// rank orders fits; without held-out batches only the monotone curve, which
// claims nothing between its points, comes first.
func (f *Fit) rank() float64 {
	switch {
	case f.HeldOut.N > 0:
		return f.HeldOut.RMSE
	case f.Family == Monotone:
		return 0
	}
	return math.Inf(1)
}

// to fits the family to all samples and scores it.
func (f family) to(s []sample, context float64) *Fit {
	out := &Fit{Family: f.name, Curve: f.fit(s, context, nil)}
	held := f.heldOut(s, context)
	var inside, ends []int
	for i, p := range s {
		r := Residual{Batch: p.batch, Watts: p.y, Fitted: out.Curve.At(p.batch), HeldOut: math.NaN()}
		if held != nil {
			r.HeldOut = held[i]
			end := i == 0 || i == len(s)-1
			if end && len(s) >= fewestInside {
				ends = append(ends, i)
			} else {
				inside = append(inside, i)
			}
		}
		out.Residuals = append(out.Residuals, r)
	}
	out.HeldOut, out.pool = out.score(inside)
	out.Ends, _ = out.score(ends)
	return out
}

// score sums up the held-out errors at these indices, and returns them, in W,
// as what to draw from.
func (f *Fit) score(at []int) (Score, []float64) {
	var sc Score
	var errs []float64
	for _, i := range at {
		r := f.Residuals[i]
		e := r.HeldOut - r.Watts
		errs = append(errs, e)
		sc.RMSE += float64(e * e)
		rel := e / r.Watts
		sc.MAPE += math.Abs(rel)
		sc.Bias += rel
		if math.Abs(rel) > math.Abs(sc.Worst) {
			sc.Worst = rel
		}
	}
	sc.N = len(errs)
	if sc.N == 0 {
		return sc, nil
	}
	n := float64(sc.N)
	sc.RMSE, sc.MAPE, sc.Bias = math.Sqrt(sc.RMSE/n), sc.MAPE/n, sc.Bias/n
	return sc, spread(errs)
}

// mostFolds bounds the work: up to as many batches each is held out alone,
// beyond it every mostFolds-th together.
const mostFolds = 24

// heldOut predicts each sample from a fit without its fold; nil when too few
// are left to fit the family to.
func (f family) heldOut(s []sample, context float64) []float64 {
	folds := min(len(s), mostFolds)
	if len(s) < 3 || len(s)-(len(s)+folds-1)/folds < f.batches {
		return nil
	}
	out := make([]float64, len(s))
	for fold := range folds {
		c := f.fit(without(s, func(i int) bool { return i%folds == fold }), context, nil)
		for i := fold; i < len(s); i += folds {
			out[i] = c.At(s[i].batch)
		}
	}
	return out
}
