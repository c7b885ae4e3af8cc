package powerfit

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/kwatt-sim/kwatt/internal/rng"
)

// Confidence of every interval of this package.
const Confidence = 0.95

// resamples of the residuals. With 1,000 the ends of an interval are off by
// about a tenth of its half-width.
const resamples = 1000

// Interval holds the middle and the bounds of a figure.
type Interval struct{ Value, Low, High float64 }

// ParamInterval is a number of the curve with its interval; Low and High are
// NaN where there were too few batches for one.
type ParamInterval struct {
	Param
	Low, High float64
}

// resample is the residual bootstrap (Efron and Tibshirani 1993, chapter 9):
// to the fitted watts come residuals drawn from the pool, and the family is
// fitted again. The residuals are those of held-out batches, which are larger
// than those of the fit itself and so make up for its few degrees of freedom.
// The draws are a function of nothing but the number of batches.
func (f *Fit) resample(s []sample, context float64) {
	for _, p := range f.Curve.Params() {
		f.Params = append(f.Params, ParamInterval{p, math.NaN(), math.NaN()})
	}
	if f.pool == nil {
		return
	}
	kind, _ := findFamily(f.Family) // it was fitted, so it is known
	draws := rng.New(1).Stream("powerfit", f.Family)
	params := make([][]float64, len(f.Params))
	again := slices.Clone(s)
	for range resamples {
		for i := range again {
			again[i].y = f.Residuals[i].Fitted + f.pool[draws.IntN(len(f.pool))]
		}
		c := kind.fit(again, context, f.Curve)
		f.boot = append(f.boot, c)
		for i, p := range c.Params() {
			params[i] = append(params[i], p.Value)
		}
	}
	for i := range f.Params {
		f.Params[i].Low, f.Params[i].High = bounds(params[i])
	}
}

// spread makes few errors stand for what many would look like: less their mean,
// and wider by what that takes away and by Student's quantile over the normal
// one.
func spread(errs []float64) []float64 {
	n := float64(len(errs))
	if n < 2 {
		return nil
	}
	const upper = 1 - (1-Confidence)/2
	wider := math.Sqrt(n/(n-1)) * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(upper) / distuv.UnitNormal.Quantile(upper)
	mean := stat.Mean(errs, nil)
	out := make([]float64, len(errs))
	for i, e := range errs {
		out[i] = wider * (e - mean)
	}
	return out
}

// Mean is the curve at a batch with the interval of the curve: where the mean
// of many readings would lie. ok is false where there is none.
func (f *Fit) Mean(batch float64) (i Interval, ok bool) { return f.interval(batch, []float64{0}) }

// Predict is the curve at a batch with the interval for one more reading,
// whose batch was not among the measured ones. ok is false where there is none.
func (f *Fit) Predict(batch float64) (i Interval, ok bool) { return f.interval(batch, f.pool) }

func (f *Fit) interval(batch float64, noise []float64) (Interval, bool) {
	i := Interval{Value: f.Curve.At(batch), Low: math.NaN(), High: math.NaN()}
	if len(f.boot) == 0 {
		return i, false
	}
	values := make([]float64, 0, len(f.boot)*len(noise))
	for _, c := range f.boot {
		at := c.At(batch)
		for _, e := range noise {
			values = append(values, at+e)
		}
	}
	i.Low, i.High = bounds(values)
	return i, true
}

// bounds are the quantiles of the values that leave out (1 − Confidence) / 2 on
// either side.
func bounds(values []float64) (low, high float64) {
	slices.Sort(values)
	const tail = (1 - Confidence) / 2
	return stat.Quantile(tail, stat.LinInterp, values, nil), stat.Quantile(1-tail, stat.LinInterp, values, nil)
}
