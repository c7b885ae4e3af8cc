package routing

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
)

// The kinds of routers.
const (
	Nearest  = "Nearest"  // shortest network round trip first
	Weighted = "Weighted" // fixed shares
	Cheapest = "Cheapest" // least money per request first
	Green    = "Green"    // least operational CO2e per request first
)

// Config is how a router decides.
type Config struct {
	Kind     string
	Interval time.Duration // between two decisions
	// Headroom is the part beyond its ready replicas' rate to which a region is
	// filled, so that its scaler sees demand to grow by.
	Headroom float64
	// Utilisation is the part of saturation that a replica is loaded to at most.
	Utilisation float64
	// MinAdvantage is the part by which a region must beat the one before it in the
	// order to take its place: an order that changes back and forth only moves
	// replicas.
	MinAdvantage   float64
	Weights        []float64 // of Weighted, by region
	EnergyPerKWh   []float64 // prices, by region
	CarbonPerTonne float64   // price of a tonne of CO2e
}

// Region is what a router may know of a service in a region before the run.
type Region struct {
	Name    string
	Network time.Duration // round trip between the users and the region
	PUE     float64
	Pools   []Pool
}

// Pool is one of the region's node pools that can run the service.
type Pool struct {
	// Rate is what a replica may get in req/s while its predicted latency and the
	// network keep the SLO; 0 when none does.
	Rate float64
	// Joules that the nodes draw for a request at that rate, on full nodes, base and
	// idle watts included: what a node more for that many requests would draw.
	Joules float64
	// Money is the price of the nodes for a request at that rate.
	Money float64
}

// NewRegion works out what replicas of a service serve in a region. Of m the
// latency target is that of the service: the network's part of it is taken off
// here. Reachable is false when no replica keeps what is left.
func NewRegion(m policies.Model, name string, network time.Duration, utilisation float64) (r Region, reachable bool) {
	r = Region{Name: name, Network: network, PUE: m.PUE, Pools: make([]Pool, len(m.Pools))}
	if m.LatencyTarget > 0 {
		if m.LatencyTarget -= network.Seconds(); m.LatencyTarget <= 0 {
			return r, false
		}
	}
	rates, err := capacity.Rates(m, utilisation)
	if err != nil { // no pool keeps it
		return r, false
	}
	for i, p := range m.Pools {
		if rates[i] == 0 {
			continue
		}
		alone := m
		alone.Pools = m.Pools[i : i+1]
		draws := make([]capacity.Draw, 1)
		full := float64(p.PodsPerNode) * rates[i] // of a node, req/s
		capacity.NewSearch(alone, rates[i:i+1]).Draws(p.PodsPerNode, full, draws)
		r.Pools[i] = Pool{Rate: rates[i], Joules: draws[0].Watts / full, Money: p.NodeHour / 3600 / full}
	}
	return r, true
}

// check returns an error for a configuration that decides nothing.
func (c Config) check(regions []Region) error {
	switch {
	case len(regions) == 0:
		return fmt.Errorf("routing: no region")
	case !slices.Contains([]string{Nearest, Weighted, Cheapest, Green}, c.Kind):
		return fmt.Errorf("routing: unknown kind %q", c.Kind)
	case c.Interval <= 0:
		return fmt.Errorf("routing: an interval of %v", c.Interval)
	case c.Kind == Cheapest && len(c.EnergyPerKWh) != len(regions):
		return fmt.Errorf("routing: %d tariffs for %d regions", len(c.EnergyPerKWh), len(regions))
	case c.Kind != Weighted:
		return nil
	case len(c.Weights) != len(regions):
		return fmt.Errorf("routing: %d weights for %d regions", len(c.Weights), len(regions))
	}
	sum := 0.0
	for _, w := range c.Weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("routing: a weight of %v", w)
		}
		sum += w
	}
	if !(sum > 0) {
		return fmt.Errorf("routing: weights that add up to %v", sum)
	}
	return nil
}
