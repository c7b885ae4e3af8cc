// Package gate judges a scenario's figures by limits: absolute ones and changes
// from a baseline. It reads Gate files and baselines, decides from replications
// that somebody else has run, and writes the verdicts for people and for CI.
package gate

// Kind heads every gate file.
const Kind = "Gate"

// Gate is what a change has to keep: a scenario and the limits of its figures.
type Gate struct {
	// APIVersion is kwatt.dev/v1alpha1.
	APIVersion string `yaml:"apiVersion" kwatt:"required,enum=kwatt.dev/v1alpha1"`
	// Kind is Gate.
	Kind string `yaml:"kind" kwatt:"required,enum=Gate"`
	// Metadata names the gate.
	Metadata Metadata `yaml:"metadata" kwatt:"required"`
	// Spec is what is run and checked.
	Spec Spec `yaml:"spec" kwatt:"required"`
}

// Metadata names a gate.
type Metadata struct {
	// Name of the gate, in reports and in the comment on a pull request: lower-case
	// letters, digits and dashes.
	Name string `yaml:"name" kwatt:"required,name"`
	// Description is a line for people.
	Description string `yaml:"description,omitempty"`
}

// Spec is what is run and checked.
type Spec struct {
	// Scenario is the file of the scenario to simulate, relative to the gate file.
	// Only the policies that checks name are run.
	Scenario string `yaml:"scenario" kwatt:"required"`
	// Baseline is the file of the figures to compare with, relative to the gate
	// file; `sim gate --update-baseline` writes it. Needed by maxIncrease and
	// maxDecrease.
	Baseline string `yaml:"baseline,omitempty"`
	// Seeds of the replications; unset: the scenario's.
	Seeds *Seeds `yaml:"seeds,omitempty"`
	// Checks must all pass.
	Checks []Check `yaml:"checks" kwatt:"required,minItems=1"`
}

// Seeds are consecutive seeds.
type Seeds struct {
	// First seed.
	First uint64 `yaml:"first" kwatt:"default=1"`
	// Count of replications, of which each policy gets one with each seed.
	Count int `yaml:"count" kwatt:"default=10,min=2,max=10000"`
	// Max is how many seeds `--until-decided` may add up to, and how many a
	// baseline records so that it can; count when unset.
	Max *int `yaml:"max,omitempty" kwatt:"min=2,max=10000"`
}

// Check is one limit of one metric. Exactly one of max, min, maxIncrease and
// maxDecrease is set.
type Check struct {
	// Policy of the scenario whose figure it is.
	Policy string `yaml:"policy" kwatt:"required"`
	// Service whose figure it is; unset: over all services and the whole cluster.
	Service string `yaml:"service,omitempty"`
	// Metric of the catalogue; see docs/metrics.md.
	Metric string `yaml:"metric" kwatt:"required"`
	// Max is the most that the mean over seeds may be.
	Max *Limit `yaml:"max,omitempty"`
	// Min is the least that the mean over seeds may be.
	Min *Limit `yaml:"min,omitempty"`
	// MaxIncrease is by how much the figure may exceed the baseline's: 2% of it, or
	// an amount with its unit.
	MaxIncrease *Limit `yaml:"maxIncrease,omitempty"`
	// MaxDecrease is by how much the figure may fall short of the baseline's: 2% of
	// it, or an amount with its unit.
	MaxDecrease *Limit `yaml:"maxDecrease,omitempty"`
	// Confidence of the verdict: a figure beyond its limit passes in at most the
	// share 1 − confidence of all gates.
	Confidence float64 `yaml:"confidence" kwatt:"default=0.95,min=0.5,max=0.9999"`
}

// limits are the fields of which exactly one is set.
func (c *Check) limits() []limitField {
	return []limitField{{"max", c.Max}, {"min", c.Min}, {"maxIncrease", c.MaxIncrease}, {"maxDecrease", c.MaxDecrease}}
}

type limitField struct {
	name  string
	limit *Limit
}
