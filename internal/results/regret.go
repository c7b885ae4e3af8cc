package results

import (
	"errors"
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/stats"
)

// Bound is something that no policy is expected to beat, run with the same
// seeds: an oracle's plan, or the best fleet that never changes.
type Bound struct {
	Name string `json:"name"` // least-energy, least-carbon, least-cost, best-static
	// Metric is the one that it has the least of; "" for one that policies are
	// held against in every way.
	Metric string `json:"metric,omitempty"`
	What   string `json:"what"` // a sentence for people
	// Missing says why there is no such bound; the rest is then empty.
	Missing      string              `json:"missing,omitempty"`
	Metrics      map[string]Estimate `json:"metrics,omitempty"`
	Replications []Replication       `json:"replications,omitempty"`
}

// Regret is how much more of a metric a policy needs than a bound.
type Regret struct {
	Bound  string  `json:"bound"`
	Metric string  `json:"metric"`
	Ratio  float64 `json:"ratio"` // mean paired difference / mean of the bound; below 0: less than the bound
	CILow  float64 `json:"ciLow"`
	CIHigh float64 `json:"ciHigh"`
}

// PolicyRegret is a policy's regrets, and in how many of its seeds it kept every
// latency SLO over the window, as the bounds do in all. One that did not may
// well need less than a bound.
type PolicyRegret struct {
	Policy  string   `json:"policy"`
	SLOKept int      `json:"sloKept"` // seeds
	Seeds   int      `json:"seeds"`
	Regrets []Regret `json:"regrets"`
}

// RegretReport holds policies against bounds.
type RegretReport struct {
	Bounds   []Bound        `json:"bounds"`
	Policies []PolicyRegret `json:"policies"`
}

// RegretMetrics are those that policies are held against bounds in.
func RegretMetrics() []string { return []string{"energy_kwh", "co2e_grams", "cost_usd"} }

// SLOs are the services' latency promises: the least slo_attainment_ratio by
// service.
type SLOs map[string]float64

// Kept reports whether a run kept the promise of a service over the window. One
// without requests is kept.
func (s SLOs) Kept(r *Run, service string) bool {
	least, promised := s[service]
	got, served := r.Services[service]["slo_attainment_ratio"]
	return !promised || !served || got >= least
}

// AllKept reports whether a run kept every promise.
func (s SLOs) AllKept(r *Run) bool {
	for service := range s { // the order does not matter
		if !s.Kept(r, service) {
			return false
		}
	}
	return true
}

// NewBound makes a bound of its runs.
func NewBound(name, metric, what string, runs []*Run) (Bound, error) {
	groups, err := sortRuns(runs, []string{name})
	if err != nil {
		return Bound{}, fmt.Errorf("bound %s: %w", name, err)
	}
	p, err := summarisePolicy(groups[0])
	if err != nil {
		return Bound{}, fmt.Errorf("bound %s: %w", name, err)
	}
	return Bound{Name: name, Metric: metric, What: what, Metrics: p.Metrics, Replications: p.Replications}, nil
}

// AddRegret holds the summary's policies against bounds.
func (s *Summary) AddRegret(runs []*Run, bounds []Bound, slos SLOs) error {
	report := &RegretReport{Bounds: bounds, Policies: []PolicyRegret{}}
	for _, p := range s.Policies {
		pr := PolicyRegret{Policy: p.Name, Seeds: len(p.Replications), Regrets: []Regret{}}
		for _, r := range runs {
			if r.Policy == p.Name && slos.AllKept(r) {
				pr.SLOKept++
			}
		}
		for _, b := range bounds {
			more, err := regretsOf(p, b)
			if err != nil {
				return fmt.Errorf("regret of %s against %s: %w", p.Name, b.Name, err)
			}
			pr.Regrets = append(pr.Regrets, more...)
		}
		report.Policies = append(report.Policies, pr)
	}
	s.Regret = report
	return nil
}

// regretsOf is p against b in b's own metric, or in all; a metric that the bound
// has none of has no ratio and is left out.
func regretsOf(p PolicySummary, b Bound) ([]Regret, error) {
	var out []Regret
	for _, metric := range RegretMetrics() {
		if b.Missing != "" || b.Metric != "" && b.Metric != metric {
			continue
		}
		var base, own []float64
		for _, pair := range pairs(PolicySummary{Replications: b.Replications}, p) {
			x, okBase := pair[0].Metrics[metric]
			y, okOwn := pair[1].Metrics[metric]
			if okBase && okOwn {
				base, own = append(base, x), append(own, y)
			}
		}
		if len(base) == 0 {
			continue
		}
		c, err := stats.Compare(base, own, Confidence)
		if errors.Is(err, stats.ErrZeroBase) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", metric, err)
		}
		out = append(out, Regret{Bound: b.Name, Metric: metric, Ratio: Round(c.Ratio.Mean), CILow: Round(c.Ratio.Low), CIHigh: Round(c.Ratio.High)})
	}
	return out, nil
}
