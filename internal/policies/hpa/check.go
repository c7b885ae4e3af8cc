package hpa

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// The limits of pkg/apis/autoscaling/validation.
const (
	maxPeriodSeconds = 1800
	maxWindowSeconds = 3600
)

// checker collects problems. Paths below spec are the same in a manifest.
type checker struct{ problems []policies.Problem }

func (c *checker) fault(path, message, hint string) {
	c.problems = append(c.problems, policies.Problem{Path: path, Message: message, Hint: hint})
}

// check applies the rules of the API server's validation (see docs/policies.md)
// and then what this version of kwatt offers.
func check(config *Config) []policies.Problem {
	c := &checker{}
	switch {
	case config.File != "" && config.Spec != nil:
		c.fault("spec", "manifest and spec are both set", "keep one of them")
		return c.problems
	case config.File == "" && config.Spec == nil:
		c.fault("", "neither manifest nor spec is set", "name a manifest file or write a spec")
		return c.problems
	}
	if config.Spec == nil && config.Object.Kind != "" {
		c.metadata(config.Object.Metadata)
		if config.Object.Spec.ScaleTargetRef == nil {
			c.fault("spec.scaleTargetRef", "scaleTargetRef is required", "name the Deployment that is scaled")
		}
	}
	if s := config.spec(); s != nil {
		c.spec(s)
	}
	return c.problems
}

var (
	subdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	dnsLabel  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
)

func (c *checker) metadata(m ObjectMeta) {
	if len(m.Name) > 253 || !subdomain.MatchString(m.Name) {
		c.fault("metadata.name", fmt.Sprintf("%q is not a DNS subdomain", m.Name), "use lower-case letters, digits, dashes and dots")
	}
	if m.Namespace != "" && (len(m.Namespace) > 63 || !dnsLabel.MatchString(m.Namespace)) {
		c.fault("metadata.namespace", fmt.Sprintf("%q is not a DNS label", m.Namespace), "use lower-case letters, digits and dashes")
	}
}

func (c *checker) spec(s *Spec) {
	if s.MinReplicas != nil && *s.MinReplicas < 1 {
		c.fault("spec.minReplicas", fmt.Sprintf("must be at least 1, found %d", *s.MinReplicas),
			"scale to zero needs Kubernetes' alpha feature HPAScaleToZero, which is not offered")
	}
	if s.MaxReplicas < 1 {
		c.fault("spec.maxReplicas", fmt.Sprintf("must be at least 1, found %d", s.MaxReplicas), "")
	} else if s.MinReplicas != nil && s.MaxReplicas < *s.MinReplicas {
		c.fault("spec.maxReplicas", fmt.Sprintf("maxReplicas %d is below minReplicas %d", s.MaxReplicas, *s.MinReplicas), "")
	}
	if s.ScaleTargetRef != nil {
		c.reference("spec.scaleTargetRef", *s.ScaleTargetRef, true)
	}
	if len(s.Metrics) == 0 {
		c.fault("spec.metrics", "no metric is given: Kubernetes would scale on CPU at 80 %, which is not offered yet",
			"add a metric of type Pods, for example requests_per_second")
	}
	for i, m := range s.Metrics {
		c.metric(fmt.Sprintf("spec.metrics[%d]", i), m)
	}
	if s.Behavior != nil {
		c.rules("spec.behavior.scaleUp", s.Behavior.ScaleUp)
		c.rules("spec.behavior.scaleDown", s.Behavior.ScaleDown)
	}
}

// reference checks an object reference; needGroup asks for an API group.
func (c *checker) reference(path string, r CrossVersionObjectReference, needGroup bool) {
	c.segment(path+".kind", r.Kind)
	c.segment(path+".name", r.Name)
	group, _, found := strings.Cut(r.APIVersion, "/")
	switch {
	case strings.Count(r.APIVersion, "/") > 1:
		c.fault(path+".apiVersion", fmt.Sprintf("unexpected GroupVersion string: %q", r.APIVersion), "write group/version, for example apps/v1")
	case needGroup && (!found || group == ""):
		c.fault(path+".apiVersion", "must specify an API group", "write group/version, for example apps/v1")
	}
}

// segment checks a name that becomes part of a URL path.
func (c *checker) segment(path, name string) {
	switch {
	case name == "":
		c.fault(path, "must not be empty", "")
	case name == "." || name == "..":
		c.fault(path, fmt.Sprintf("may not be %q", name), "")
	case strings.ContainsAny(name, "/%"):
		c.fault(path, fmt.Sprintf("%q may not contain / or %%", name), "")
	}
}

func (c *checker) rules(path string, r *ScalingRules) {
	if r == nil {
		return
	}
	if w := r.StabilizationWindowSeconds; w != nil && (*w < 0 || *w > maxWindowSeconds) {
		c.fault(path+".stabilizationWindowSeconds", fmt.Sprintf("must lie between 0 and %d, found %d", maxWindowSeconds, *w), "")
	}
	if r.Policies != nil && len(r.Policies) == 0 {
		c.fault(path+".policies", "must hold at least one policy", "leave the list out for Kubernetes' defaults")
	}
	for i, p := range r.Policies {
		at := fmt.Sprintf("%s.policies[%d]", path, i)
		if p.Value < 1 {
			c.fault(at+".value", fmt.Sprintf("must be at least 1, found %d", p.Value), "use selectPolicy: Disabled to forbid scaling in this direction")
		}
		if p.PeriodSeconds < 1 || p.PeriodSeconds > maxPeriodSeconds {
			c.fault(at+".periodSeconds", fmt.Sprintf("must lie between 1 and %d, found %d", maxPeriodSeconds, p.PeriodSeconds), "")
		}
	}
	if r.Tolerance != nil {
		if v, err := r.Tolerance.value(); err != nil {
			c.fault(path+".tolerance", err.Error(), "")
		} else if v.Sign() < 0 {
			c.fault(path+".tolerance", fmt.Sprintf("must not be negative, found %s", *r.Tolerance), "")
		}
	}
}
