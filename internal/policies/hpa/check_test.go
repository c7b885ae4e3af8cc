package hpa

import (
	"math"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// valid is a manifest that passes.
func valid() *Config {
	c := newConfig().(*Config)
	c.File = "hpa.yaml"
	c.Object = HorizontalPodAutoscaler{
		APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler",
		Metadata: ObjectMeta{Name: "ranker", Namespace: "shop"},
		Spec: Spec{
			ScaleTargetRef: &CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "ranker"},
			MinReplicas:    ptr(int32(2)), MaxReplicas: 40,
			Metrics: []MetricSpec{
				perPod("requests_per_second"),
				external("service_requests_per_second", MetricTarget{Type: averageValue, AverageValue: ptr(Quantity("1k"))}),
			},
			Behavior: &Behavior{ScaleUp: &ScalingRules{
				StabilizationWindowSeconds: ptr(int32(60)),
				Policies:                   []ScalingPolicy{{"Pods", 4, 15}},
				Tolerance:                  ptr(Quantity("50m")),
			}},
		},
	}
	return c
}

func TestCheckPasses(t *testing.T) {
	if p := check(valid()); p != nil {
		t.Errorf("a valid manifest: %v", p)
	}
	c := newConfig().(*Config)
	c.File = "hpa.yaml"
	if p := check(c); p != nil {
		t.Errorf("a manifest that could not be read is the loader's fault to report: %v", p)
	}
	c.Spec = &Spec{MaxReplicas: 3, Metrics: []MetricSpec{perPod("queued_requests")}}
	c.File = ""
	if p := check(c); p != nil {
		t.Errorf("an inline spec without scaleTargetRef: %v", p)
	}
}

func TestCheckRefuses(t *testing.T) {
	pods := func(c *Config) *PodsMetric { return c.Object.Spec.Metrics[0].Pods }
	ext := func(c *Config) *ExternalMetric { return c.Object.Spec.Metrics[1].External }
	up := func(c *Config) *ScalingRules { return c.Object.Spec.Behavior.ScaleUp }
	resource := MetricSpec{Type: "Resource", Resource: &ResourceMetric{Name: "cpu", Target: MetricTarget{Type: "Utilization", AverageUtilization: ptr(int32(80))}}}
	for _, c := range []struct {
		set           func(*Config)
		path, message string // the message, or its beginning
		hint          string // a part of it
	}{
		{func(c *Config) { c.Spec = &Spec{} }, "spec", "manifest and spec are both set", ""},
		{func(c *Config) { c.File, c.Object = "", HorizontalPodAutoscaler{} }, "", "neither manifest nor spec is set", ""},
		{func(c *Config) { c.Object.Metadata.Name = "Ranker" }, "metadata.name", `"Ranker" is not a DNS subdomain`, ""},
		{func(c *Config) { c.Object.Metadata.Namespace = "a.b" }, "metadata.namespace", `"a.b" is not a DNS label`, ""},
		{func(c *Config) { c.Object.Spec.ScaleTargetRef = nil }, "spec.scaleTargetRef", "scaleTargetRef is required", ""},
		{func(c *Config) { c.Object.Spec.ScaleTargetRef.Name = "a/b" }, "spec.scaleTargetRef.name", `"a/b" may not contain / or %`, ""},
		{func(c *Config) { c.Object.Spec.ScaleTargetRef.Kind = ".." }, "spec.scaleTargetRef.kind", `may not be ".."`, ""},
		{func(c *Config) { c.Object.Spec.ScaleTargetRef.APIVersion = "v1" }, "spec.scaleTargetRef.apiVersion", "must specify an API group", "apps/v1"},
		{func(c *Config) { c.Object.Spec.ScaleTargetRef.APIVersion = "a/b/c" }, "spec.scaleTargetRef.apiVersion", `unexpected GroupVersion string: "a/b/c"`, ""},
		{func(c *Config) { c.Object.Spec.MinReplicas = ptr(int32(0)) }, "spec.minReplicas", "must be at least 1, found 0", "HPAScaleToZero"},
		{func(c *Config) { c.Object.Spec.MaxReplicas = 0 }, "spec.maxReplicas", "must be at least 1, found 0", ""},
		{func(c *Config) { c.Object.Spec.MaxReplicas = 1 }, "spec.maxReplicas", "maxReplicas 1 is below minReplicas 2", ""},
		{func(c *Config) { c.Object.Spec.Metrics = nil }, "spec.metrics", "no metric is given: Kubernetes would scale on CPU", "requests_per_second"},
		{func(c *Config) { c.Object.Spec.Metrics[0] = resource }, "spec.metrics[0].type", "metrics of type Resource are not offered yet", "use type Pods"},
		{func(c *Config) { c.Object.Spec.Metrics[0].Pods = nil }, "spec.metrics[0].pods", "must populate information for the given metric source", "the member pods"},
		{func(c *Config) { c.Object.Spec.Metrics[0].External = ext(c) }, "spec.metrics[0].external", "must populate the given metric source only", ""},
		{func(c *Config) { pods(c).Metric.Name = "qps" }, "spec.metrics[0].pods.metric.name", `unknown metric "qps": want one of requests_per_second, inflight_requests, queued_requests, DCGM_FI_DEV_GPU_UTIL`, ""},
		{func(c *Config) { ext(c).Metric.Name = "qps" }, "spec.metrics[1].external.metric.name", `unknown metric "qps": want one of service_requests_per_second, service_latency_p95_seconds`, ""},
		{func(c *Config) {
			pods(c).Target = MetricTarget{Type: "Utilization", AverageUtilization: ptr(int32(60))}
		}, "spec.metrics[0].pods.target.type", "a Pods metric has no Utilization", "use AverageValue"},
		{func(c *Config) { pods(c).Target = MetricTarget{Type: valueType, Value: ptr(Quantity("5"))} }, "spec.metrics[0].pods.target.averageValue", "must specify a positive target averageValue", "use AverageValue"},
		{func(c *Config) { pods(c).Target.AverageValue = ptr(Quantity("-1")) }, "spec.metrics[0].pods.target.averageValue", "must be positive, found -1", ""},
		{func(c *Config) { pods(c).Target.AverageValue = ptr(Quantity("5 req")) }, "spec.metrics[0].pods.target.averageValue", `"5 req" is not a quantity`, ""},
		{func(c *Config) { ext(c).Target.AverageValue = nil }, "spec.metrics[1].external.target.averageValue", "must set either a target value for metric or a per-pod target", ""},
		{func(c *Config) { ext(c).Target.Value = ptr(Quantity("1")) }, "spec.metrics[1].external.target.value", "may not set both", ""},
		{func(c *Config) {
			c.Object.Spec.Metrics[1] = MetricSpec{Type: "Object", Object: &ObjectMetric{
				DescribedObject: CrossVersionObjectReference{APIVersion: "v1", Kind: "Service", Name: "ranker"},
				Metric:          MetricIdentifier{Name: "service_requests_per_second"},
				Target:          MetricTarget{Type: valueType, AverageValue: ptr(Quantity("5"))},
			}}
		}, "spec.metrics[1].object.target.value", "type Value needs a value", ""},
		{func(c *Config) {
			pods(c).Metric.Selector = &LabelSelector{MatchLabels: map[string]string{"verb": "GET"}}
		}, "spec.metrics[0].pods.metric.selector.matchLabels", `simulated metrics carry no label "verb"`, ""},
		{func(c *Config) {
			pods(c).Metric.Selector = &LabelSelector{MatchExpressions: []LabelRequirement{{Key: "a", Operator: "Exists"}}}
		}, "spec.metrics[0].pods.metric.selector.matchExpressions", "match expressions are not offered", ""},
		{func(c *Config) { up(c).StabilizationWindowSeconds = ptr(int32(3601)) }, "spec.behavior.scaleUp.stabilizationWindowSeconds", "must lie between 0 and 3600, found 3601", ""},
		{func(c *Config) { up(c).Policies = []ScalingPolicy{} }, "spec.behavior.scaleUp.policies", "must hold at least one policy", ""},
		{func(c *Config) { up(c).Policies[0].Value = 0 }, "spec.behavior.scaleUp.policies[0].value", "must be at least 1, found 0", "Disabled"},
		{func(c *Config) { up(c).Policies[0].PeriodSeconds = 1801 }, "spec.behavior.scaleUp.policies[0].periodSeconds", "must lie between 1 and 1800, found 1801", ""},
		{func(c *Config) { up(c).Tolerance = ptr(Quantity("-10m")) }, "spec.behavior.scaleUp.tolerance", "must not be negative, found -10m", ""},
	} {
		cfg := valid()
		c.set(cfg)
		p := check(cfg)
		if len(p) != 1 || p[0].Path != c.path || !strings.HasPrefix(p[0].Message, c.message) || !strings.Contains(p[0].Hint, c.hint) {
			t.Errorf("want %s: %s (%s)\ngot %+v", c.path, c.message, c.hint, p)
		}
	}
}

func TestRegistered(t *testing.T) {
	kind, err := policies.Find("hpa")
	if err != nil {
		t.Fatal(err)
	}
	c := kind.NewConfig()
	m, ok := c.(policies.ManifestConfig)
	if !ok {
		t.Fatalf("%T is no ManifestConfig", c)
	}
	if path, into := m.Manifest(); path != "" || into != &c.(*Config).Object {
		t.Errorf("manifest %q into %T", path, into)
	}
	if p := kind.Check(c); len(p) != 1 {
		t.Errorf("an empty configuration: %v", p)
	}
}

func TestQuantity(t *testing.T) {
	for _, c := range []struct {
		q    Quantity
		want int64
	}{
		{"5", 5000}, {"100m", 100}, {"1k", 1_000_000}, {"1.5k", 1_500_000}, {".5", 500}, {"2.", 2000}, {"1e3", 1_000_000}, {"1E3", 1_000_000},
		{"1Ki", 1_024_000}, {"+3", 3000}, {"-3", -3000}, {"1u", 1}, {"0", 0}, {"1.0001", 1001}, {"3M", 3_000_000_000}, {"25e-1", 2500},
		{"1E", math.MaxInt64}, {"9e18", math.MaxInt64},
	} {
		if got, err := c.q.milli(); err != nil || got != c.want {
			t.Errorf("%s is %d thousandths (%v), want %d", c.q, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "k", "1 k", "1K", "1kk", "0x10", "1/2", "NaN", "1e", "5req", "1_000"} {
		q := Quantity("7")
		if err := q.UnmarshalText([]byte(bad)); err == nil || q != "7" {
			t.Errorf("%q is read as %s", bad, q)
		}
	}
	if spec := Quantity("").SchemaScalar(); !spec.Numbers || spec.Pattern != quantityForm {
		t.Errorf("%+v", spec)
	}
}
