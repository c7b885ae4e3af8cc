package engine

import (
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// kind is what a joule was drawn for. The figures behind one kind on one GPU
// model are taken to be wrong together, those of two kinds independently.
type kind uint8

const (
	kindBusy kind = iota
	kindContext
	kindBare
	kindBase
	kindHost
	kindBoot
	kindSleep
	kinds // their number
)

var kindNames = [kinds]string{"busy", "context", "bare", "base", "host", "boot", "sleep"}

// componentName is that of one kind on a GPU model.
func componentName(gpu string, k kind) string { return gpu + " " + kindNames[k] }

// tally is one kind of energy on one pool.
type tally struct {
	joules float64
	sigma  float64 // standard uncertainty of joules, J: Σ joules · relative uncertainty
	// followed is what the host's share is off by when the kind is: the host adds
	// to the GPUs' watts above bare, so it falls with the bare watts.
	followed   float64
	seen       float64 // sigma and followed when emit last looked
	gramsSigma float64 // of the facility's operational g CO2e
}

// hostFollows books what the host's share is off by when these joules of a
// device are.
func (m *meter) hostFollows(at int, pool *powermodel.Node, k kind, joules, rel float64) {
	m.parts[at][k].followed += float64(pool.HostPerWatt.Value * joules * rel)
}

// uncertainty is that of the busy watts of a batch.
func (s LimitService) uncertainty(batch int) float64 {
	if s.Rel == nil {
		return powermodel.GradeUncertainty(s.Grades[batch])
	}
	return s.Rel[batch]
}

// emit turns the uncertainty that came up since the last call into grams.
func (m *meter) emit(pool int, intensity float64) {
	for k := range m.parts[pool] {
		p := &m.parts[pool][k]
		sigma := p.sigma + p.followed
		p.gramsSigma += float64(units.KWh((sigma-p.seen)*m.w.cfg.pueOf(pool)) * intensity)
		p.seen = sigma
	}
}

// spread is the standard uncertainty of a metric by the component of energy or
// of embodied carbon that it comes from, negative where the metric falls when
// the figures rise. Components are independent of each other, and one is wrong
// by the same factor in every run.
type spread map[string]map[string]float64

func (s spread) add(metric, component string, sigma float64) {
	if sigma == 0 {
		return
	}
	if s[metric] == nil {
		s[metric] = map[string]float64{}
	}
	s[metric][component] += sigma
}

// spread carries the uncertainty of the power figures, and of those of embodied
// carbon, through to the metrics, all of which are linear in the figures: it is
// exact, not a first order.
func (w *world) spread(served float64) spread {
	out := spread{}
	add := func(pool int, component string, facilityJoules, grams float64) {
		prices := w.cfg.pricesOf(pool)
		kWh := units.KWh(facilityJoules)
		out.add("energy_kwh", component, kWh)
		out.add("co2e_grams", component, grams)
		cost := float64(kWh*prices.EnergyPerKWh) + float64(grams*prices.CarbonPerTonne/1e6)
		out.add("cost_usd", component, cost)
		if served > 0 {
			out.add("joules_per_request", component, facilityJoules/served)
			out.add("co2e_grams_per_million_requests", component, 1e6*grams/served)
			out.add("cost_usd_per_million_requests", component, 1e6*cost/served)
		}
	}
	for i, pool := range w.cfg.Cluster.Pools {
		for k, p := range w.meter.parts[i] {
			component := componentName(pool.Node.GPU.Name, kind(k))
			if kind(k) <= kindBare {
				out.add("energy_gpu_kwh", component, units.KWh(p.sigma))
			}
			if kind(k) == kindContext || kind(k) == kindBare {
				out.add("energy_idle_kwh", component, units.KWh(p.sigma))
			}
			node := p.sigma + p.followed
			out.add("energy_node_kwh", component, units.KWh(node))
			out.add("co2e_operational_grams", component, p.gramsSigma)
			add(i, component, node*w.cfg.pueOf(i), p.gramsSigma)
		}
		component := pool.Node.GPU.Name + " embodied"
		embodied := w.embodiedOf(i) * pool.Node.EmbodiedUncertainty()
		out.add("co2e_embodied_grams", component, embodied)
		add(i, component, 0, embodied)
	}
	return out
}

// components is the facility's kWh by component, all pools of a GPU model together.
func (w *world) components() map[string]float64 {
	out := map[string]float64{}
	for i, pool := range w.cfg.Cluster.Pools {
		for k, p := range w.meter.parts[i] {
			if p.joules != 0 {
				out[componentName(pool.Node.GPU.Name, kind(k))] += units.KWh(p.joules * w.cfg.pueOf(i))
			}
		}
	}
	return out
}
