package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

// File is a gate file that passed every check, with the scenario it names.
type File struct {
	Path      string
	Gate      Gate
	Positions *schema.Positions
	Scenario  *scenario.File // with the policies that checks name, and no others
	bounds    []bound        // of the checks, in order
}

// Load reads and checks the gate at path and the scenario it names. Faults in
// either come back as schema.Errors, all at once; a gate file that cannot be read
// is the error of the file system.
func Load(path string) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read gate: %w", err)
	}
	f := &File{Path: path}
	positions, structure := schema.Decode(data, path, &f.Gate)
	f.Positions = positions
	c := &checker{f, schema.NewFaults(positions, structure)}
	c.scenario()
	c.seeds()
	c.checks()
	if err := c.Err(); err != nil {
		return nil, err
	}
	if err := f.Scenario.Choose(f.policies()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// BaselinePath is where the baseline lies, "" when the gate names none.
func (f *File) BaselinePath() string {
	if f.Gate.Spec.Baseline == "" {
		return ""
	}
	return scenario.Resolve(f.Path, f.Gate.Spec.Baseline)
}

// Seeds returns the first seed, how many are run at first, and how many at most.
func (f *File) Seeds() (first uint64, count, most int) {
	s := f.Scenario.Scenario.Spec.Seeds
	first, count, most = s.First, s.Count, s.Count
	if own := f.Gate.Spec.Seeds; own != nil {
		first, count, most = own.First, own.Count, own.Count
		if own.Max != nil {
			most = *own.Max
		}
	}
	return first, count, most
}

// policies are those that checks name, in the order of the scenario.
func (f *File) policies() []string {
	return slices.DeleteFunc(f.Scenario.PolicyNames(), func(name string) bool {
		return !slices.ContainsFunc(f.Gate.Spec.Checks, func(c Check) bool { return c.Policy == name })
	})
}

// checker looks for what the structure alone cannot tell is wrong.
type checker struct {
	*File
	schema.Faults
}

func (c *checker) scenario() {
	if c.Touches("spec.scenario") {
		return
	}
	named := scenario.Resolve(c.Path, c.Gate.Spec.Scenario)
	f, err := scenario.Load(named)
	var faults schema.Errors
	var path *fs.PathError
	switch {
	case err == nil:
		c.Scenario = f
	case errors.As(err, &faults):
		c.Errs = append(c.Errs, faults...)
	case errors.As(err, &path):
		c.Fail("spec.scenario", "cannot read "+named+": "+path.Err.Error(), "paths are relative to the folder of "+c.Path)
	default:
		c.Fail("spec.scenario", err.Error(), "")
	}
}

func (c *checker) seeds() {
	if s := c.Gate.Spec.Seeds; s != nil && s.Max != nil && *s.Max < s.Count {
		c.Fail("spec.seeds.max", fmt.Sprintf("%d is less than count, %d", *s.Max, s.Count), "leave it out, or allow more seeds than the first ones")
	}
}

func (c *checker) checks() {
	first := map[string]int{}
	for i := range c.Gate.Spec.Checks {
		check, at := &c.Gate.Spec.Checks[i], fmt.Sprintf("spec.checks[%d]", i)
		c.place(check, at)
		b := c.bound(check, at)
		c.bounds = append(c.bounds, b)
		if b.regression() && c.Gate.Spec.Baseline == "" {
			c.Fail(at+"."+b.field, "has nothing to compare with", "add spec.baseline")
		}
		key := fmt.Sprintf("%q %q %q %s", check.Policy, check.Service, check.Metric, b.field)
		if j, twice := first[key]; twice && b.field != "" {
			c.Fail(at, fmt.Sprintf("checks the same as spec.checks[%d]", j), "keep the stricter one")
		} else if !twice {
			first[key] = i
		}
	}
}

// place checks whose figure it is.
func (c *checker) place(check *Check, at string) {
	m, err := metrics.Find(check.Metric)
	if err == nil && check.Service != "" && !m.PerService {
		c.Fail(at+".service", m.Name+" is a figure of the whole cluster", "leave service out")
	}
	if c.Scenario == nil {
		return // its own faults come first
	}
	if names := c.Scenario.PolicyNames(); !slices.Contains(names, check.Policy) {
		c.Fail(at+".policy", fmt.Sprintf("the scenario has no policy %q", check.Policy), near(check.Policy, names))
	}
	var services []string
	for _, s := range c.Scenario.Scenario.Spec.Services {
		services = append(append(services, s.Name), c.Scenario.Scenario.Spec.InRegions(s.Name)...)
	}
	if check.Service != "" && !slices.Contains(services, check.Service) {
		c.Fail(at+".service", fmt.Sprintf("the scenario has no service %q", check.Service), near(check.Service, services))
	}
}

// bound checks the metric and its limit.
func (c *checker) bound(check *Check, at string) bound {
	var set []limitField
	for _, l := range check.limits() {
		if l.limit != nil {
			set = append(set, l)
		}
	}
	switch len(set) {
	case 0:
		c.Fail(at, "wants exactly one of max, min, maxIncrease, maxDecrease, has none", "")
	case 1:
	default:
		c.Fail(at+"."+set[1].name, "cannot stand beside "+set[0].name, "make it a check of its own")
	}
	m, err := metrics.Find(check.Metric)
	if err != nil {
		c.Fail(at+".metric", err.Error(), metricHint(check.Metric))
		return bound{}
	}
	if len(set) != 1 {
		return bound{}
	}
	b, message, hint := set[0].limit.resolve(set[0].name, m)
	if message != "" {
		c.Fail(at+"."+set[0].name, message, hint)
	}
	return b
}

// metricHint guesses which metric was meant.
func metricHint(name string) string {
	var names []string
	for _, m := range metrics.Catalogue() {
		names = append(names, m.Name)
	}
	if stem, ok := strings.CutSuffix(name, "_per_request"); ok && slices.Contains(names, stem+"_per_million_requests") {
		return "use " + stem + "_per_million_requests; its limit may be written per request, like 0.8mg/req"
	}
	return schema.DidYouMean(name, names, "")
}

func near(name string, names []string) string {
	return schema.DidYouMean(name, names, "it has "+strings.Join(names, ", "))
}
