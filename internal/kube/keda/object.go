package keda

import (
	"fmt"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/kube/hpa"
	"github.com/kwatt-sim/kwatt/internal/kube/manifest"
	"github.com/kwatt-sim/kwatt/internal/policies"
)

// scaledObject is keda.sh/v1alpha1, as far as it bears on replicas. What only a
// cluster needs is read and left.
type scaledObject struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       spec           `json:"spec"`
	Status     map[string]any `json:"status"`
}

type spec struct {
	ScaleTargetRef        map[string]any `json:"scaleTargetRef"`
	PollingInterval       *int32         `json:"pollingInterval"`
	CooldownPeriod        *int32         `json:"cooldownPeriod"`
	InitialCooldownPeriod int32          `json:"initialCooldownPeriod"`
	IdleReplicaCount      *int32         `json:"idleReplicaCount"`
	MinReplicaCount       *int32         `json:"minReplicaCount"`
	MaxReplicaCount       *int32         `json:"maxReplicaCount"`
	Fallback              map[string]any `json:"fallback"` // triggers do not fail here
	Advanced              *advanced      `json:"advanced"`
	Triggers              []triggerSpec  `json:"triggers"`
}

type advanced struct {
	RestoreToOriginalReplicaCount bool           `json:"restoreToOriginalReplicaCount"`
	HPA                           *hpaConfig     `json:"horizontalPodAutoscalerConfig"`
	ScalingModifiers              map[string]any `json:"scalingModifiers"`
}

type hpaConfig struct {
	Name     string         `json:"name"`
	Behavior map[string]any `json:"behavior"`
}

type triggerSpec struct {
	Type              string            `json:"type"`
	Name              string            `json:"name"`
	UseCachedMetrics  bool              `json:"useCachedMetrics"`
	Metadata          map[string]string `json:"metadata"`
	AuthenticationRef map[string]any    `json:"authenticationRef"`
	MetricType        string            `json:"metricType"`
}

// KEDA's defaults.
const (
	defaultPolling  = 30  // s
	defaultCooldown = 300 // s
	defaultMax      = 100
)

func or(p *int32, otherwise int32) int32 {
	if p == nil {
		return otherwise
	}
	return *p
}

// plan is what becomes of a ScaledObject.
type plan struct {
	spec     spec
	triggers []*trigger
	hpa      *hpa.Config
}

// read makes the plan, or says all that is wrong with the manifest.
func (c *Config) read() (*plan, []policies.Problem) {
	var o scaledObject
	if problems := manifest.Unmarshal(c.object, "keda.sh/v1alpha1", "ScaledObject", &o); len(problems) > 0 {
		return nil, problems
	}
	p := &plan{spec: o.Spec}
	problems := o.check()
	for i := range o.Spec.Triggers {
		t, bad := c.trigger(i, &o.Spec.Triggers[i])
		if t.external != nil {
			t.external.of(o.Metadata)
		}
		p.triggers = append(p.triggers, t)
		problems = append(problems, bad...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	p.autoscaler(c)
	for _, bad := range p.hpa.Check() {
		bad.Path = ofScaledObject(bad.Path)
		problems = append(problems, bad)
	}
	return p, problems
}

// check holds the counts against each other, as KEDA does, and finds what would
// change replicas and is not simulated.
func (o *scaledObject) check() []policies.Problem {
	var out []policies.Problem
	fail := func(path, hint, format string, args ...any) {
		out = append(out, policies.Problem{Path: path, Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	s := &o.Spec
	least, most := or(s.MinReplicaCount, 0), or(s.MaxReplicaCount, defaultMax)
	for _, x := range []struct {
		path string
		n    int32
	}{
		{"spec.minReplicaCount", least}, {"spec.cooldownPeriod", or(s.CooldownPeriod, 0)},
		{"spec.initialCooldownPeriod", s.InitialCooldownPeriod}, {"spec.pollingInterval", or(s.PollingInterval, 1) - 1}, {"spec.maxReplicaCount", most - 1},
	} {
		if x.n < 0 {
			fail(x.path, "", "is too small")
		}
	}
	if least > most {
		fail("spec.minReplicaCount", "", "MinReplicaCount=%d must be less than or equal to MaxReplicaCount=%d", least, most)
	}
	if idle := s.IdleReplicaCount; idle != nil {
		switch {
		case *idle >= least:
			fail("spec.idleReplicaCount", "", "IdleReplicaCount=%d must be less than MinReplicaCount=%d", *idle, least)
		case *idle != 0:
			fail("spec.idleReplicaCount", "", "due to limitations in the HPA controller the only supported value is 0")
		}
	}
	if len(s.Triggers) == 0 {
		fail("spec.triggers", "", "no triggers defined in the ScaledObject")
	}
	if s.Advanced != nil && s.Advanced.ScalingModifiers != nil {
		fail("spec.advanced.scalingModifiers", "", "formulas over triggers are not offered")
	}
	annotations, _ := o.Metadata["annotations"].(map[string]any)
	for _, name := range []string{"autoscaling.keda.sh/paused", "autoscaling.keda.sh/paused-replicas"} {
		if _, ok := annotations[name]; ok {
			fail("metadata.annotations", "remove it, or use scaler: {static: …}", "%s pauses the scaler", name)
		}
	}
	return out
}

// autoscaler makes the HorizontalPodAutoscaler that KEDA makes: an External
// metric for each trigger.
func (p *plan) autoscaler(c *Config) {
	p.hpa = hpa.NewConfig()
	p.hpa.SyncPeriod = c.SyncPeriod
	out := map[string]any{
		"minReplicas": max(or(p.spec.MinReplicaCount, 0), 1),
		"maxReplicas": or(p.spec.MaxReplicaCount, defaultMax),
	}
	if a := p.spec.Advanced; a != nil && a.HPA != nil && a.HPA.Behavior != nil {
		out["behavior"] = a.HPA.Behavior
	}
	var metrics []any
	for i := range p.triggers {
		t := p.triggers[i]
		if t.external != nil {
			metrics = append(metrics, t.external.serve(p.hpa)...)
			continue
		}
		metrics = append(metrics, t.metric)
		if t.read != nil {
			p.hpa.Serve(t.name, func(o policies.Observation) (float64, bool) { v, err := t.value(o); return v, err == nil })
		}
	}
	out["metrics"] = metrics
	p.hpa.Spec = out
}

// ofScaledObject is where a field of the HorizontalPodAutoscaler comes from.
func ofScaledObject(path string) string {
	for _, x := range [][2]string{
		{"spec.behavior", "spec.advanced.horizontalPodAutoscalerConfig.behavior"}, {"spec.metrics", "spec.triggers"},
		{"spec.minReplicas", "spec.minReplicaCount"}, {"spec.maxReplicas", "spec.maxReplicaCount"},
	} {
		if rest, ok := strings.CutPrefix(path, x[0]); ok {
			if at := strings.Index(rest, "]"); x[1] == "spec.triggers" && at >= 0 {
				rest = rest[:at+1]
			}
			return x[1] + rest
		}
	}
	return path
}

// suits returns what the triggers want that the scenario does not have.
func (c *Config) suits(m policies.Model) []policies.Problem {
	p, problems := c.read()
	if len(problems) > 0 {
		return nil // Check has reported them
	}
	for i, t := range p.triggers {
		if t.schedule != nil && m.Start.IsZero() {
			problems = append(problems, policies.Problem{Path: fmt.Sprintf("spec.triggers[%d]", i),
				Message: "a cron trigger needs a date, and the scenario has none", Hint: "set the service's workload.trace.start"})
		}
	}
	for _, bad := range p.hpa.Suits(m) {
		bad.Path = ofScaledObject(bad.Path)
		problems = append(problems, bad)
	}
	return problems
}
