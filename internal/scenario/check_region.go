package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// regions checks that the regions deal out the node pools, and that each of them
// can serve.
func (c *checker) regions(s *Spec) {
	if len(s.Regions) == 0 {
		return
	}
	c.poolsOfRegions(s)
	for i := range s.Regions {
		c.regionPrices(s, i)
		for k := range s.Services {
			c.placeableIn(s, i, k)
		}
	}
	if len(s.Regions) == 1 {
		return
	}
	if s.Regret {
		c.Fail("spec.regret", "is known for one region: no bound is worked out over several", "leave regret out", "spec.regions")
	}
	c.noOracles(s)
}

// poolsOfRegions checks that each pool belongs to exactly one region.
func (c *checker) poolsOfRegions(s *Spec) {
	var names []string
	for _, p := range s.Cluster.NodePools {
		names = append(names, p.Name)
	}
	owner := map[string]string{}
	for i, r := range s.Regions {
		for k, name := range r.NodePools {
			at := fmt.Sprintf("spec.regions[%d].nodePools[%d]", i, k)
			other, twice := owner[name]
			switch {
			case !slices.Contains(names, name):
				c.Fail(at, fmt.Sprintf("there is no node pool %q", name), near(name, names), "spec.cluster.nodePools")
			case twice:
				c.Fail(at, fmt.Sprintf("node pool %s belongs to region %s already", name, other), "name a pool in one region only")
			default:
				owner[name] = r.Name
			}
		}
	}
	for i, p := range s.Cluster.NodePools {
		at := fmt.Sprintf("spec.cluster.nodePools[%d]", i)
		if _, ok := owner[p.Name]; !ok {
			c.Fail(at+".name", fmt.Sprintf("node pool %s belongs to no region", p.Name), "name it in the nodePools of one of spec.regions", "spec.regions")
		}
		if p.CarbonZone != "" {
			c.Fail(at+".carbonZone", "cannot stand beside spec.regions: the grid of a region is that of its pools", "move it to the region's carbonZone")
		}
	}
}

// regionPrices checks that a region's prices replace others.
func (c *checker) regionPrices(s *Spec, i int) {
	for _, model := range slices.Sorted(maps.Keys(s.Regions[i].GPUHour)) {
		if _, ok := s.Cost.GPUHour[model]; !ok {
			c.Fail(fmt.Sprintf("spec.regions[%d].gpuHour.%s", i, model), fmt.Sprintf("spec.cost.gpuHour has no price of %s that this one would replace", model),
				"add it there", "spec.cost.gpuHour")
		}
	}
}

// placeableIn checks that some pool of a region can run a service, if any can.
func (c *checker) placeableIn(s *Spec, region, service int) {
	anywhere, here, owns := false, false, false
	for i := range s.Cluster.NodePools {
		if c.Boards[i].Name == "" || c.Touches(fmt.Sprintf("spec.cluster.nodePools[%d].gpu", i)) {
			return // the pool's own check speaks of it
		}
		owns = owns || s.RegionOf(i) == region
		if s.Services[service].RunsOn(c.Boards[i]) {
			anywhere = true
			here = here || s.RegionOf(i) == region
		}
	}
	if anywhere && owns && !here { // of a region without pools its names are what is wrong
		c.Fail(fmt.Sprintf("spec.regions[%d].nodePools", region), fmt.Sprintf("no node pool of region %s can run service %s", s.Regions[region].Name, s.Services[service].Name),
			"give the region a pool whose GPUs can", "spec.services")
	}
}

// noOracles refuses scalers that are told the future: that of a region's part of
// the requests is the router's to make.
func (c *checker) noOracles(s *Spec) {
	for i, p := range s.Policies {
		refuse := func(sc *Scaler, at string) {
			if kind, err := policies.Find(sc.Kind); err == nil && kind.Oracle != nil && kind.Oracle(sc.Config) {
				c.Fail(at+"."+sc.Kind, "is told the future, and with several regions nobody can tell it: the router decides which requests a region gets",
					"take a scaler without an oracle, or one region")
			}
		}
		at := fmt.Sprintf("spec.policies[%d]", i)
		if p.Scaler != nil {
			refuse(p.Scaler, at+".scaler")
		}
		for _, name := range slices.Sorted(maps.Keys(p.Scalers)) {
			own := p.Scalers[name]
			refuse(&own, at+".scalers."+name)
		}
	}
}

// regionCarbon gives the pools of a region its grid.
func (c *checker) regionCarbon(g Carbon) {
	s := &c.Scenario.Spec
	for i, r := range s.Regions {
		if r.CarbonZone == "" {
			continue
		}
		before := len(c.Errs)
		for pool := range s.Cluster.NodePools {
			if s.RegionOf(pool) == i && len(c.Errs) == before { // one report a region
				c.poolCarbon(pool, r.CarbonZone, g, fmt.Sprintf("spec.regions[%d].carbonZone", i))
			}
		}
	}
}

// routing checks how a policy spreads requests over the regions.
func (c *checker) routing(r *Routing, path string) {
	if r == nil {
		return
	}
	s := &c.Scenario.Spec
	if len(s.Regions) == 0 {
		c.Fail(path, "has a meaning only with spec.regions", "leave it out, or name the regions", "spec.regions")
		return
	}
	if r.Kind == "Cheapest" && !s.priced() {
		c.Fail(path+".kind", "the scenario has no prices: every region costs nothing", "give spec.cost prices, or take another kind", "spec.cost", "spec.regions")
	}
	if r.Kind != "Weighted" {
		c.onlyWith(path, "kind Weighted", choice{"weights", len(r.Weights) > 0})
		return
	}
	var names []string
	for _, region := range s.Regions {
		names = append(names, region.Name)
	}
	sum := 0.0
	for _, name := range slices.Sorted(maps.Keys(r.Weights)) {
		if !slices.Contains(names, name) {
			c.Fail(path+".weights."+name, fmt.Sprintf("there is no region %q", name), near(name, names), "spec.regions")
		}
		sum += r.Weights[name]
	}
	if sum == 0 {
		c.Fail(path+".weights", "gives no region anything", "give one of "+strings.Join(names, ", ")+" a weight above 0")
	}
}
