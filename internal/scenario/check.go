package scenario

import (
	"fmt"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/carbon"
	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/schema"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// checker looks for what the structure alone cannot tell is wrong.
type checker struct {
	*File
	open Open
	schema.Faults
}

// all runs every check.
func (c *checker) all() {
	s := &c.Scenario.Spec
	c.Traces = make([]*workload.Trace, len(s.Services))
	c.Curves = make([]*workload.Curve, len(s.Services))
	c.Pods = make([]*scheduler.PodTemplate, len(s.Services))
	c.Schedulers = make([]*scheduler.Configuration, len(s.Policies))
	c.PoolClocks = make([]*carbon.Clock, len(s.Cluster.NodePools))
	c.uniqueNames(s)
	c.Boards = make([]powermodel.GPU, len(s.Cluster.NodePools))
	for i := range s.Services {
		c.service(i)
	}
	for i := range s.Cluster.NodePools {
		c.board(i)
	}
	for i := range s.Services {
		c.placeable(&s.Services[i], fmt.Sprintf("spec.services[%d]", i))
	}
	c.regions(s)
	c.telemetry(s.Telemetry)
	for i := range s.Cluster.NodePools {
		c.nodePool(i)
	}
	c.carbon(s.Carbon)
	c.cost(s)
	for i := range s.Policies {
		c.policy(i)
	}
	c.regret(s)
}

// regret needs promises that a bound can keep.
func (c *checker) regret(s *Spec) {
	for i, service := range s.Services {
		if _, _, ok := service.SLO.Latency.Target(); s.Regret && !ok {
			at := fmt.Sprintf("spec.services[%d].slo.latency", i)
			c.Fail("spec.regret", "service "+service.Name+" promises no latency, so nothing bounds how few replicas are enough",
				"state "+at+", or leave regret out", at)
		}
	}
}

// choice is a field of which a rule counts whether it is set.
type choice struct {
	name string
	set  bool
}

// chosen returns the names that are set, and all names.
func chosen(choices []choice) (set, all []string) {
	for _, o := range choices {
		all = append(all, o.name)
		if o.set {
			set = append(set, o.name)
		}
	}
	return set, all
}

// exactlyOne reports whether one of the choices below path is set, and says so
// when it is not.
func (c *checker) exactlyOne(path string, choices ...choice) bool {
	set, all := chosen(choices)
	if len(set) == 0 {
		c.Fail(path, "wants exactly one of "+strings.Join(all, ", ")+", has none", "")
		return false
	}
	return c.atMostOne(path, choices...)
}

// atMostOne reports whether no two of the choices below path are set.
func (c *checker) atMostOne(path string, choices ...choice) bool {
	set, _ := chosen(choices)
	if len(set) > 1 {
		c.Fail(path+"."+set[1], "cannot stand beside "+set[0], "keep one of "+strings.Join(set, ", "))
	}
	return len(set) <= 1
}

// onlyWith reports fields that are set though what they belong to is not.
func (c *checker) onlyWith(path, owner string, choices ...choice) {
	set, _ := chosen(choices)
	for _, name := range set {
		c.Fail(path+"."+name, "has a meaning only with "+owner, "leave it out")
	}
}

// uniqueNames reports names that are given twice.
func (c *checker) uniqueNames(s *Spec) {
	check := func(path string, n int, name func(int) string) {
		first := map[string]int{}
		for i := range n {
			at := fmt.Sprintf("%s[%d].name", path, i)
			if j, twice := first[name(i)]; twice && name(i) != "" {
				c.Fail(at, fmt.Sprintf("%s is already the name of %s[%d]", name(i), path, j), "")
				continue
			}
			first[name(i)] = i
		}
	}
	check("spec.services", len(s.Services), func(i int) string { return s.Services[i].Name })
	check("spec.cluster.nodePools", len(s.Cluster.NodePools), func(i int) string { return s.Cluster.NodePools[i].Name })
	check("spec.regions", len(s.Regions), func(i int) string { return s.Regions[i].Name })
	check("spec.policies", len(s.Policies), func(i int) string { return s.Policies[i].Name })
}

// maxScrapes bounds the latency histograms that telemetry keeps, 74 kB each.
const maxScrapes = 256

func (c *checker) telemetry(t Telemetry) {
	if span := t.Window + t.Lag; span > maxScrapes*t.ScrapeInterval {
		c.Fail("spec.telemetry.window", fmt.Sprintf("window and lag of %s reach back over more than %d scrapes of %s, each of which is kept in memory", span, maxScrapes, t.ScrapeInterval),
			"shorten them or scrape less often", "spec.telemetry.scrapeInterval")
	}
	if t.Window < t.ScrapeInterval {
		c.Fail("spec.telemetry.window", fmt.Sprintf("%s is shorter than the scrape interval of %s: some windows would hold no scrape", t.Window, t.ScrapeInterval),
			"make it at least the scrape interval", "spec.telemetry.scrapeInterval")
	}
}
