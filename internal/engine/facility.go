package engine

import (
	"github.com/kwatt-sim/kwatt/internal/cost"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// Facilities have a PUE and prices each. Where all pools are in the same, or in
// alike ones, sums over the cluster are multiplied once.

// pueOf is the PUE of the pool's facility.
func (c *Config) pueOf(pool int) float64 {
	if c.PoolPUE != nil {
		return c.PoolPUE[pool]
	}
	return c.PUE
}

// pueAt is the PUE of the pools that can run a service.
func (c *Config) pueAt(s *Service) float64 {
	for k, on := range s.Pools {
		if on.Times != nil {
			return c.pueOf(k)
		}
	}
	return c.PUE
}

// pricesOf are the prices of a pool.
func (c *Config) pricesOf(pool int) cost.Prices {
	if c.PoolPrices != nil {
		return c.PoolPrices[pool]
	}
	return c.Prices
}

// facility is the joules at the facilities' meters.
func (m *meter) facility() float64 {
	d := m.drawn()
	return d.node * d.pue
}

// drawn is the joules since the start: all, and by what they were drawn for. They
// are those of the nodes where one PUE holds for all, which is then still to be
// multiplied by; else they are those of the facilities, and pue is 1.
type drawn struct {
	node  float64
	parts [kinds]float64
	pue   float64
}

func (m *meter) drawn() drawn {
	c := m.w.cfg
	d := drawn{node: m.node, pue: c.PUE}
	if c.PoolPUE != nil {
		d.node, d.pue = 0, 1
		for pool, joules := range m.byPool {
			d.node += float64(joules * c.PoolPUE[pool])
		}
	}
	for pool := range m.parts {
		for k, p := range m.parts[pool] {
			joules := p.joules
			if c.PoolPUE != nil {
				joules *= c.PoolPUE[pool]
			}
			d.parts[k] += joules
		}
	}
	return d
}

// unattributedFacility is the joules at the meters that no service answers for.
func (m *meter) unattributedFacility() float64 {
	c := m.w.cfg
	if c.PoolPUE == nil {
		return m.unattributed * c.PUE
	}
	left := m.facility()
	for _, s := range m.w.services {
		left -= float64(s.joules * c.pueAt(s.cfg))
	}
	return max(left, 0) // rounding
}

// bill is what it all costs; false where nothing has a price.
func (w *world) bill(facilityJoules, embodiedGrams float64) (total float64, priced bool) {
	if w.cfg.PoolPrices == nil {
		p := w.cfg.Prices
		return p.Bill(w.gpuHours(), units.KWh(facilityJoules), w.meter.grams+embodiedGrams).Total, hasPrices(p)
	}
	for i, p := range w.cfg.PoolPrices {
		hours := map[string]float64{w.cfg.Cluster.Pools[i].Node.GPU.Name: w.meter.gpuOnByPool[i] / 3600}
		kWh := units.KWh(w.meter.byPool[i] * w.cfg.pueOf(i))
		total += p.Bill(hours, kWh, w.meter.gramsByPool[i]+w.embodiedOf(i)).Total
		priced = priced || hasPrices(p)
	}
	return total, priced
}

func hasPrices(p cost.Prices) bool {
	return len(p.GPUHour) > 0 || p.EnergyPerKWh > 0 || p.CarbonPerTonne > 0
}
