package experiment

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/cost"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/routing"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// deployed is a service of the scenario in one region: to the engine a service of
// its own.
type deployed struct {
	service int
	region  int    // -1 where the scenario has none
	name    string // in results: ranker, or ranker@eu-north where there are several regions
	object  string // of its Kubernetes objects, which may have no @
}

// deploy lists the services by region. Regions go by name: in which order a
// scenario lists them changes nothing.
func (w *world) deploy() {
	regions := w.spec.Regions
	order := make([]int, len(regions))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(regions[a].Name, regions[b].Name) })
	for i, s := range w.spec.Services {
		if len(regions) <= 1 {
			w.deployed = append(w.deployed, deployed{i, len(regions) - 1, s.Name, s.Name})
			continue
		}
		names := w.spec.InRegions(s.Name)
		for _, r := range order {
			w.deployed = append(w.deployed, deployed{i, r, names[r], s.Name + "." + regions[r].Name})
		}
	}
}

// facilities sets what differs between the pools' facilities.
func (w *world) facilities(c *engine.Config) {
	prices := make([]cost.Prices, len(w.pools))
	pues := make([]float64, len(w.pools))
	alike, samePUE := true, true
	for i := range w.pools {
		p := w.spec.PricesOf(i)
		prices[i] = cost.Prices{GPUHour: p.GPUHour, EnergyPerKWh: p.EnergyPerKWh, CarbonPerTonne: p.CarbonPerTonne}
		pues[i] = w.spec.PUEOf(i)
		samePUE = samePUE && pues[i] == pues[0]
		alike = alike && prices[i].EnergyPerKWh == prices[0].EnergyPerKWh && maps.Equal(prices[i].GPUHour, prices[0].GPUHour)
	}
	c.PUE, c.Prices = pues[0], prices[0]
	if !samePUE {
		c.PoolPUE = pues
	}
	if !alike {
		c.PoolPrices = prices
	}
}

// addRouters gives the services that run in several regions their routers, and
// returns which part of its first requests each deployed service gets.
func (w *world) addRouters(c *engine.Config, p *scenario.Policy, on [][]poolService) ([]float64, error) {
	shares := slices.Repeat([]float64{1}, len(w.deployed))
	n := len(w.spec.Regions)
	if n <= 1 {
		return shares, nil
	}
	config := p.Routing
	if config == nil {
		config = scenario.NewRouting()
	}
	for at := 0; at < len(w.deployed); at += n {
		r := w.routed(c, config, at, on)
		_, opening, err := r.NewRouter()
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", r.Name, err)
		}
		copy(shares[at:], opening.Shares)
		c.Routed = append(c.Routed, r)
	}
	for _, d := range w.deployed[:n] {
		region := engine.Region{Name: w.spec.Regions[d.region].Name}
		for k := range w.pools {
			if w.spec.RegionOf(k) == d.region {
				region.Pools = append(region.Pools, k)
			}
		}
		c.Regions = append(c.Regions, region)
	}
	return shares, nil
}

// routed is the service whose regions begin at index at of the deployed ones.
func (w *world) routed(c *engine.Config, rc *scenario.Routing, at int, on [][]poolService) engine.Routed {
	s := &w.spec.Services[w.deployed[at].service]
	out := engine.Routed{Name: s.Name}
	config := routing.Config{
		Kind: rc.Kind, Interval: rc.Interval.D(), Headroom: rc.Headroom, Utilisation: rc.Utilisation, MinAdvantage: rc.MinAdvantage,
		CarbonPerTonne: w.spec.Cost.CarbonPerTonne,
	}
	var regions []routing.Region
	var rooms [][]int
	var intensity []float64
	for i := at; i < at+len(w.spec.Regions); i++ {
		of := w.spec.Regions[w.deployed[i].region]
		m := w.model(s, &c.Services[i], on[i], 1)
		part := engine.RoutedPart{Region: of.Name, Service: i}
		var room []int
		for k, ps := range on[i] {
			if ps.engine.Times != nil {
				part.Pools = append(part.Pools, k)
				room = append(room, w.pools[k].Initial*podsPerNode(w.pools[k].Node, ps))
			}
		}
		region, _ := routing.NewRegion(m, of.Name, of.NetworkLatency.D(), rc.Utilisation)
		regions, rooms = append(regions, region), append(rooms, room)
		intensity = append(intensity, c.Grids[part.Pools[0]].IntensityAt(0))
		config.Weights = append(config.Weights, rc.Weights[of.Name])
		config.EnergyPerKWh = append(config.EnergyPerKWh, m.EnergyPerKWh)
		out.Parts = append(out.Parts, part)
	}
	first := c.Services[at].Curve.Rate(0)
	out.NewRouter = func() (*routing.Router, routing.Decision, error) {
		r, err := routing.New(config, regions)
		if err != nil {
			return nil, routing.Decision{}, err
		}
		return r, r.Open(first, rooms, intensity), nil
	}
	return out
}

// behindNetwork is a service as the scaler of a region sees it: of the promised
// latency the network takes its part. Where nothing is left that a replica could
// keep, the scaler plans without a promise; routers send such a region nothing
// that another can take.
func behindNetwork(m policies.Model, es *engine.Service) policies.Model {
	network := float64(es.Serving.Network) / 1e9
	if network == 0 || m.LatencyTarget == 0 {
		return m
	}
	if _, reachable := routing.NewRegion(m, "", time.Duration(es.Serving.Network), 1); !reachable {
		m.LatencyTarget, m.LatencyQuantile = 0, 0
		return m
	}
	m.LatencyTarget -= network
	return m
}
