package study

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/schema"
	"github.com/kwatt-sim/kwatt/internal/sweep"
)

// File is a study file that passed every check.
type File struct {
	Path      string
	Study     Study
	Positions *schema.Positions
	Template  string // of the page; "" for the plain one
	digest    string // of the file and the template
}

// Load reads and checks the study at path and its template. Faults come back as
// schema.Errors, all at once; a file that cannot be read is the error of the file
// system. The scenario is read when the study is planned.
func Load(path string) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read study: %w", err)
	}
	f := &File{Path: path}
	positions, structure := schema.Decode(data, path, &f.Study)
	f.Positions = positions
	c := &checker{f, schema.NewFaults(positions, structure)}
	c.steps("spec.steps", f.Study.Spec.Steps)
	c.stepNames()
	c.assumptions()
	c.metrics()
	c.claims()
	c.template()
	if err := c.Err(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(fmt.Appendf(data, "\x00%s", f.Template))
	f.digest = hex.EncodeToString(sum[:])
	return f, nil
}

// ScenarioPath is where the scenario lies.
func (f *File) ScenarioPath() string { return scenario.Resolve(f.Path, f.Study.Spec.Scenario) }

// checker looks for what the structure alone cannot tell is wrong.
type checker struct {
	*File
	schema.Faults
}

// once reports a name that stands twice in a list.
func (c *checker) once(seen map[string]bool, at, name string) {
	if seen[name] {
		c.Fail(at+".name", name+" stands twice", "")
	}
	seen[name] = true
}

func (c *checker) steps(at string, steps []Step) {
	seen := map[string]bool{}
	for i, s := range steps {
		here := fmt.Sprintf("%s[%d]", at, i)
		c.once(seen, here, s.Name)
		c.set(here+".set", s.Set)
	}
}

// stepNames keeps the steps' names from being those of other configurations.
func (c *checker) stepNames() {
	for i, s := range c.Study.Spec.Steps {
		if s.Name == before || s.Name == after || strings.Contains(s.Name, plus) {
			c.Fail(fmt.Sprintf("spec.steps[%d].name", i), fmt.Sprintf("%q is the name of a configuration", s.Name), fmt.Sprintf("take one other than %s and %s, without %q", before, after, plus))
		}
	}
}

// set checks what a step or an assumption changes.
func (c *checker) set(at string, set []string) {
	for i, text := range set {
		o, err := scenario.ParseOverride(text)
		if err == nil {
			err = sweep.CheckPath(o.Path)
		}
		if err != nil {
			c.Fail(fmt.Sprintf("%s[%d]", at, i), err.Error(), "")
		}
	}
}

func (c *checker) assumptions() {
	seen := map[string]bool{}
	var names []string
	for _, s := range c.Study.Spec.Steps {
		names = append(names, s.Name)
	}
	for i, a := range c.Study.Spec.Assumptions {
		at := fmt.Sprintf("spec.assumptions[%d]", i)
		c.once(seen, at, a.Name)
		c.set(at+".set", a.Set)
		c.steps(at+".steps", a.Steps)
		if len(a.Set)+len(a.Steps) == 0 {
			c.Fail(at, "changes nothing", "add set or steps")
		}
		for k, s := range a.Steps {
			if !slices.Contains(names, s.Name) {
				c.Fail(fmt.Sprintf("%s.steps[%d].name", at, k), fmt.Sprintf("the study has no step %q", s.Name), schema.DidYouMean(s.Name, names, ""))
			}
		}
	}
}

func (c *checker) metrics() {
	for i, name := range c.Study.Spec.Metrics {
		c.metric(fmt.Sprintf("spec.metrics[%d]", i), name)
	}
}

func (c *checker) metric(at, name string) {
	if _, err := metrics.Find(name); err != nil {
		c.Fail(at, err.Error(), "")
	}
}

func (c *checker) claims() {
	var factors []string
	seen := map[string]bool{}
	for i, f := range c.Study.Spec.Factors {
		c.once(seen, fmt.Sprintf("spec.factors[%d]", i), f.Name)
		factors = append(factors, f.Name)
	}
	seen = map[string]bool{}
	for i, claim := range c.Study.Spec.Claims {
		at := fmt.Sprintf("spec.claims[%d]", i)
		c.once(seen, at, claim.Name)
		c.metric(at+".metric", claim.Metric)
		for k, text := range claim.Times {
			if _, err := c.Study.factor(text); err != nil {
				c.Fail(fmt.Sprintf("%s.times[%d]", at, k), err.Error(), schema.DidYouMean(text, factors, ""))
			}
		}
		if claim.Value == 0 {
			c.Fail(at+".value", "0 cannot be compared in proportion", "")
		}
	}
}

// factor is the value of a factor, by name or as a number.
func (s *Study) factor(text string) (float64, error) {
	for _, f := range s.Spec.Factors {
		if f.Name == text {
			return f.Value, nil
		}
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a factor of the study nor a number", text)
	}
	return x, nil
}

func (c *checker) template() {
	if c.Study.Spec.Page == "" {
		return
	}
	path := scenario.Resolve(c.Path, c.Study.Spec.Page)
	data, err := os.ReadFile(path)
	if err == nil {
		_, err = parse(string(data))
	}
	if err != nil {
		c.Fail("spec.page", err.Error(), "paths are relative to the folder of "+c.Path)
	}
	c.Template = string(data)
}
