package experiment

import (
	"fmt"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/carbon"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// carbonCase is a case with what it is computed from.
type carbonCase struct {
	results.CarbonCase
	grids []engine.Grid  // by pool
	again []*results.Run // of the policies that read the intensity; nil: they are as they were
}

// evaluate fills in the metric of every run, those that were simulated again
// instead of those that were not.
func (c *carbonCase) evaluate(runs []*results.Run) error {
	c.Values, c.Spreads = map[string]map[uint64]float64{}, map[string]map[string]float64{}
	runs = slices.DeleteFunc(slices.Clone(runs), func(r *results.Run) bool { return slices.Contains(c.Resimulated, r.Policy) })
	for _, r := range slices.Concat(runs, c.again) {
		served := r.Metrics["requests_served_total"]
		if served <= 0 {
			continue
		}
		operational, err := grams(r, c)
		if err != nil {
			return err
		}
		if c.Values[r.Policy] == nil {
			c.Values[r.Policy], c.Spreads[r.Policy] = map[uint64]float64{}, map[string]float64{}
		}
		c.Values[r.Policy][r.Seed] = 1e6 * carbon.SCI(operational, r.Metrics["co2e_embodied_grams"], int64(served))
		c.addSpread(c.Spreads[r.Policy], r, 1e6/served)
	}
	for p, by := range c.Spreads {
		for component := range by {
			by[component] /= float64(len(c.Values[p])) // a component is off by the same factor in every run
		}
	}
	return nil
}

// addSpread adds what the figures leave open in a run's emissions, by component,
// times a scale.
func (c *carbonCase) addSpread(to map[string]float64, r *results.Run, scale float64) {
	for _, slot := range r.Energy {
		for pool, by := range slot.Sigma {
			grams := scale * c.PUE * c.grids[pool].IntensityAt(slot.From)
			for component, joules := range by {
				to[component] += float64(units.KWh(joules) * grams)
			}
		}
	}
	for component, sigma := range r.Spread["co2e_embodied_grams"] {
		to[component] += float64(scale * sigma)
	}
}

// grams is the operational g CO2e of a run's energy on the grids of a case:
//
//	Σ over slots and pools  kWh · PUE · CI
func grams(r *results.Run, c *carbonCase) (float64, error) {
	if r.Energy == nil {
		return 0, fmt.Errorf("policy %s, seed %d: the run did not keep its energy over time", r.Policy, r.Seed)
	}
	sum := 0.0
	for _, slot := range r.Energy {
		for pool, joules := range slot.Joules {
			sum += float64(units.KWh(joules*c.PUE) * c.grids[pool].IntensityAt(slot.From))
		}
	}
	return sum, nil
}
