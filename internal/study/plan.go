package study

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/schema"
	"github.com/kwatt-sim/kwatt/internal/sweep"
)

// Names of configurations: without a step, with all, and what joins steps.
const (
	before = "before"
	after  = "after"
	plus   = " + "
)

// Configuration is a set of steps under an assumption.
type Configuration struct {
	Name       string
	Steps      []bool // which are taken, in the study's order
	Assumption int    // index, -1 for the study's own
	Point      int    // of the sweep; several configurations can be the same scenario
}

// count is how many steps are taken.
func (c Configuration) count() int {
	n := 0
	for _, taken := range c.Steps {
		if taken {
			n++
		}
	}
	return n
}

// Plan is a study with the sweep that answers it.
type Plan struct {
	*File
	Sweep          *sweep.Sweep
	Configurations []Configuration // before first, then the cumulative ones, single steps, left out, assumptions
}

// NewPlan derives the configurations of a study. load reads its scenario; seeds,
// when not nil, replace the study's.
func NewPlan(f *File, load sweep.Loader, seeds *scenario.Seeds) (*Plan, error) {
	p := &Plan{File: f}
	p.derive()
	base, err := load(nil)
	if err != nil {
		return nil, err
	}
	policy := f.Study.Spec.Policy
	if policy == "" {
		policy = base.PolicyNames()[0]
	}
	if names := base.PolicyNames(); !slices.Contains(names, policy) {
		return nil, schema.Errors{{Position: p.Positions.At("spec.policy"), Path: "spec.policy", Class: schema.Meaning,
			Message: fmt.Sprintf("the scenario has no policy %q", policy), Hint: schema.DidYouMean(policy, names, "")}}
	}
	if own := f.Study.Spec.Seeds; seeds == nil && own != nil {
		seeds = &scenario.Seeds{First: own.First, Count: own.Count}
	}
	names, overrides, err := p.points(load)
	if err != nil {
		return nil, err
	}
	p.Sweep, err = sweep.Named(load, "configuration", names, overrides, []string{policy}, seeds)
	return p, err
}

// points gives each configuration its point of the sweep, one for all that are the
// same scenario, and returns the points' names and overrides.
func (p *Plan) points(load sweep.Loader) (names []string, overrides [][]scenario.Override, err error) {
	known := map[string]int{} // by effective scenario and the files that it names
	for i := range p.Configurations {
		c := &p.Configurations[i]
		o := p.overrides(*c)
		f, err := load(o)
		if err != nil {
			return nil, nil, p.fault(*c, err)
		}
		effective, err := f.Effective()
		if err != nil {
			return nil, nil, err
		}
		key := string(effective) + f.Digest()
		point, ok := known[key]
		if !ok {
			point = len(names)
			known[key] = point
			names, overrides = append(names, c.Name), append(overrides, o)
		}
		c.Point = point
	}
	return names, overrides, nil
}

// fault is what is wrong with a configuration, where the study says what it sets.
// The scenario itself could be read, so that it is the study's.
func (p *Plan) fault(c Configuration, err error) error {
	at := "spec.steps"
	if k := slices.Index(c.Steps, true); c.count() == 1 {
		at = fmt.Sprintf("spec.steps[%d]", k)
	}
	if c.Assumption >= 0 {
		at = fmt.Sprintf("spec.assumptions[%d]", c.Assumption)
	}
	return schema.Errors{{Position: p.Positions.At(at), Path: at, Message: fmt.Sprintf("%s cannot be run: %v", c.Name, err), Class: schema.Meaning}}
}

// derive lists the configurations, each set of steps once.
func (p *Plan) derive() {
	steps := p.Study.Spec.Steps
	add := func(assumption int, taken func(step int) bool) {
		c := Configuration{Assumption: assumption, Steps: make([]bool, len(steps))}
		for i := range steps {
			c.Steps[i] = taken(i)
		}
		if p.find(assumption, c.Steps) < 0 {
			c.Name = p.name(c)
			p.Configurations = append(p.Configurations, c)
		}
	}
	for k := range len(steps) + 1 {
		add(-1, func(i int) bool { return i < k })
	}
	for k := range steps {
		add(-1, func(i int) bool { return i == k })
	}
	for k := range steps {
		add(-1, func(i int) bool { return i != k })
	}
	for a := range p.Study.Spec.Assumptions {
		add(a, func(int) bool { return false })
		add(a, func(int) bool { return true })
	}
}

// find is the index of the configuration with these steps, -1 for none.
func (p *Plan) find(assumption int, steps []bool) int {
	return slices.IndexFunc(p.Configurations, func(c Configuration) bool {
		return c.Assumption == assumption && slices.Equal(c.Steps, steps)
	})
}

// Before and After are the indices of the configurations without any step and with
// all, under an assumption.
func (p *Plan) Before(assumption int) int {
	return p.find(assumption, make([]bool, len(p.Study.Spec.Steps)))
}

// After is the index of the configuration with all steps under an assumption.
func (p *Plan) After(assumption int) int {
	return p.find(assumption, slices.Repeat([]bool{true}, len(p.Study.Spec.Steps)))
}

// alone and without are the configurations with one step only, and with all but one.
func (p *Plan) alone(step int) int {
	taken := make([]bool, len(p.Study.Spec.Steps))
	taken[step] = true
	return p.find(-1, taken)
}

func (p *Plan) without(step int) int {
	taken := slices.Repeat([]bool{true}, len(p.Study.Spec.Steps))
	taken[step] = false
	return p.find(-1, taken)
}

// cumulative is the configuration with the first so many steps.
func (p *Plan) cumulative(steps int) int {
	taken := make([]bool, len(p.Study.Spec.Steps))
	for i := range steps {
		taken[i] = true
	}
	return p.find(-1, taken)
}

// name says which steps are taken: "before", "model + scaling", "after".
func (p *Plan) name(c Configuration) string {
	steps := p.Study.Spec.Steps
	var taken []string
	for i, s := range steps {
		if c.Steps[i] {
			taken = append(taken, s.Name)
		}
	}
	name := strings.Join(taken, plus)
	switch c.count() {
	case 0:
		name = before
	case len(steps):
		name = after
	}
	if c.Assumption >= 0 {
		name += ", " + p.Study.Spec.Assumptions[c.Assumption].Name
	}
	return name
}

// overrides are the assumption's, then those of the steps taken, as the assumption
// says or else the study.
func (p *Plan) overrides(c Configuration) []scenario.Override {
	var out []scenario.Override
	add := func(set []string) {
		for _, text := range set {
			o, err := scenario.ParseOverride(text)
			if err != nil {
				panic("study: " + err.Error()) // Load has parsed it
			}
			out = append(out, o)
		}
	}
	var otherwise []Step
	if c.Assumption >= 0 {
		a := p.Study.Spec.Assumptions[c.Assumption]
		otherwise = a.Steps
		add(a.Set)
	}
	for i, s := range p.Study.Spec.Steps {
		if !c.Steps[i] {
			continue
		}
		if k := slices.IndexFunc(otherwise, func(o Step) bool { return o.Name == s.Name }); k >= 0 {
			s = otherwise[k]
		}
		add(s.Set)
	}
	return out
}

// ID names all that the study's page is a function of, but the binary.
func (p *Plan) ID() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s", p.digest, p.Sweep.ID))
	return hex.EncodeToString(sum[:])[:12]
}
