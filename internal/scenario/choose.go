package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
)

// PolicyNames are the policies in the scenario's order.
func (f *File) PolicyNames() []string {
	var names []string
	for _, p := range f.Scenario.Spec.Policies {
		names = append(names, p.Name)
	}
	return names
}

// Choose keeps the named policies, in that order, with what was read for them.
// Each must be one of the scenario's and be named once.
func (f *File) Choose(names []string) error {
	have := f.PolicyNames()
	var policies []Policy
	var schedulers []*scheduler.Configuration
	for i, name := range names {
		at := slices.Index(have, name)
		if at < 0 || slices.Contains(names[:i], name) {
			return fmt.Errorf("policy %s: the scenario has %s, each to be named once", name, strings.Join(have, ", "))
		}
		policies = append(policies, f.Scenario.Spec.Policies[at])
		schedulers = append(schedulers, f.Schedulers[at])
	}
	f.Scenario.Spec.Policies, f.Schedulers = policies, schedulers
	return nil
}
