package experiment

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// Every scenario that ships compiles: its profiles, GPUs, manifests and scalers
// fit together, and the static fleets fit their pools.
func TestShippedScenariosCompile(t *testing.T) {
	files, err := filepath.Glob("../../scenarios/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d scenarios, %v", len(files), err)
	}
	for _, file := range files {
		for _, c := range compile(t, file, nil) {
			for i, s := range c.Services {
				room := 0
				for k, p := range c.Cluster.Pools {
					if need := c.Cluster.Services[i].Needs[k]; need.Part > 0 {
						room += p.Max * p.Node.GPUs * int(1/need.Part+0.5)
					}
				}
				if s.Initial < 1 || s.Initial > room {
					t.Errorf("%s, policy %s: %s starts with %d replicas, there is room for %d", file, c.Policy, s.Name, s.Initial, room)
				}
			}
		}
	}
}

func TestProvenanceOfTheDemo(t *testing.T) {
	f, err := scenario.Load("../../scenarios/ecommerce-recsys.yaml")
	if err != nil {
		t.Fatal(err)
	}
	grades, notes := Provenance(f)
	if grades.Carbon != grade.A || grades.ServiceTime != grade.X || grades.Power != grade.X {
		t.Errorf("grades %+v, want carbon A, service time X and power X", grades)
	}
	for _, want := range []struct{ kind, part string }{
		{results.NoteSource, "Tianchi data set 649"},
		{results.NoteSource, "NVIDIA/TensorRT@007c347"},
		{results.NoteSource, "Electricity Maps (2025). Germany 2024 hourly Carbon Intensity Data"},
		{results.NoteAssumption, "multiplied by 15.3"},
		{results.NoteAssumption, "The trace is of 2017 and the carbon series of 2024"},
		{results.NoteAssumption, "Embodied carbon (grade X)"},
	} {
		found := false
		for _, n := range notes {
			found = found || n.Kind == want.kind && strings.Contains(n.Text, want.part)
		}
		if !found {
			t.Errorf("no %s says %q:\n%+v", want.kind, want.part, notes)
		}
	}
}

func TestProvenanceOfStatedFigures(t *testing.T) {
	f, err := scenario.Parse([]byte(`
apiVersion: kwatt.dev/v1alpha1
kind: Scenario
metadata: {name: stated}
spec:
  services:
    - name: s
      workload: {trace: {constant: 10}}
      model: {serviceTime: {mean: 10ms}}
      gpu: {share: 0.5}
  cluster: {nodePools: [{name: p, gpu: {model: nvidia-t4}, nodes: {initial: 1}}]}
  carbon: {constant: 300}
  policies: [{name: static, scaler: {static: {replicas: 1}}}]
`), "stated.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	grades, notes := Provenance(f)
	if grades.Carbon != grade.X || grades.ServiceTime != grade.X {
		t.Errorf("grades %+v: what the user states is grade X", grades)
	}
	var texts []string
	for _, n := range notes {
		texts = append(texts, n.Kind+": "+n.Text)
	}
	all := strings.Join(texts, "\n")
	for _, want := range []string{
		"assumption: Service s: the service time is stated in the scenario.",
		"assumption: Service s: time-slicing is modelled with every share held reserved",
		"assumption: Carbon intensity: constant, as stated in the scenario.",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no note %q in\n%s", want, all)
		}
	}
}
