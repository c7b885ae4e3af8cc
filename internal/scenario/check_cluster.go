package scenario

import (
	"fmt"
	"maps"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/powermodel"
)

func (c *checker) nodePool(i int) {
	p := &c.Scenario.Spec.Cluster.NodePools[i]
	path := fmt.Sprintf("spec.cluster.nodePools[%d]", i)
	c.poolObjects(i, p)
	n, nodes := p.Nodes, path+".nodes"
	most, atMost := p.Nodes.MaxNodes(), nodes+".max"
	if n.Max == nil {
		atMost = nodes + ".initial"
	}
	switch {
	case n.Initial > most:
		c.Fail(nodes+".initial", fmt.Sprintf("%d is more than max, %d", n.Initial, most), "raise max", nodes+".max")
	case n.Initial < n.Min:
		c.Fail(nodes+".initial", fmt.Sprintf("%d is less than min, %d", n.Initial, n.Min), "min nodes are always on: start with as many", nodes+".min")
	case most == 0:
		c.Fail(atMost, "the pool could never have a node", "set max, or drop the pool", nodes+".initial")
	}
}

func (c *checker) gpuModel(name, path string) {
	if _, err := powermodel.Lookup(name); err != nil {
		c.Fail(path, fmt.Sprintf("there is no GPU %q in the catalogue", name), near(name, gpuModels()))
	}
}

func gpuModels() []string {
	var names []string
	for _, g := range powermodel.Catalogue() {
		names = append(names, g.Name)
	}
	return names
}

// MaxNodes is how many nodes the pool can have.
func (n PoolNodes) MaxNodes() int {
	if n.Max == nil {
		return n.Initial
	}
	return *n.Max
}

func (c *checker) cost(s *Spec) {
	const path = "spec.cost.gpuHour"
	if len(s.Cost.GPUHour) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.Cost.GPUHour)) {
		if !slices.ContainsFunc(s.Cluster.NodePools, func(p NodePool) bool { return p.GPU.Model == name }) { // else the pool's own check speaks of it
			c.gpuModel(name, path+"."+name)
		}
	}
	priced := map[string]bool{}
	for i, p := range s.Cluster.NodePools {
		at := fmt.Sprintf("spec.cluster.nodePools[%d]", i)
		if _, ok := s.Cost.GPUHour[p.GPU.Model]; !ok && !priced[p.GPU.Model] {
			priced[p.GPU.Model] = true // one report a model
			c.Fail(path, fmt.Sprintf("has no price for %s of node pool %s", p.GPU.Model, p.Name), fmt.Sprintf("add %s, 0 if it is free", p.GPU.Model), at+".gpu.model")
		}
	}
}
