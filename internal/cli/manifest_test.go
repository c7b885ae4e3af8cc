package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// The pull request that kwatt is for: it edits a manifest that a scenario
// names, and the outcome changes. What an API server would refuse is refused,
// in its words and where it stands.
func TestAnEditedManifestChangesTheOutcome(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "scenario.yaml")
	edit := func(path, from, to string) {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), from) {
			t.Fatalf("%s has no %q: %v", path, from, err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(b), from, to, 1)), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(dir, os.DirFS("../../scenarios")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "ecommerce-recsys.yaml"), file); err != nil {
		t.Fatal(err)
	}
	edit(file, "duration: 24h", "duration: 20m")
	run := func() (id string, s results.Summary) {
		t.Helper()
		code, stdout, stderr := sim(t, "run", file, "--policy", "hpa", "--seeds", "1..1", "--out", filepath.Join(dir, "out"), "-o", "json", "--color", "never")
		if err := json.Unmarshal([]byte(stdout), &s); err != nil || code != exitOK {
			t.Fatalf("exit %d, %v\n%s", code, err, stderr)
		}
		_, path, _ := strings.Cut(stderr, "report  ")
		return filepath.Base(filepath.Dir(path)), s
	}
	manifest := filepath.Join(dir, "manifests", "hpa.yaml")
	energy := func(s results.Summary) float64 { return s.Policies[0].Metrics["energy_kwh"].Mean }

	before, was := run()
	edit(manifest, `averageValue: "400"`, `averageValue: "200"`)
	after, is := run()
	if before == after || energy(is) <= energy(was) {
		t.Errorf("half the target: run %s drew %v kWh, run %s %v kWh; want another run that draws more", before, energy(was), after, energy(is))
	}

	edit(manifest, `{type: AverageValue, averageValue: "200"}`, `{type: Utilization, averageUtilization: 70}`)
	code, _, stderr := sim(t, "validate", file)
	want := "hpa.yaml:14:9: spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue (hint: use AverageValue)"
	if code != exitInvalid || !strings.Contains(stderr, want) {
		t.Errorf("exit %d\n%swant\n%s", code, stderr, want)
	}
}
