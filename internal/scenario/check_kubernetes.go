package scenario

import (
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

// pod reads the service's pod template; upstream's code says what is wrong
// with it.
func (c *checker) pod(i int, s *Service, path string) {
	path += ".pod"
	if !c.atMostOne(path, choice{"deployment", s.Pod.Deployment != ""}, choice{"template", s.Pod.Template != nil}) {
		return
	}
	var problems []policies.Problem
	switch {
	case s.Pod.Deployment != "":
		object, positions := c.manifest(s.Pod.Deployment, path+".deployment")
		if object != nil {
			c.Pods[i], problems = scheduler.ParseDeployment(object)
			c.inManifest(positions, problems)
		}
	case s.Pod.Template != nil:
		c.Pods[i], problems = scheduler.ParsePodTemplate(s.Pod.Template)
		c.below(path+".template", problems)
	}
}

func (c *checker) disruptionBudget(b *DisruptionBudget, path string) {
	if b != nil {
		c.exactlyOne(path+".disruptionBudget", choice{"minAvailable", b.MinAvailable != nil}, choice{"maxUnavailable", b.MaxUnavailable != nil})
	}
}

// scheduler reads the policy's kube-scheduler configuration.
func (c *checker) scheduler(i int, s Scheduler, path string) {
	path += ".scheduler"
	if !c.atMostOne(path, choice{"profile", s.Profile != ""}, choice{"config", s.Config != ""}) || c.Touches(path) {
		return
	}
	if s.Config == "" {
		config, err := scheduler.Builtin(s.ProfileName())
		if err != nil {
			c.Fail(path+".profile", err.Error(), "")
		}
		c.Schedulers[i] = config
		return
	}
	object, positions := c.manifest(s.Config, path+".config")
	if object != nil {
		config, problems := scheduler.ParseConfig(object)
		c.Schedulers[i] = config
		c.inManifest(positions, problems)
	}
}

// ProfileName is the profile in use, "" when a configuration file is.
func (s *Scheduler) ProfileName() string {
	if s.Profile == "" && s.Config == "" {
		return "Default"
	}
	return s.Profile
}

// inManifest reports what is wrong with a manifest where it stands in its file.
func (c *checker) inManifest(positions *schema.Positions, problems []policies.Problem) {
	for _, p := range problems {
		c.FailAt(positions.At(p.Path), p.Path, p.Message, p.Hint)
	}
}

// below reports what is wrong with the object at path.
func (c *checker) below(path string, problems []policies.Problem) {
	for _, p := range problems {
		at := path
		if p.Path != "" {
			at += "." + p.Path
		}
		c.Fail(at, p.Message, p.Hint)
	}
}

// poolObjects lets upstream's code judge what becomes part of Node objects.
func (c *checker) poolObjects(i int, p *NodePool) {
	path := fmt.Sprintf("spec.cluster.nodePools[%d]", i)
	pool := p.Objects()
	c.below(path, pool.Check())
}

// Objects is the pool as its Node objects show it, but for its GPUs' figures.
func (p *NodePool) Objects() scheduler.Pool {
	pool := scheduler.Pool{
		Name: p.Name, Zone: p.Zone, Product: p.GPU.Model, GPUsPerNode: p.GPU.PerNode,
		CPU: fmt.Sprint(p.CPU), Memory: p.Memory, Labels: p.Labels,
	}
	for _, t := range p.Taints {
		pool.Taints = append(pool.Taints, scheduler.Taint{Key: t.Key, Value: t.Value, Effect: t.Effect})
	}
	return pool
}
