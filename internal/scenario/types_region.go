package scenario

import (
	"maps"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/units"
)

// Region is a cluster of its own: its pods run on its pools alone, its scalers see
// its own telemetry.
type Region struct {
	// Name of the region: lower-case letters, digits and dashes. A service in it is
	// called service@region.
	Name string `yaml:"name" kwatt:"required,name"`
	// NodePools are the names of the region's pools in spec.cluster; each pool
	// belongs to exactly one region.
	NodePools []string `yaml:"nodePools" kwatt:"required,minItems=1"`
	// CarbonZone is the grid that feeds the region, a builtin zone, of the year and
	// signal of spec.carbon; that of spec.carbon when unset.
	CarbonZone string `yaml:"carbonZone,omitempty"`
	// PUE of the region's facility; that of spec.carbon when unset.
	PUE *float64 `yaml:"pue,omitempty" kwatt:"min=1,max=10"`
	// NetworkLatency is the round trip between the users and the region. It is part
	// of the latency that clients see.
	NetworkLatency units.Duration `yaml:"networkLatency" kwatt:"default=0s,min=0,max=10s"`
	// GPUHour replaces prices of spec.cost here: of an hour of a powered GPU, by model.
	GPUHour map[string]float64 `yaml:"gpuHour,omitempty" kwatt:"min=0,max=1e6"`
	// EnergyPerKWh is the tariff of facility energy here; that of spec.cost when unset.
	EnergyPerKWh *float64 `yaml:"energyPerKWh,omitempty" kwatt:"min=0,max=1e6"`
}

// Routing is how requests are spread over the regions.
type Routing struct {
	// Kind: Nearest (shortest network round trip first), Weighted (fixed shares),
	// Cheapest (least money per request first) or Green (least operational CO2e per
	// request first). But for Weighted, a region takes what its ready replicas serve
	// within the SLO, network included, and the next one takes what is over.
	Kind string `yaml:"kind" kwatt:"default=Nearest,enum=Nearest|Weighted|Cheapest|Green"`
	// Interval between two decisions.
	Interval units.Duration `yaml:"interval" kwatt:"default=1m,min=1s,max=24h"`
	// Headroom is the part beyond its ready replicas to which a region is filled, so
	// that its scaler sees demand to grow by.
	Headroom float64 `yaml:"headroom" kwatt:"default=0.1,min=0,max=2"`
	// Utilisation is the part of saturation to which a router loads a replica at most.
	Utilisation float64 `yaml:"utilisation" kwatt:"default=0.8,exclusiveMin=0,max=1"`
	// MinAdvantage is the part by which a region must be cleaner or cheaper than the
	// one before it to take its place.
	MinAdvantage float64 `yaml:"minAdvantage" kwatt:"default=0.05,min=0,max=1"`
	// Weights of Weighted, by region; a region that is left out gets nothing.
	Weights map[string]float64 `yaml:"weights,omitempty" kwatt:"min=0,max=1e6"`
}

// NewRouting is what a policy has that says nothing of routing.
func NewRouting() *Routing {
	return &Routing{Kind: "Nearest", Interval: units.Duration(time.Minute), Headroom: 0.1, Utilisation: 0.8, MinAdvantage: 0.05}
}

// InRegions are the names that results have for a service in each region; none
// where there are not several.
func (s *Spec) InRegions(service string) []string {
	if len(s.Regions) <= 1 {
		return nil
	}
	var names []string
	for _, r := range s.Regions {
		names = append(names, service+"@"+r.Name)
	}
	return names
}

// RegionOf is the index of the region that a node pool belongs to; -1 where the
// scenario has none.
func (s *Spec) RegionOf(pool int) int {
	name := s.Cluster.NodePools[pool].Name
	return slices.IndexFunc(s.Regions, func(r Region) bool { return slices.Contains(r.NodePools, name) })
}

// PUEOf is the PUE of a node pool's facility.
func (s *Spec) PUEOf(pool int) float64 {
	if i := s.RegionOf(pool); i >= 0 && s.Regions[i].PUE != nil {
		return *s.Regions[i].PUE
	}
	return s.Carbon.PUE
}

// PricesOf are the prices that hold for a node pool.
func (s *Spec) PricesOf(pool int) Cost {
	prices := s.Cost
	i := s.RegionOf(pool)
	if i < 0 {
		return prices
	}
	r := s.Regions[i]
	if r.EnergyPerKWh != nil {
		prices.EnergyPerKWh = *r.EnergyPerKWh
	}
	if len(r.GPUHour) > 0 {
		prices.GPUHour = maps.Clone(s.Cost.GPUHour)
		maps.Copy(prices.GPUHour, r.GPUHour)
	}
	return prices
}
