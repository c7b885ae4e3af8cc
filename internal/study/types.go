package study

// Kind heads every study file.
const Kind = "Study"

// Study is a change in steps, and the claims about it.
type Study struct {
	// APIVersion is kwatt.dev/v1alpha1.
	APIVersion string `yaml:"apiVersion" kwatt:"required,enum=kwatt.dev/v1alpha1"`
	// Kind is Study.
	Kind string `yaml:"kind" kwatt:"required,enum=Study"`
	// Metadata names the study.
	Metadata Metadata `yaml:"metadata" kwatt:"required"`
	// Spec is what is run and claimed.
	Spec Spec `yaml:"spec" kwatt:"required"`
}

// Metadata names a study.
type Metadata struct {
	// Name of the study: lower-case letters, digits and dashes.
	Name string `yaml:"name" kwatt:"required,name"`
	// Description is a line for people.
	Description string `yaml:"description,omitempty"`
}

// Spec is what is run and claimed.
type Spec struct {
	// Scenario is the file of the scenario before any step, relative to the study.
	Scenario string `yaml:"scenario" kwatt:"required"`
	// Policy of the scenario that is run; its first when unset. Steps patch it as
	// spec.policies[NAME].
	Policy string `yaml:"policy,omitempty"`
	// Page is a Markdown template (Go's text/template), relative to the study, that
	// the command fills in; a plain page when unset.
	Page string `yaml:"page,omitempty"`
	// Seeds of the replications; unset: the scenario's.
	Seeds *Seeds `yaml:"seeds,omitempty"`
	// Metrics are the columns of the tables, and a chart each.
	Metrics []string `yaml:"metrics" kwatt:"required,minItems=1"`
	// Steps that the change is made of, in their order.
	Steps []Step `yaml:"steps" kwatt:"required,minItems=1"`
	// Assumptions under which before and after are run again.
	Assumptions []Assumption `yaml:"assumptions,omitempty"`
	// Factors are numbers that claims are converted by.
	Factors []Factor `yaml:"factors,omitempty"`
	// Claims are held against the runs.
	Claims []Claim `yaml:"claims,omitempty"`
}

// Seeds are consecutive seeds.
type Seeds struct {
	// First seed.
	First uint64 `yaml:"first" kwatt:"default=1"`
	// Count of replications, of which each configuration gets one with each seed.
	Count int `yaml:"count" kwatt:"default=5,min=1,max=10000"`
}

// Step is a part of the change.
type Step struct {
	// Name of the step, in tables and charts.
	Name string `yaml:"name" kwatt:"required"`
	// Note says what it does.
	Note string `yaml:"note,omitempty"`
	// Set is what it changes in the scenario: path=value, as for sim run --set.
	Set []string `yaml:"set" kwatt:"required,minItems=1"`
}

// Assumption is another world in which before and after are run again.
type Assumption struct {
	// Name of the assumption, in tables.
	Name string `yaml:"name" kwatt:"required"`
	// Note says what is different.
	Note string `yaml:"note,omitempty"`
	// Set is what it changes in the scenario, before the steps do: path=value.
	Set []string `yaml:"set,omitempty"`
	// Steps are done in another way than the study says.
	Steps []Step `yaml:"steps,omitempty"`
}

// Factor is a number that claims are converted by.
type Factor struct {
	// Name of the factor.
	Name string `yaml:"name" kwatt:"required"`
	// Value of it.
	Value float64 `yaml:"value" kwatt:"required"`
	// Note says what it is and where it comes from.
	Note string `yaml:"note,omitempty"`
}

// Claim is a figure that somebody gave.
type Claim struct {
	// Name of the claim: lower-case letters, digits and dashes.
	Name string `yaml:"name" kwatt:"required,name"`
	// Quote is the claim in words.
	Quote string `yaml:"quote" kwatt:"required"`
	// Metric of the catalogue that it is about; see docs/metrics.md.
	Metric string `yaml:"metric" kwatt:"required"`
	// Of says what of the metric: its value Before or After, the relative Change from
	// before to after, or what is Saved, before less after.
	Of string `yaml:"of" kwatt:"required,enum=Before|After|Change|Saved"`
	// Value that is claimed, in unit.
	Value float64 `yaml:"value" kwatt:"required"`
	// Unit of the value, in words.
	Unit string `yaml:"unit,omitempty"`
	// Times are factors, by name or as numbers, that turn the metric's unit into the
	// claim's.
	Times []string `yaml:"times,omitempty"`
	// Within is how far the result may be from the value, relative to it, and the
	// claim still holds.
	Within float64 `yaml:"within" kwatt:"default=0.2,exclusiveMin=0,max=1"`
}
