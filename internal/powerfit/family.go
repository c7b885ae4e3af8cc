package powerfit

import (
	"fmt"
	"strings"
)

// Curve is watts by batch. It never falls.
type Curve interface {
	// At is the draw in W at a batch of at least 1.
	At(batch float64) float64
	// Params are the numbers that make the curve, in a fixed order.
	Params() []Param
}

// Param is one number of a curve.
type Param struct {
	Name  string
	Unit  string
	Value float64
}

// family is a kind of curve.
type family struct {
	name string
	// batches is how many different ones it takes to fit it.
	batches int
	// fit is the weighted least squares; warm, if there is one, is a curve of
	// nearly the same data to start from.
	fit func(s []sample, context float64, warm Curve) Curve
}

// families in the order in which a tie is settled: the simpler first.
var families = []family{
	{Linear, 2, shapeFit(Linear)},
	{Sqrt, 2, shapeFit(Sqrt)},
	{Cubic, 2, shapeFit(Cubic)},
	{Logistic, 4, fitLogistic},
	{Monotone, 1, fitMonotone},
}

// The families' names.
const (
	Monotone = "monotone" // piecewise linear in log2 of the batch, never falling
	Logistic = "logistic" // b0 + L·σ(k·(log2 b − x0)), the shape that ML.ENERGY fits
	Linear   = "linear"   // idle + slope·load, load = batch over the largest batch measured
	Sqrt     = "sqrt"     // idle + slope·√load
	Cubic    = "cubic"    // idle + slope·load³
)

// Families lists the names.
func Families() []string {
	var names []string
	for _, f := range families {
		names = append(names, f.name)
	}
	return names
}

func findFamily(name string) (family, error) {
	for _, f := range families {
		if f.name == name {
			return f, nil
		}
	}
	return family{}, fmt.Errorf("unknown curve %q: want one of %s", name, strings.Join(Families(), ", "))
}
