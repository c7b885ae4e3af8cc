package results

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// The uncertainty of the power figures is not that of the seeds: the same board
// is wrong by the same factor in every run. So it is averaged over the seeds
// component by component, and only then are the components put together.

// coverage is how many standard uncertainties make an interval of Confidence.
var coverage = distuv.UnitNormal.Quantile(1 - (1-Confidence)/2)

// spread is the standard uncertainty of a policy's metrics by component.
type spread map[string]map[string]float64

// powerUncertainty gives the policy's metrics the interval of the power figures
// they rest on, lists what the energy was drawn for, and returns the
// uncertainties by component, means over the runs.
func (p *PolicySummary) powerUncertainty(runs []*Run) spread {
	out := spread{}
	n := float64(len(runs))
	energy := map[string]float64{}
	for _, r := range runs {
		for metric, by := range r.Spread {
			if out[metric] == nil {
				out[metric] = map[string]float64{}
			}
			for component, sigma := range by {
				out[metric][component] += sigma / n
			}
		}
		for component, kWh := range r.EnergyByComponent {
			energy[component] += kWh / n
		}
	}
	for metric, by := range out {
		e, ok := p.Metrics[metric]
		if !ok {
			continue
		}
		half := coverage * together(by)
		e.ModelLow, e.ModelHigh = e.Mean-half, e.Mean+half
		p.Metrics[metric] = e.rounded()
	}
	total := p.Metrics["energy_kwh"].Mean
	if total <= 0 {
		return out
	}
	for _, name := range slices.Sorted(maps.Keys(energy)) {
		p.EnergyByComponent = append(p.EnergyByComponent, Component{name, energy[name] / total, math.Abs(out["energy_kwh"][name]) / total})
	}
	slices.SortStableFunc(p.EnergyByComponent, func(a, b Component) int { return cmp.Compare(b.Uncertainty, a.Uncertainty) })
	return out
}

// together is the standard uncertainty of a sum of independent components.
func together(by map[string]float64) float64 {
	sum := 0.0
	for _, component := range slices.Sorted(maps.Keys(by)) {
		sum += float64(by[component] * by[component])
	}
	return math.Sqrt(sum)
}

// compareUncertainty gives the comparisons the interval of the power figures.
func (s *Summary) compareUncertainty(spreads map[string]spread) {
	means := map[string]map[string]Estimate{}
	for _, p := range s.Policies {
		means[p.Name] = p.Metrics
	}
	for i := range s.Comparisons {
		c := &s.Comparisons[i]
		a, b := spreads[c.Base][c.Metric], spreads[c.Policy][c.Metric]
		x, y := means[c.Base][c.Metric].Mean, means[c.Policy][c.Metric].Mean
		if a == nil || b == nil || x == 0 || y == 0 {
			continue
		}
		half := ratioUncertainty(a, b, x, y)
		c.ModelLow, c.ModelHigh = Round(c.DeltaRatio-half), Round(c.DeltaRatio+half)
	}
}

// ratioUncertainty is half the interval of y/x whose components leave a in x and b
// in y. With a ratio R = y/x and a component that leaves σ_x and σ_y in them, R is
// off by R·(σ_y/y − σ_x/x): what is in both in the same proportion cancels.
func ratioUncertainty(a, b map[string]float64, x, y float64) float64 {
	apart := map[string]float64{}
	for component, sigma := range a {
		apart[component] = -sigma / x
	}
	for component, sigma := range b {
		apart[component] += sigma / y
	}
	return coverage * y / x * together(apart)
}
