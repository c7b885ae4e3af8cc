package scenario

import (
	"io"
	"slices"
	"strings"
	"testing"
)

const fingerprinted = `apiVersion: kwatt.dev/v1alpha1
kind: Scenario
metadata: {name: d}
spec:
  duration: 1m
  services:
    - name: s
      workload: {trace: {file: rates.csv}}
      model: {serviceTime: {mean: 10ms}}
  cluster: {nodePools: [{name: p, gpu: {model: nvidia-t4}, nodes: {initial: 1}}]}
  carbon: {constant: 300}
  policies: [{name: hpa, scaler: {hpa: {manifest: hpa.yaml}}}]
`

const fingerprintedHPA = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: s}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: s}
  maxReplicas: 2
  metrics: [{type: Pods, pods: {metric: {name: requests_per_second}, target: {type: AverageValue, averageValue: "10"}}}]
`

// What a policy is put to has a fingerprint of its own: a policy's change leaves
// it, any other moves the part that was changed and no other.
func TestFingerprint(t *testing.T) {
	const rates = "time,rate\n2024-05-01T00:00:00Z,10\n2024-05-01T00:01:00Z,20\n"
	of := func(text, hpa, trace string) Fingerprint {
		t.Helper()
		f, err := Parse([]byte(text), "d.yaml", func(path string) (io.ReadCloser, error) {
			if path == "hpa.yaml" {
				return io.NopCloser(strings.NewReader(hpa)), nil
			}
			return io.NopCloser(strings.NewReader(trace)), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		p, err := f.Fingerprint()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	base := of(fingerprinted, fingerprintedHPA, rates)
	edit := func(from, to string) string {
		if !strings.Contains(fingerprinted, from) {
			t.Fatalf("no %q", from)
		}
		return strings.Replace(fingerprinted, from, to, 1)
	}
	promised := strings.Replace(fingerprinted, "{serviceTime: {mean: 10ms}}", "{serviceTime: {mean: 10ms}}\n      slo: {latency: {p95: 1s}}", 1)
	if d := of(promised, fingerprintedHPA, rates).Differences(of(promised+"  regret: true\n", fingerprintedHPA, rates)); len(d) > 0 {
		t.Errorf("bounds beside the policies change %v", d)
	}
	for _, c := range []struct {
		name             string
		text, hpa, trace string
		want             []string
	}{
		{"nothing", fingerprinted, fingerprintedHPA, rates, nil},
		{"a remark", "# so\n" + fingerprinted, fingerprintedHPA, rates, nil},
		{"the manifest", fingerprinted, strings.Replace(fingerprintedHPA, `"10"`, `"20"`, 1), rates, nil},
		{"the policy", edit("{hpa: {manifest: hpa.yaml}}", "{static: {replicas: 1}}"), "", rates, nil},
		{"the seeds", edit("  services:", "  seeds: {count: 3}\n  services:"), fingerprintedHPA, rates, nil},
		{"a default, written out", edit("{constant: 300}", "{constant: 300, pue: 1.2}"), fingerprintedHPA, rates, nil},
		{"the trace", fingerprinted, fingerprintedHPA, strings.Replace(rates, ",20", ",21", 1), []string{"files"}},
		{"the grid and the model", strings.Replace(edit("constant: 300", "constant: 301"), "10ms", "11ms", 1), fingerprintedHPA, rates, []string{"spec.carbon", "spec.services"}},
	} {
		if got := of(c.text, c.hpa, c.trace).Differences(base); !slices.Equal(got, c.want) {
			t.Errorf("%s: parts %v, want %v", c.name, got, c.want)
		}
	}
	if got := base.Differences(Fingerprint{}); len(got) != len(base) {
		t.Errorf("against nothing: %v", got)
	}
}
