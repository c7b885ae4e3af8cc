package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/profiles"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

func (c *checker) service(i int) {
	s := &c.Scenario.Spec.Services[i]
	path := fmt.Sprintf("spec.services[%d]", i)
	c.workload(i, &s.Workload, path+".workload")
	c.model(&s.Model, path+".model")
	c.share(s.GPU, path+".gpu")
	c.queue(s, path)
	c.pod(i, s, path)
	c.disruptionBudget(s.DisruptionBudget, path)
	if l := s.SLO.Latency; l != nil {
		c.exactlyOne(path+".slo.latency", choice{"p50", l.P50 != nil}, choice{"p90", l.P90 != nil},
			choice{"p95", l.P95 != nil}, choice{"p99", l.P99 != nil})
	}
}

func (c *checker) model(m *Model, path string) {
	if !c.exactlyOne(path, choice{"profile", m.Profile != ""}, choice{"serviceTime", m.ServiceTime != nil}) {
		return
	}
	if m.ServiceTime != nil {
		c.onlyWith(path, "a profile", choice{"variant", m.Variant != ""})
		c.serviceTime(m.ServiceTime, path+".serviceTime")
		return
	}
	variants := profiles.Variants(m.Profile)
	switch {
	case len(variants) == 0:
		c.Fail(path+".profile", fmt.Sprintf("there is no profile %q", m.Profile), near(m.Profile, profiles.Models()))
	case m.Variant == "":
		c.Fail(path+".variant", "is required with a profile", "want one of "+strings.Join(variants, ", "))
	case !slices.Contains(variants, m.Variant):
		c.Fail(path+".variant", fmt.Sprintf("%s has no variant %q", m.Profile, m.Variant), near(m.Variant, variants))
	}
}

// near is the hint for a name that is not among those known.
func near(name string, known []string) string {
	return schema.DidYouMean(name, known, "want one of "+strings.Join(known, ", "))
}

func (c *checker) serviceTime(t *ServiceTime, path string) {
	affine := t.Base != nil || t.PerItem != nil
	if !c.exactlyOne(path, choice{"mean", t.Mean != nil}, choice{"batches", len(t.Batches) > 0}, choice{"base", affine}) {
		return
	}
	switch isLogNormal := t.Distribution == "LogNormal"; {
	case isLogNormal && t.CV == nil:
		c.Fail(path+".cv", "is required with LogNormal", "", path+".distribution")
	case !isLogNormal && t.CV != nil:
		c.Fail(path+".cv", "has a meaning only with distribution LogNormal", "leave it out", path+".distribution")
	}
	if affine {
		c.affine(t, path)
	}
	for k := 1; k < len(t.Batches); k++ {
		at := fmt.Sprintf("%s.batches[%d]", path, k)
		if t.Batches[k].Batch <= t.Batches[k-1].Batch {
			c.Fail(at+".batch", "must be greater than the batch before it", "sort the table by batch", path+".batches")
		}
		if t.Batches[k].Time < t.Batches[k-1].Time {
			c.Fail(at+".time", "must not be less than the time of the smaller batch before it", "", path+".batches")
		}
	}
}

// affine checks α + β·batch.
func (c *checker) affine(t *ServiceTime, path string) {
	switch {
	case t.Base == nil:
		c.Fail(path+".base", "is required with perItem", "base: 0s if a batch has no fixed part")
	case t.PerItem == nil:
		c.Fail(path+".perItem", "is required with base", "use mean if the time is the same for every batch")
	case *t.Base == 0 && *t.PerItem == 0:
		c.Fail(path, "base and perItem are both zero: a batch would take no time", "")
	}
}

// share checks that replicas of this size fill a GPU.
func (c *checker) share(g GPUShare, path string) {
	if !c.atMostOne(path, choice{"share", g.Share != nil}, choice{"mig", g.MIG != ""}) || g.Share == nil || *g.Share <= 0 {
		return
	}
	ways := math.Round(1 / *g.Share)
	if math.Abs(*g.Share*ways-1) > 1e-4 {
		c.Fail(path+".share", fmt.Sprintf("%g is not a whole GPU divided by a whole number", *g.Share),
			fmt.Sprintf("write %.6g to share a GPU %.0f ways", 1/ways, ways))
	}
}

// placeable checks that at least one pool can run the service.
func (c *checker) placeable(s *Service, path string) {
	if s.Model.Profile != "" && s.Model.ServiceTime != nil || s.GPU.Share != nil && s.GPU.MIG != "" {
		return // two answers to one question: that has been reported
	}
	var gpus, sliced []string
	var boards []powermodel.GPU
	for i := range c.Scenario.Spec.Cluster.NodePools {
		gpu := c.Boards[i]
		if gpu.Name == "" || c.Touches(fmt.Sprintf("spec.cluster.nodePools[%d].gpu.model", i)) {
			return // the pool's own check speaks of it; whether the service fits cannot be known
		}
		if s.Model.Profile != "" {
			if _, err := profiles.Lookup(s.Model.Profile, s.Model.Variant, gpu.Name); err != nil {
				continue
			}
		}
		gpus, boards = append(gpus, gpu.Name), append(boards, gpu)
		if _, err := gpu.Slice(s.GPU.MIG); s.GPU.MIG == "" || err == nil {
			sliced = append(sliced, gpu.Name)
		}
	}
	runsOn := profiles.GPUs(s.Model.Profile, s.Model.Variant)
	switch {
	case len(c.Scenario.Spec.Cluster.NodePools) == 0:
	case len(gpus) == 0 && s.Model.Profile != "" && len(runsOn) > 0:
		c.Fail(path+".model", fmt.Sprintf("no node pool can run %s %s", s.Model.Profile, s.Model.Variant),
			"there are figures for "+strings.Join(runsOn, ", "), "spec.cluster.nodePools")
	case len(gpus) > 0 && len(sliced) == 0:
		c.Fail(path+".gpu.mig", fmt.Sprintf("no node pool that can run the service has MIG slices %q", s.GPU.MIG), migHint(boards))
	}
}

// migHint names the slices that the GPUs can be cut into.
func migHint(boards []powermodel.GPU) string {
	var names, all []string
	for _, gpu := range boards {
		names = append(names, gpu.Name)
		for _, m := range gpu.MIG {
			all = append(all, m.Name)
		}
	}
	if len(all) == 0 {
		return strings.Join(names, ", ") + " cannot be partitioned; use share"
	}
	slices.Sort(all)
	return "want one of " + strings.Join(slices.Compact(all), ", ")
}

func (c *checker) queue(s *Service, path string) {
	if s.Queue.Capacity < s.Batching.MaxBatch {
		c.Fail(path+".queue.capacity", fmt.Sprintf("%d is less than a batch of %d, which could never fill", s.Queue.Capacity, s.Batching.MaxBatch),
			"raise capacity or lower maxBatch", path+".batching.maxBatch")
	}
	if t := s.Queue.Timeout; t != nil && s.Batching.MaxQueueDelay >= *t {
		c.Fail(path+".batching.maxQueueDelay", fmt.Sprintf("%s is not less than the queue timeout of %s: requests would give up while their batch fills", s.Batching.MaxQueueDelay, *t),
			"lower maxQueueDelay or raise queue.timeout", path+".queue.timeout")
	}
}

// RunsOn reports whether there are figures for the service on a GPU model.
func (s *Service) RunsOn(gpu powermodel.GPU) bool {
	if s.Model.Profile != "" {
		if _, err := profiles.Lookup(s.Model.Profile, s.Model.Variant, gpu.Name); err != nil {
			return false
		}
	}
	_, err := gpu.Slice(s.GPU.MIG)
	return s.GPU.MIG == "" || err == nil
}
