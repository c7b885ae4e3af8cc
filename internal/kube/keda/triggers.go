package keda

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/kwatt-sim/kwatt/internal/kube/hpa"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// trigger is one that can be asked for its value.
type trigger struct {
	name       string         // of the External metric: "s0-prometheus"
	metric     map[string]any // of the HorizontalPodAutoscaler
	activation float64        // active above it
	// read returns the value, false while there is none; nil for a resource, which
	// is no reason to be active.
	read       func(o policies.Observation) (float64, bool)
	external   *external // who is asked instead, for a trigger of that type
	nullIsZero bool
	schedule   *schedule
	epoch      time.Time // of the window's start, for the schedule
}

var errNoValue = errors.New("the query returned no value")

// value is what the trigger's External metric has now.
func (t *trigger) value(o policies.Observation) (float64, error) {
	switch v, ok := t.read(o); {
	case ok:
		return v, nil
	case t.nullIsZero && o.Valid:
		return 0, nil
	}
	return 0, errNoValue
}

// active reports whether there is something to do.
func (t *trigger) active(o policies.Observation) (bool, error) {
	if t.external != nil {
		return t.external.active(o)
	}
	if t.read == nil {
		return false, nil
	}
	if t.schedule != nil {
		return t.schedule.open(t.now(o.Now)), nil
	}
	v, err := t.value(o)
	return err == nil && v > t.activation, err
}

func (t *trigger) now(now vtime.Time) time.Time { return t.epoch.Add(time.Duration(now)) }

// trigger reads the i-th trigger.
func (c *Config) trigger(i int, s *triggerSpec) (*trigger, []policies.Problem) {
	t := &trigger{name: fmt.Sprintf("s%d-%s", i, s.Type)}
	path := fmt.Sprintf("spec.triggers[%d]", i)
	var problems []policies.Problem
	fail := func(field, hint, format string, args ...any) {
		problems = append(problems, policies.Problem{Path: path + field, Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	switch s.Type {
	case "cron":
		t.cron(s, fail)
	case "prometheus":
		t.prometheus(s, c.Queries, fail)
	case "cpu":
		t.cpu(s, fail)
	case "external":
		t.external = newExternal(i, s, c, fail)
	case "external-push":
		fail(".type", "want external: kwatt then asks IsActive at each poll, as KEDA does", "a trigger of type external-push is told when to wake, on the wall clock")
	default:
		fail(".type", "want cron, prometheus, cpu or external", "a trigger of type %q reads what the simulation does not have", s.Type)
	}
	return t, problems
}

// failer reports a fault of a field below a trigger.
type failer func(field, hint, format string, args ...any)

// goal is the metric of the HorizontalPodAutoscaler: AverageValue unless the
// trigger says Value.
func (t *trigger) goal(s *triggerSpec, target float64, fail failer) {
	s.checkType(fail)
	t.metric = externalMetric(t.name, s.MetricType, target)
}

func (s *triggerSpec) checkType(fail failer) {
	if s.MetricType != "" && s.MetricType != "AverageValue" && s.MetricType != "Value" {
		fail(".metricType", "want AverageValue or Value", "metric type %q is for cpu and memory triggers", s.MetricType)
	}
}

func externalMetric(name, metricType string, target float64) map[string]any {
	milli := fmt.Sprintf("%dm", int64(target*1000))
	goal := map[string]any{"type": "AverageValue", "averageValue": milli}
	if metricType == "Value" {
		goal = map[string]any{"type": "Value", "value": milli}
	}
	return map[string]any{"type": "External", "external": map[string]any{"metric": map[string]any{"name": name}, "target": goal}}
}

// schedule is a cron trigger's: open from start to end.
type schedule struct {
	start, end cron.Schedule
	zone       *time.Location
}

// open reports whether t lies in it: the next end comes before the next start.
func (s *schedule) open(t time.Time) bool {
	t = t.In(s.zone)
	return !s.start.Next(t).Before(s.end.Next(t))
}

func (t *trigger) cron(s *triggerSpec, fail failer) {
	sch := &schedule{}
	parse := func(field string) cron.Schedule {
		text := s.Metadata[field]
		parsed, err := cron.ParseStandard(text)
		if err != nil {
			fail(".metadata", `five fields: "30 7 * * *"`, "error parsing %s schedule %q: %v", field, text, err)
		}
		return parsed
	}
	sch.start, sch.end = parse("start"), parse("end")
	var err error
	if sch.zone, err = time.LoadLocation(s.Metadata["timezone"]); err != nil || s.Metadata["timezone"] == "" {
		fail(".metadata", "an IANA name such as Europe/Berlin", "unable to load timezone %q", s.Metadata["timezone"])
	}
	desired, err := strconv.Atoi(s.Metadata["desiredReplicas"])
	if err != nil || desired < 0 {
		fail(".metadata", `for example "10"`, "desiredReplicas %q is no count of replicas", s.Metadata["desiredReplicas"])
	}
	t.schedule = sch
	t.read = func(o policies.Observation) (float64, bool) {
		if sch.open(t.now(o.Now)) {
			return float64(desired), true
		}
		return 1, true
	}
	t.goal(s, 1, fail)
}

func (t *trigger) prometheus(s *triggerSpec, queries map[string]string, fail failer) {
	number := func(field string, otherwise float64) float64 {
		text, ok := s.Metadata[field]
		if !ok {
			return otherwise
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			fail(".metadata", "", "%s %q is not a number", field, text)
		}
		return v
	}
	t.activation = number("activationThreshold", 0)
	threshold := number("threshold", 0)
	if threshold < 0.001 {
		fail(".metadata", "", "threshold %q must be given, and above 0", s.Metadata["threshold"])
	}
	t.nullIsZero = s.Metadata["ignoreNullValues"] != "false"
	query := strings.TrimSpace(s.Metadata["query"])
	meant, ok := queries[query]
	if !ok {
		meant = query
	}
	if t.read = readerOf(meant); t.read == nil {
		fail(".metadata", "name a metric of docs/hpa.md, as service_requests_per_second or sum(requests_per_second), or say in queries what the query reads",
			"query %q reads what the simulation does not have", meant)
	}
	t.goal(s, threshold, fail)
}

// The queries that are understood: a metric of the service, or one of the pods
// under an aggregation, perhaps within rate. Labels and ranges are those of the
// service and of telemetry, whatever is written.
var (
	selector   = `([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{[^}]*\})?\s*(?:\[[^\]]*\])?`
	ofService  = regexp.MustCompile(`^` + selector + `$`)
	ofPods     = regexp.MustCompile(`^(sum|avg|max|min)\s*\(\s*` + selector + `\s*\)$`)
	ofPodsRate = regexp.MustCompile(`^(sum|avg|max|min)\s*\(\s*(?:rate|irate|avg_over_time)\s*\(\s*` + selector + `\s*\)\s*\)$`)
)

// readerOf returns what a query reads, nil where that is unknown.
func readerOf(query string) func(policies.Observation) (float64, bool) {
	if m := ofService.FindStringSubmatch(query); m != nil {
		if of := hpa.FindServiceMetric(m[1]); of != nil {
			return func(o policies.Observation) (float64, bool) {
				v, ok := of(o)
				return v, ok && o.Valid
			}
		}
		return nil
	}
	m := ofPods.FindStringSubmatch(query)
	if m == nil {
		m = ofPodsRate.FindStringSubmatch(query)
	}
	if m == nil {
		return nil
	}
	if of := hpa.FindPodMetric(m[2]); of != nil {
		return func(o policies.Observation) (float64, bool) { return aggregate(m[1], o, of) }
	}
	return nil
}

// aggregate is an aggregation over the pods that have metrics.
func aggregate(how string, o policies.Observation, of func(policies.PodMetrics) float64) (v float64, ok bool) {
	sum, n, least, most := 0.0, 0, math.Inf(1), math.Inf(-1)
	for _, p := range o.Pods {
		if p.HasMetrics {
			x := of(p.Metrics)
			sum += x
			least, most = min(least, x), max(most, x)
			n++
		}
	}
	if n == 0 {
		return 0, false
	}
	return map[string]float64{"sum": sum, "avg": sum / float64(n), "min": least, "max": most}[how], true
}

func (t *trigger) cpu(s *triggerSpec, fail failer) {
	kind := s.MetricType
	if kind == "" {
		kind = s.Metadata["type"] // before KEDA 2.18
	}
	goal := map[string]any{"type": kind}
	switch value := s.Metadata["value"]; kind {
	case "Utilization":
		percent, err := strconv.Atoi(value)
		if err != nil {
			fail(".metadata", `for example "60"`, "value %q is no utilization in per cent", value)
		}
		goal["averageUtilization"] = percent
	case "AverageValue":
		goal["averageValue"] = value
	default:
		fail(".metricType", "want Utilization or AverageValue", "metric type %q does not suit a cpu trigger", kind)
	}
	t.metric = map[string]any{"type": "Resource", "resource": map[string]any{"name": "cpu", "target": goal}}
}
