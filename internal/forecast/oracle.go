package forecast

import (
	"errors"
	"math"
)

// oracle says what will be, as it was told.
type oracle struct {
	future Future
	at     int     // steps observed since the fit
	last   float64 // what it says where nobody knows
}

func fitOracle(history []float64, o Options) (Forecaster, error) {
	if o.Future == nil {
		return nil, errors.New("fit forecast: perfect foresight is for oracles, and nobody told it the future")
	}
	return &oracle{future: o.Future, last: lastKnown(history)}, nil
}

func (p *oracle) Observe(y float64) {
	p.at++
	if !math.IsNaN(y) {
		p.last = y
	}
}

func (p *oracle) Forecast(h int) float64 {
	if y := p.future(p.at + max(h, 1) - 1); !math.IsNaN(y) {
		return max(0, y)
	}
	return max(0, p.last)
}

func (p *oracle) Quantile(h int, _ float64) float64 { return p.Forecast(h) }
func (p *oracle) String() string                    { return "perfect foresight" }

// lastKnown returns the last value that is not missing, 0 when all are.
func lastKnown(v []float64) float64 {
	for i := len(v) - 1; i >= 0; i-- {
		if !math.IsNaN(v[i]) {
			return v[i]
		}
	}
	return 0
}
