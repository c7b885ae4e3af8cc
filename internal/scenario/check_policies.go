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
	for _, name := range slices.Sorted(maps.Keys(p.Scalers)) {
		if !slices.Contains(services, name) {
			c.fail(path+".scalers."+name, fmt.Sprintf("there is no service %q", name), near(name, services), "spec.services")
		}
		own := p.Scalers[name]
		c.scaler(&own, path+".scalers."+name)
	}
	if p.Scaler != nil {
		c.scaler(p.Scaler, path+".scaler")
		return
	}
	if len(p.Scalers) == 0 {
		c.fail(path+".scaler", "is required: nothing would scale the services", near("", kindNames()), path+".scalers")
		return
	}
	for _, name := range services {
		if _, ok := p.Scalers[name]; !ok {
			c.fail(path+".scalers", fmt.Sprintf("service %s has no scaler", name), "add scalers."+name+", or a scaler for all", path+".scaler")
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
// is wrong with its configuration.
func (c *checker) scaler(s *Scaler, path string) {
	kind, err := policies.Find(s.Kind)
	if err != nil {
		return // the decoder has reported it
	}
	path += "." + s.Kind
	var manifest *schema.Positions
	if m, ok := s.Config.(policies.ManifestConfig); ok {
		if named, into := m.Manifest(); named != "" {
			if manifest, ok = c.manifest(named, into, path+".manifest"); !ok {
				return
			}
		}
	}
	if kind.Check == nil {
		return
	}
	for _, p := range kind.Check(s.Config) {
		at := path
		if p.Path != "" {
			at += "." + p.Path
		}
		if manifest != nil && !c.Positions.Has(at) {
			c.failAt(manifest.At(p.Path), p.Path, p.Message, p.Hint)
			continue
		}
		c.fail(at, p.Message, p.Hint)
	}
}

// manifest decodes the Kubernetes object in the file named at path and reports
// whether it is sound.
func (c *checker) manifest(named string, into any, path string) (*schema.Positions, bool) {
	var positions *schema.Positions
	var errs schema.Errors
	read := false
	c.input(named, path, func(r io.Reader, name string) error {
		data, err := io.ReadAll(io.LimitReader(r, schema.MaxBytes+1))
		if err != nil {
			return fmt.Errorf("read manifest %s: %w", name, err)
		}
		read = true
		positions, errs = schema.Decode(data, name, into)
		return nil
	})
	c.errs = append(c.errs, errs...)
	return positions, read && len(errs) == 0
}
