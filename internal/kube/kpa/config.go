package kpa

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/kube/manifest"
	"github.com/kwatt-sim/kwatt/internal/policies"
)

// Config of Knative's pod autoscaler.
type Config struct {
	// File of a Knative Service as it would be applied to a cluster, relative to
	// the scenario file; its template's annotations and containerConcurrency count.
	File string `yaml:"manifest" kwatt:"required"`
	// Autoscaler is the data of the ConfigMap config-autoscaler, for example
	// {stable-window: 60s}; what is left out has Knative's default.
	Autoscaler map[string]string `yaml:"autoscaler,omitempty"`

	object map[string]any // what the manifest holds
}

// Manifest implements policies.ManifestConfig.
func (c *Config) Manifest() string { return c.File }

// SetManifest implements policies.ManifestConfig.
func (c *Config) SetManifest(object map[string]any) { c.object = object }

func init() {
	policies.Register(policies.Kind{
		Name:      "knative",
		NewConfig: func() any { return &Config{} },
		Check: func(config any) []policies.Problem {
			_, problems := config.(*Config).read()
			return problems
		},
		New: func(config any, m policies.Model) (policies.Scaler, error) { return newScaler(config.(*Config), m) },
	})
}

// service is serving.knative.dev/v1, as far as it bears on replicas.
type service struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       struct {
		Template struct {
			Metadata struct {
				Name        string            `json:"name"`
				Labels      map[string]string `json:"labels"`
				Annotations map[string]string `json:"annotations"`
			} `json:"metadata"`
			Spec map[string]any `json:"spec"`
		} `json:"template"`
		Traffic []any `json:"traffic"`
	} `json:"spec"`
	Status map[string]any `json:"status"`
}

// settings are what a revision is scaled by.
type settings struct {
	rps                         bool    // the metric is requests per second, else concurrency
	target                      float64 // of the metric per pod, utilisation included
	stable, panicking           time.Duration
	panicThreshold              float64 // times the ready pods
	upRate, downRate            float64
	min, max, initial, activate int32 // 0: no most, no initial scale of its own
	delay, grace, retention     time.Duration
	toZero                      bool
}

// The prefix of the annotations.
const prefix = "autoscaling.knative.dev/"

// reader reads settings and collects faults.
type reader struct {
	annotations, config map[string]string
	known               map[string]bool
	problems            []policies.Problem
}

func (r *reader) fail(path, format string, args ...any) {
	r.problems = append(r.problems, policies.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

const (
	atAnnotations = "spec.template.metadata.annotations"
	atConfig      = "autoscaler"
)

// text returns the annotation, the key of the ConfigMap, or otherwise; "" names none.
func (r *reader) text(annotation, key, otherwise string) (value, path string) {
	r.known[key] = true
	for _, name := range strings.Split(annotation, "|") {
		r.known[prefix+name] = true
		if v, ok := r.annotations[prefix+name]; ok && name != "" {
			return v, atAnnotations
		}
	}
	if v, ok := r.config[key]; ok && key != "" {
		return v, atConfig
	}
	return otherwise, ""
}

func (r *reader) number(annotation, key, otherwise string, least, most float64) float64 {
	text, path := r.text(annotation, key, otherwise)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= least) || v > most {
		r.fail(path, "%s %q: want a number from %g to %g", strings.Trim(annotation+", "+key, ", "), text, least, most)
	}
	return v
}

// longest is the longest duration that a setting can have.
const longest = time.Hour

func (r *reader) duration(annotation, key, otherwise string, least time.Duration) time.Duration {
	text, path := r.text(annotation, key, otherwise)
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > longest {
		r.fail(path, "%s %q: want a duration from %v to %v", strings.Trim(annotation+", "+key, ", "), text, least, longest)
	}
	return d
}

// read returns the settings, or all that is wrong with the manifest and the keys.
func (c *Config) read() (settings, []policies.Problem) {
	var o service
	if problems := manifest.Unmarshal(c.object, "serving.knative.dev/v1", "Service", &o); len(problems) > 0 {
		return settings{}, problems
	}
	r := &reader{annotations: o.Spec.Template.Metadata.Annotations, config: c.Autoscaler, known: map[string]bool{}}
	if class, path := r.text("class", "", "kpa.autoscaling.knative.dev"); class != "kpa.autoscaling.knative.dev" {
		r.fail(path, "class %s is not Knative's own autoscaler: use scaler hpa", class)
	}
	s := settings{
		stable:    r.duration("window", "stable-window", "60s", 6*time.Second),
		upRate:    r.number("", "max-scale-up-rate", "1000", 1.0001, 1e9),
		downRate:  r.number("", "max-scale-down-rate", "2", 1.0001, 1e9),
		min:       int32(r.number("min-scale|minScale", "min-scale", "0", 0, 1e6)),
		max:       int32(r.number("max-scale|maxScale", "max-scale", "0", 0, 1e6)),
		initial:   int32(r.number("initial-scale|initialScale", "initial-scale", "0", 0, 1e6)),
		activate:  int32(r.number("activation-scale", "", "1", 1, 1e6)),
		delay:     r.duration("scale-down-delay|scaleDownDelay", "scale-down-delay", "0s", 0),
		grace:     r.duration("", "scale-to-zero-grace-period", "30s", 6*time.Second),
		retention: r.duration("scale-to-zero-pod-retention-period|scaleToZeroPodRetentionPeriod", "scale-to-zero-pod-retention-period", "0s", 0),
	}
	share := r.number("panic-window-percentage|panicWindowPercentage", "panic-window-percentage", "10", 1, 100)
	s.panicking = max(time.Duration(share/100*float64(s.stable)).Round(time.Second), tick)
	s.panicThreshold = r.number("panic-threshold-percentage|panicThresholdPercentage", "panic-threshold-percentage", "200", 110, 1000) / 100
	toZero, _ := r.text("", "enable-scale-to-zero", "true")
	s.toZero = toZero == "true"
	r.target(&s, o.Spec.Template.Spec["containerConcurrency"])
	if s.max > 0 && s.min > s.max {
		r.fail(atAnnotations, "max-scale=%d is less than min-scale=%d", s.max, s.min)
	}
	r.unknown()
	return s, r.problems
}

// target is ResolveMetricTarget of pkg/reconciler/autoscaling/resources.
func (r *reader) target(s *settings, containerConcurrency any) {
	metric, path := r.text("metric", "", "concurrency")
	total := r.number("", "container-concurrency-target-default", "100", 0.01, 1e9)
	rps := r.number("", "requests-per-second-target-default", "200", 0.01, 1e9)
	// JSON and YAML readers make different numbers of it.
	limit, err := strconv.ParseFloat(fmt.Sprint(containerConcurrency), 64)
	if containerConcurrency == nil {
		limit, err = 0, nil
	}
	if err != nil || limit < 0 || limit > 1000 {
		r.fail("spec.template.spec.containerConcurrency", "%v: want 0 to 1000", containerConcurrency)
	}
	switch metric {
	case "concurrency":
		if limit > 0 {
			total = limit
		}
	case "rps":
		s.rps, total = true, rps
	default:
		r.fail(path, "metric %q: Knative's own autoscaler has concurrency and rps", metric)
	}
	if _, ok := r.annotations[prefix+"target"]; ok {
		total = r.number("target", "", "", 0.01, 1e9)
		if !s.rps && limit > 0 {
			total = math.Min(total, limit)
		}
	}
	r.known[prefix+"target"] = true
	share := r.number("target-utilization-percentage|targetUtilizationPercentage", "container-concurrency-target-percentage", "70", 1, 100)
	s.target = math.Max(0.01, total*share/100)
}

// unknown refuses what would be read over. Keys that bear on the proxy alone are left.
func (r *reader) unknown() {
	for _, name := range []string{"target-burst-capacity", "targetBurstCapacity"} {
		r.known[prefix+name], r.known[name] = true, true
	}
	for _, key := range []string{"pod-autoscaler-class", "activator-capacity", "allow-zero-initial-scale", "max-scale-limit", "_example"} {
		r.known[key] = true
	}
	for _, x := range []struct {
		path string
		keys map[string]string
	}{{atAnnotations, r.annotations}, {atConfig, r.config}} {
		for _, key := range slices.Sorted(maps.Keys(x.keys)) {
			if !r.known[key] && (x.path == atConfig || strings.HasPrefix(key, prefix)) {
				r.fail(x.path, "unknown key %s", key)
			}
		}
	}
}
