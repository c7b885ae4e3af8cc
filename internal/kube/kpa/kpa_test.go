package kpa

import (
	"os"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

func parse(t *testing.T, text string) *Config {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	c := &Config{}
	c.SetManifest(object)
	return c
}

// revision is a Service with these annotations, without their prefix.
func revision(spec string, annotations ...string) string {
	text := "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: ranker}\nspec:\n  template:\n    metadata:\n      annotations:\n        note: mine\n"
	for _, a := range annotations {
		text += "        autoscaling.knative.dev/" + a + "\n"
	}
	return text + "    spec: {" + spec + "}\n"
}

func newTest(t *testing.T, c *Config) *scaler {
	t.Helper()
	s, err := newScaler(c, policies.Model{Service: "ranker"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// cluster is a revision whose pods are ready at once; load is the concurrency of
// all, or the req/s.
type cluster struct {
	s        *scaler
	now      time.Duration
	replicas int
	reason   string
}

func (c *cluster) until(end time.Duration, load float64) int {
	for ; c.now < end; c.now += c.s.Interval() {
		o := policies.Observation{Now: vtime.At(c.now), Valid: true, Desired: c.replicas, Ready: c.replicas, ArrivalRate: load}
		for range c.replicas {
			o.Pods = append(o.Pods, policies.Pod{HasMetrics: true, Metrics: policies.PodMetrics{InFlight: load / float64(c.replicas)}})
		}
		d := c.s.Decide(o)
		c.replicas, c.reason = d.Replicas, d.Reason
	}
	return c.replicas
}

// The defaults of config-autoscaler: concurrency 100 a pod, 70 % of it aimed at.
func TestTargets(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       float64
		rps        bool
	}{
		{"defaults", revision(""), 70, false},
		{"target", revision("", `target: "50"`), 35, false},
		{"utilisation", revision("", `target: "50"`, `target-utilization-percentage: "100"`), 50, false},
		{"hard limit", revision("containerConcurrency: 10"), 7, false},
		{"the smaller of both", revision("containerConcurrency: 10", `target: "50"`), 7, false},
		{"soft below hard", revision("containerConcurrency: 100", `target: "50"`), 35, false},
		{"req/s", revision("", "metric: rps"), 140, true},
		{"req/s at a target, whatever the limit", revision("containerConcurrency: 10", "metric: rps", `target: "150"`), 105, true},
	} {
		s, problems := parse(t, c.text).read()
		if len(problems) > 0 || s.target != c.want || s.rps != c.rps {
			t.Errorf("%s: target %v, rps %v, want %v; %v", c.name, s.target, s.rps, c.want, problems)
		}
	}
	s, _ := parse(t, revision("")).read()
	if s.stable != time.Minute || s.panicking != 6*time.Second || s.panicThreshold != 2 || s.upRate != 1000 || s.downRate != 2 || !s.toZero || s.grace != 30*time.Second {
		t.Errorf("the defaults are not Knative's: %+v", s)
	}
	c := parse(t, revision("", "window: 100s", `panic-window-percentage: "20"`))
	c.Autoscaler = map[string]string{"stable-window": "30s", "container-concurrency-target-default": "40", "_example": "…"}
	if s, problems := c.read(); s.stable != 100*time.Second || s.panicking != 20*time.Second || s.target != 28 || len(problems) > 0 {
		t.Errorf("annotations over the ConfigMap: %+v, %v", s, problems)
	}
}

// A steady load asks for ⌈average/target⌉ pods; a slow rise follows the stable
// window, and a fall does so too, at most by half at a time.
func TestStable(t *testing.T) {
	c := &cluster{s: newTest(t, parse(t, revision("", `target: "10"`, `target-utilization-percentage: "100"`))), replicas: 1}
	if got := c.until(time.Minute, 15); got != 2 {
		t.Errorf("15 at once: %d pods", got)
	}
	if got := c.until(2*time.Minute, 25); got != 3 {
		t.Errorf("25 at once: %d pods: %s", got, c.reason)
	}
	// Half a window at 25 and half at 5 is 15.
	if got := c.until(2*time.Minute+31*time.Second, 5); got != 2 || !strings.HasPrefix(c.reason, "stable: ") {
		t.Errorf("half a window after a fall: %d pods: %s", got, c.reason)
	}
	if got := c.until(3*time.Minute+2*time.Second, 5); got != 1 {
		t.Errorf("a window after a fall: %d pods", got)
	}
}

// "If the panic window's value asks for panic-threshold times the pods, panic
// mode starts": it scales by the short window, never down, and ends when the
// stable window has passed without that.
func TestPanic(t *testing.T) {
	c := &cluster{s: newTest(t, parse(t, revision("", `target: "10"`, `target-utilization-percentage: "100"`))), replicas: 2}
	c.s.started = true // as after a long life
	c.until(time.Minute, 15)
	at := c.now
	if got := c.until(at+6*time.Second, 100); got != 10 || !strings.HasPrefix(c.reason, "panic: ") {
		t.Fatalf("100 at once for a panic window: %d pods: %s", got, c.reason)
	}
	if got := c.until(at+50*time.Second, 10); got != 10 {
		t.Errorf("in panic it went down to %d", got)
	}
	if got := c.until(at+80*time.Second, 10); got >= 10 || !strings.HasPrefix(c.reason, "stable: ") {
		t.Errorf("a window after the panic: %d pods: %s", got, c.reason)
	}
	// Below the threshold there is none.
	c = &cluster{s: newTest(t, parse(t, revision("", `target: "10"`, `target-utilization-percentage: "100"`, `panic-threshold-percentage: "1000"`))), replicas: 2}
	c.s.started = true
	c.until(time.Minute, 15)
	if got := c.until(c.now+6*time.Second, 100); got == 10 || !strings.HasPrefix(c.reason, "stable: ") {
		t.Errorf("below the threshold: %d pods: %s", got, c.reason)
	}
	// With several pods it starts in panic, so that it does not go down without history.
	c = &cluster{s: newTest(t, parse(t, revision(""))), replicas: 5}
	if got := c.until(50*time.Second, 1); got != 5 {
		t.Errorf("at the start it went down to %d", got)
	}
}

// The example in the source: a rate of 1.1, 3 at once, 2 pods, a target of 1 is
// 3 pods, not the 2.2 that the rate allows; and down at most by the rate.
func TestRates(t *testing.T) {
	c := parse(t, revision("", `target: "1"`, `target-utilization-percentage: "100"`))
	c.Autoscaler = map[string]string{"max-scale-up-rate": "1.1", "max-scale-down-rate": "3"}
	s := newTest(t, c)
	if n, _ := s.scale(policies.Observation{Ready: 2}, 3, 3); n != 3 {
		t.Errorf("%d pods, want 3", n)
	}
	s = newTest(t, c)
	if n, _ := s.scale(policies.Observation{Ready: 20}, 100, 1); n != 22 {
		t.Errorf("up by a tenth: %d pods, want 22", n)
	}
	if n, _ := newTest(t, c).scale(policies.Observation{Ready: 20}, 1, 1); n != 6 {
		t.Errorf("down to a third: %d pods, want 6", n)
	}
}

// To zero a grace period after the last request left the stable window, and back
// with the next; retention and enable-scale-to-zero hold the last pod.
func TestToZero(t *testing.T) {
	c := &cluster{s: newTest(t, parse(t, revision(""))), replicas: 1}
	c.until(time.Minute, 5)
	at := c.now
	if got := c.until(at+88*time.Second, 0); got != 1 {
		t.Errorf("within window and grace period: %d pods", got)
	}
	if got := c.until(at+92*time.Second, 0); got != 0 {
		t.Errorf("after both: %d pods", got)
	}
	if got := c.until(c.now+2*time.Second, 3); got != 1 {
		t.Errorf("with the next requests: %d pods", got)
	}
	c = &cluster{s: newTest(t, parse(t, revision("", "scale-to-zero-pod-retention-period: 5m"))), replicas: 1}
	if got := c.until(4*time.Minute, 0); got != 1 {
		t.Errorf("within the retention: %d pods", got)
	}
	if got := c.until(6*time.Minute, 0); got != 0 {
		t.Errorf("after the retention: %d pods", got)
	}
	off := parse(t, revision(""))
	off.Autoscaler = map[string]string{"enable-scale-to-zero": "false"}
	c = &cluster{s: newTest(t, off), replicas: 1}
	if got := c.until(time.Hour, 0); got != 1 {
		t.Errorf("without scaling to zero: %d pods", got)
	}
}

func TestBoundsActivationAndDelay(t *testing.T) {
	c := &cluster{s: newTest(t, parse(t, revision("", `target: "10"`, `min-scale: "2"`, `max-scale: "4"`))), replicas: 1}
	if got := c.until(10*time.Second, 0); got != 2 {
		t.Errorf("min-scale: %d pods", got)
	}
	if got := c.until(2*time.Minute, 500); got != 4 {
		t.Errorf("max-scale: %d pods", got)
	}
	c = &cluster{s: newTest(t, parse(t, revision("", `activation-scale: "3"`))), replicas: 0}
	if got := c.until(2*time.Second, 1); got != 3 {
		t.Errorf("activation-scale: %d pods", got)
	}
	c = &cluster{s: newTest(t, parse(t, revision("", `target: "10"`, `target-utilization-percentage: "100"`, "scale-down-delay: 5m"))), replicas: 1}
	c.until(2*time.Minute, 30)
	if got := c.until(6*time.Minute, 5); got != 3 {
		t.Errorf("within scale-down-delay: %d pods", got)
	}
	if got := c.until(9*time.Minute, 5); got != 1 {
		t.Errorf("after scale-down-delay: %d pods", got)
	}
	s := newTest(t, parse(t, revision("", `initial-scale: "6"`)))
	if d := s.Decide(policies.Observation{Desired: 2}); d.Replicas != 6 {
		t.Errorf("initial-scale: %+v", d)
	}
}

func TestRefused(t *testing.T) {
	for want, text := range map[string]string{
		"kind: want Service, found Route":                                               strings.Replace(revision(""), "Service", "Route", 1),
		"spec.template.metadata.annotations: class hpa.autoscaling":                     revision("", "class: hpa.autoscaling.knative.dev"),
		`spec.template.metadata.annotations: metric "cpu"`:                              revision("", "metric: cpu"),
		`spec.template.metadata.annotations: target "lots"`:                             revision("", "target: lots"),
		"spec.template.metadata.annotations: unknown key autoscaling.knative.dev/targt": revision("", `targt: "5"`),
		`spec.template.metadata.annotations: window, stable-window "2s"`:                revision("", "window: 2s"),
		"spec.template.metadata.annotations: max-scale=2 is less":                       revision("", `min-scale: "3"`, `max-scale: "2"`),
		"spec.template.spec.containerConcurrency: -1":                                   revision("containerConcurrency: -1"),
		`spec.templates: unknown field "spec.templates"`:                                strings.Replace(revision(""), "  template:", "  templates:", 1),
	} {
		_, problems := parse(t, text).read()
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Path+": "+problems[0].Message, want) {
			t.Errorf("want %s, got %v", want, problems)
		}
	}
	c := parse(t, revision(""))
	c.Autoscaler = map[string]string{"stable-windw": "60s"}
	if _, problems := c.read(); len(problems) != 1 || problems[0].Message != "unknown key stable-windw" || problems[0].Path != "autoscaler" {
		t.Errorf("%v", problems)
	}
}

func TestTheScenariosManifest(t *testing.T) {
	text, err := os.ReadFile("../../../scenarios/manifests/knative-service.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, problems := parse(t, string(text)).read()
	if len(problems) > 0 || !s.rps || s.target != 56 || s.min != 1 || s.max != 40 {
		t.Errorf("%+v, %v", s, problems)
	}
}
