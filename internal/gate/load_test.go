package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

// TestGeneratedFiles holds the committed JSON Schema and the page to the types.
func TestGeneratedFiles(t *testing.T) {
	data, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "../../schema/gate.schema.json", data)
	_, tables, _ := strings.Cut(Reference(), "\n## The document\n")
	tables = strings.ReplaceAll(tables, "\n## ", "\n### ")
	golden.Page(t, "../../docs/gate.md", "testdata/gate.md.tmpl", template.FuncMap{"reference": func() string { return strings.TrimSpace(tables) }}, nil)
}

func badFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d broken gates, %v", len(files), err)
	}
	return files
}

// Every fault of a broken gate is reported, at its place and with a hint; -update
// writes what is said now.
func TestBrokenGates(t *testing.T) {
	for _, file := range badFiles(t) {
		_, err := Load(file)
		var faults schema.Errors
		if !errors.As(err, &faults) {
			t.Errorf("%s: %v, want faults", file, err)
			continue
		}
		golden.Check(t, strings.TrimSuffix(file, ".yaml")+".txt", []byte(filepath.ToSlash(err.Error())+"\n"))
	}
}

func TestTheJSONSchemaAgrees(t *testing.T) {
	data, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(schemaID, doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(schemaID)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(badFiles(t), "../../scenarios/gates/flash-sale.gate.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, faults := schema.Decode(text, file, &Gate{})
		broken := false
		for _, f := range faults {
			broken = broken || f.Class == schema.Structure
		}
		asJSON, err := yaml.YAMLToJSON(text)
		if err != nil {
			continue // not YAML
		}
		var value any
		in := json.NewDecoder(bytes.NewReader(asJSON))
		in.UseNumber()
		if err := in.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if verdict := compiled.Validate(value); (verdict != nil) != broken {
			t.Errorf("%s: Go says %v, the JSON Schema %v", file, faults, verdict)
		}
	}
}

func TestAGateThatCannotBeRead(t *testing.T) {
	_, err := Load("testdata/nowhere.yaml")
	var faults schema.Errors
	if !errors.Is(err, fs.ErrNotExist) || errors.As(err, &faults) {
		t.Errorf("Load says %v, want the file system's error", err)
	}
}

// Only what is checked is run, in the scenario's order.
func TestOnlyCheckedPoliciesAreRun(t *testing.T) {
	f := load(t, "    - {policy: lean, metric: energy_kwh, max: 1kWh}\n    - {policy: lean, metric: gpu_hours, max: 1h}\n")
	if got := f.Scenario.PolicyNames(); len(got) != 1 || got[0] != "lean" {
		t.Errorf("policies %v", got)
	}
	if first, count, most := f.Seeds(); first != 1 || count != 8 || most != 8 {
		t.Errorf("seeds from %d, %d of %d; the scenario has eight", first, count, most)
	}
}

func TestBaselineRoundTrip(t *testing.T) {
	f := load(t, energyCheck+"    - {policy: lean, service: ranker, metric: latency_p95_seconds, maxIncrease: 5ms}\n")
	runs := append(runsOf("static", "energy_kwh", 1, 2.5, 3), runsOf("lean", "latency_p95_seconds", 0.1, 0.25, 0.3)...)
	b := baselineOf(t, f, runs)
	if err := b.Write(f.BaselinePath()); err != nil {
		t.Fatal(err)
	}
	again, err := ReadBaseline(f.BaselinePath())
	if err != nil || !again.Same(b) || again.Kwatt != "v1" {
		t.Fatalf("%v\n%s", err, again.Encode())
	}
	if !json.Valid(b.Encode()) || b.Same(nil) {
		t.Errorf("%s", b.Encode())
	}
	if fig, ok := again.find(Check{Policy: "lean", Service: "ranker", Metric: "latency_p95_seconds"}); !ok || fig.Values[1] != 0.125 {
		t.Errorf("%+v", fig)
	}
	text := string(b.Encode())
	for name, c := range map[string]struct{ from, to, want string }{
		"another version": {`"schemaVersion": 1`, `"schemaVersion": 2`, "schemaVersion is 2, this binary reads 1"},
		"a figure edited": {"[1, 2.5, 3]", "[1, 2.5, 4]", "the mean of static energy_kwh is 2.5, not 2.16666667: the file was edited by hand"},
		"a figure lost":   {"[1, 2.5, 3]", "[1, 2.5]", "has 2 values for 3 seeds"},
		"arrivals lost":   {"[600, 601, 602]", "[600, 601]", "2 arrivals for 3 seeds"},
		"a seed twice":    {"[1, 2, 3]", "[1, 2, 2]", "each once"},
		"an extra field":  {`"gate"`, `"gaet"`, "gaet"},
		"not JSON":        {"{", "[", "base.json:1:1: not a baseline"},
	} {
		if !strings.Contains(text, c.from) {
			t.Fatalf("no %s in\n%s", c.from, text)
		}
		if err := os.WriteFile(f.BaselinePath(), []byte(strings.Replace(text, c.from, c.to, 1)), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := ReadBaseline(f.BaselinePath())
		var faults schema.Errors
		if !errors.As(err, &faults) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "--update-baseline") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b, err := ReadBaseline(filepath.Join(t.TempDir(), "none.json")); b != nil || err != nil {
		t.Errorf("a baseline that is not there: %v, %v", b, err)
	}
	delete(runs[0].Metrics, "energy_kwh")
	if _, err := Record(f, runs, "v1"); err == nil || !strings.Contains(err.Error(), "static has no energy_kwh with seed 1") {
		t.Errorf("a baseline without a figure: %v", err)
	}
}
