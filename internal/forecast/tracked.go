package forecast

import "math"

// point is a model without a notion of its own errors.
type point interface {
	update(y float64)              // takes in the next value, NaN when missing
	ahead(h int) float64           // the forecast h >= 1 steps ahead, of any sign
	unit(forecast float64) float64 // that its errors are measured in
	UsesSeason() bool
	String() string
}

// tracked makes a Forecaster of a point: its quantiles are those of the errors
// that it made at the same horizon.
type tracked struct {
	point
	// pending[h-1] are the forecasts h steps ahead that await their value,
	// oldest first; errors[h-1] what came of the earlier ones.
	pending [][]float64
	errors  []Residuals
}

// track lets p take history in. Errors of the first burnIn values, which
// shaped its initial state, do not count.
func track(p point, history []float64, o Options, burnIn int) *tracked {
	n := max(o.Horizon, 1)
	t := &tracked{point: p, pending: make([][]float64, n), errors: make([]Residuals, n)}
	for i, y := range history {
		t.take(y, i >= burnIn)
	}
	return t
}

// Observe implements Forecaster.
func (t *tracked) Observe(y float64) { t.take(y, true) }

// take takes y in; its errors count when scored.
func (t *tracked) take(y float64, scored bool) {
	for h := range t.pending {
		if queue := t.pending[h]; len(queue) > h {
			if forecast := queue[0]; scored && !math.IsNaN(y) && !math.IsNaN(forecast) {
				t.errors[h].Add((y - forecast) / t.unit(forecast))
			}
			t.pending[h] = append(queue[:0], queue[1:]...)
		}
	}
	t.update(y)
	for h := range t.pending {
		t.pending[h] = append(t.pending[h], t.ahead(h+1))
	}
}

// Forecast implements Forecaster.
func (t *tracked) Forecast(h int) float64 { return max(0, t.ahead(max(h, 1))) }

// Quantile implements Forecaster. Beyond Options.Horizon the errors at that
// horizon are used.
func (t *tracked) Quantile(h int, q float64) float64 {
	point := t.ahead(max(h, 1))
	d := t.errors[min(max(h, 1), len(t.errors))-1].Quantile(q)
	return max(0, point+float64(d*t.unit(point)))
}
