package scenario

import (
	"io"
	"strings"
	"testing"
)

// A run's name rests on what a scenario means and on the bytes of the files it
// names: a comment must not cost a user the replications that are kept.
func TestDigestIsOfTheFilesNamed(t *testing.T) {
	const (
		yaml = `apiVersion: kwatt.dev/v1alpha1
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
  policies: [{name: static, scaler: {static: {replicas: 1}}}]
`
		rates = "time,rate\n2024-05-01T00:00:00Z,10\n2024-05-01T00:01:00Z,20\n"
	)
	digest := func(scenario, trace string) string {
		t.Helper()
		f, err := Parse([]byte(scenario), "d.yaml", func(string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(trace)), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return f.Digest()
	}
	want := digest(yaml, rates)
	if got := digest("# A remark.\n"+yaml, rates); got != want {
		t.Errorf("a comment in the scenario changes the digest: %s, was %s", got, want)
	}
	if got := digest(yaml, strings.Replace(rates, ",20", ",21", 1)); got == want {
		t.Error("another rate in the trace leaves the digest as it was")
	}
}
