package powerfile

import (
	"math"
	"slices"
	"strconv"

	"github.com/kwatt-sim/kwatt/internal/powerfit"
)

// Model makes a model of the readings and of what was fitted to them. The curve
// becomes points: at the batches that were read for the monotone one, at every
// doubling for the others.
func (r *Readings) Model(name, gpu string, fit *powerfit.Result) (*Model, error) {
	m := &Model{APIVersion: APIVersion, Kind: Kind, Metadata: Metadata{Name: name}}
	m.Spec = Spec{
		GPU: gpu, Source: r.Source, CapWatts: r.CapWatts, Bare: r.Bare, Context: r.Context, CapSweep: r.Caps, ClockSweep: r.Clocks,
		Fit: described(fit, r.File),
	}
	for _, b := range r.batches(fit.Chosen.Family) {
		m.Spec.Busy = append(m.Spec.Busy, r.busy(b, fit.Chosen))
	}
	for i := 1; i < len(m.Spec.Busy); i++ { // rounding must not make it fall
		m.Spec.Busy[i].Watts.Watts = max(m.Spec.Busy[i].Watts.Watts, m.Spec.Busy[i-1].Watts.Watts)
	}
	if missing := m.missing(); len(missing) > 0 {
		return m, nil // Read says what is missing, when somebody has filled in what he knows
	}
	_, err := m.GPU()
	return m, err
}

// batches are those at which the model states the curve.
func (r *Readings) batches(family string) []int {
	var read []int
	for _, p := range r.Data.Points {
		read = append(read, max(1, int(math.Round(p.Batch))))
	}
	slices.Sort(read)
	read = slices.Compact(read)
	if family == powerfit.Monotone {
		return read
	}
	out := []int{read[0]}
	for b := 1; b < read[len(read)-1]; b *= 2 {
		if b > read[0] {
			out = append(out, b)
		}
	}
	return slices.Compact(append(out, read[len(read)-1]))
}

// busy is the model's figure at a batch: what a board of this kind would draw
// under a batch that nobody measured, as uncertain as the fit, the sensor and,
// for a kernel that is no model, the difference between loads make it.
func (r *Readings) busy(batch int, f *powerfit.Fit) BusyWatts {
	watts := f.Curve.At(float64(batch))
	b := BusyWatts{Batch: batch}
	if i, ok := f.Predict(float64(batch)); ok {
		u := math.Hypot((i.High-i.Low)/2/1.96/watts, sensorSpread)
		if r.Synthetic {
			u = math.Hypot(u, workloadSpread)
		}
		u = significant(u, 2)
		b.Uncertainty = &u
	}
	if r.CapWatts != nil {
		watts = min(watts, *r.CapWatts) // a sensor reads a little more than the cap at times
	}
	b.Watts.Watts = significant(watts, 4)
	return b
}

func described(fit *powerfit.Result, file string) *Fit {
	f := fit.Chosen
	d := &Fit{Curve: f.Family, Batches: fit.Batches, Readings: file}
	for _, p := range f.Params {
		q := Parameter{Name: p.Name, Unit: p.Unit, Value: significant(p.Value, 5)}
		if !math.IsNaN(p.Low) {
			low, high := significant(p.Low, 5), significant(p.High, 5)
			q.Low, q.High = &low, &high
		}
		d.Parameters = append(d.Parameters, q)
	}
	if f.HeldOut.N > 0 {
		d.HeldOut = &HeldOut{Batches: f.HeldOut.N, RMSE: significant(f.HeldOut.RMSE, 3), MAPE: significant(f.HeldOut.MAPE, 3)}
	}
	return d
}

// significant rounds to so many significant digits.
func significant(v float64, digits int) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64) // it was printed by us
	return r
}
