package scenario

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

func (c *checker) policy(i int) {
	p := &c.Scenario.Spec.Policies[i]
	path := fmt.Sprintf("spec.policies[%d]", i)
	services := c.serviceNames()
	c.scheduler(i, p.Scheduler, path)
	c.routing(p.Routing, path+".routing")
	for _, name := range slices.Sorted(maps.Keys(p.Scalers)) {
		if !slices.Contains(services, name) {
			c.Fail(path+".scalers."+name, fmt.Sprintf("there is no service %q", name), near(name, services), "spec.services")
		}
		own := p.Scalers[name]
		c.scaler(&own, path+".scalers."+name, []string{name})
	}
	if p.Scaler != nil {
		c.scaler(p.Scaler, path+".scaler", slices.DeleteFunc(services, func(name string) bool { _, own := p.Scalers[name]; return own }))
		return
	}
	if len(p.Scalers) == 0 {
		c.Fail(path+".scaler", "is required: nothing would scale the services", near("", kindNames()), path+".scalers")
		return
	}
	for _, name := range services {
		if _, ok := p.Scalers[name]; !ok {
			c.Fail(path+".scalers", fmt.Sprintf("service %s has no scaler", name), "add scalers."+name+", or a scaler for all", path+".scaler")
		}
	}
}

func (c *checker) serviceNames() []string {
	var names []string
	for _, s := range c.Scenario.Spec.Services {
		names = append(names, s.Name)
	}
	return names
}

func kindNames() []string {
	var names []string
	for _, k := range policies.Kinds() {
		names = append(names, k.Name)
	}
	return names
}

// scaler reads the manifest that a scaler names and asks the policy what else
// is wrong with its configuration, by itself and for the services it scales.
func (c *checker) scaler(s *Scaler, path string, services []string) {
	kind, err := policies.Find(s.Kind)
	if err != nil {
		return // the decoder has reported it
	}
	path += "." + s.Kind
	var manifest *schema.Positions
	if m, ok := s.Config.(policies.ManifestConfig); ok {
		if named := m.Manifest(); named != "" {
			object, positions := c.manifest(named, path+".manifest")
			if object == nil {
				return
			}
			m.SetManifest(object)
			manifest = positions
		}
	}
	if fc, ok := s.Config.(policies.FileConfig); ok {
		if field, named := fc.NamedFile(); named != "" && !c.policyFile(fc, named, path+"."+field) {
			return
		}
	}
	var problems []policies.Problem
	if kind.Check != nil {
		problems = kind.Check(s.Config)
	}
	if kind.Suits != nil && len(problems) == 0 {
		for i, service := range c.Scenario.Spec.Services {
			if slices.Contains(services, service.Name) {
				problems = append(problems, kind.Suits(s.Config, c.facts(i))...)
			}
		}
	}
	for _, p := range problems {
		at := path
		if p.Path != "" {
			at += "." + p.Path
		}
		if manifest != nil && !c.Positions.Has(at) {
			c.FailAt(manifest.At(p.Path), p.Path, p.Message, p.Hint)
			continue
		}
		c.Fail(at, p.Message, p.Hint)
	}
}

// policyFile hands a configuration the file it names; false when that failed,
// which is reported at path.
func (c *checker) policyFile(config policies.FileConfig, named, path string) bool {
	before := len(c.Errs)
	c.input(named, path, func(r io.Reader, name string) error {
		data, err := io.ReadAll(io.LimitReader(r, schema.MaxBytes+1))
		if err == nil {
			err = config.SetFile(data, name)
		}
		return err
	})
	return len(c.Errs) == before
}

// facts are what is known of a service before it is compiled.
func (c *checker) facts(i int) policies.Model {
	s := &c.Scenario.Spec.Services[i]
	m := policies.Model{Service: s.Name, Start: c.Start(), HasCPU: s.CPU != nil}
	for _, name := range c.Pods[i].Containers() {
		m.Containers = append(m.Containers, policies.Container{Name: name})
	}
	for k, pool := range c.Scenario.Spec.Cluster.NodePools {
		if gpu := c.Boards[k]; gpu.Name != "" && s.RunsOn(gpu) {
			m.Pools = append(m.Pools, policies.Pool{Name: pool.Name, GPU: gpu.Name, ClockSweep: len(gpu.ClockLaw) > 0})
		}
	}
	return m
}

// manifest parses the Kubernetes object in the file named at path; nil when
// that failed, which is reported.
func (c *checker) manifest(named, path string) (object map[string]any, positions *schema.Positions) {
	var errs schema.Errors
	c.input(named, path, func(r io.Reader, name string) error {
		data, err := io.ReadAll(io.LimitReader(r, schema.MaxBytes+1))
		if err != nil {
			return fmt.Errorf("read manifest %s: %w", name, err)
		}
		if object, positions, errs = schema.DecodeOpen(data, name); len(errs) > 0 {
			object = nil
		}
		return nil
	})
	c.Errs = append(c.Errs, errs...)
	return object, positions
}
