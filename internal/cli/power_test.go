package cli

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/golden"
)

const readings = "testdata/power-readings.csv"

// From readings to a run: fit, model, plot, and a scenario that takes the model.
func TestPowerFitToScenario(t *testing.T) {
	dir := t.TempDir()
	model, drawing := filepath.Join(dir, "My L4.yaml"), filepath.Join(dir, "fit.svg")
	code, stdout, stderr := sim(t, "power", "fit", readings, "--gpu", "nvidia-h100-sxm", "--context", "122W", "--cap", "0.7kW",
		"--source", "ML.ENERGY v3", "--date", "2025-12", "--grade", "A", "-o", model, "--plot", drawing)
	if code != exitOK || !strings.Contains(stderr, "gpu: {model: nvidia-h100-sxm, powerModel: My L4.yaml}") {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	golden.Check(t, "testdata/power-fit.txt", []byte(stdout))
	data, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/power-fit.yaml", data)
	checkSVG(t, drawing, "monotone curve", "context, 122 W", "predicted without this batch")

	code, stdout, stderr = sim(t, "power", "show", model, "--plot", drawing)
	if code != exitOK || !strings.Contains(stdout, "2025-12") || !strings.Contains(stdout, "ML.ENERGY v3") || !strings.Contains(stdout, "±3") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	checkSVG(t, drawing, "watts by batch", "bare, 72 W")

	s := `apiVersion: kwatt.dev/v1alpha1
kind: Scenario
metadata: {name: fitted}
spec:
  duration: 2m
  seeds: {count: 2}
  services:
    - {name: llm, workload: {trace: {constant: 20}}, model: {serviceTime: {mean: 100ms}}, batching: {maxBatch: 8}}
  cluster:
    nodePools: [{name: h100, gpu: {model: nvidia-h100-sxm, powerModel: My L4.yaml, powerCap: 450W}, nodes: {initial: 3}}]
  carbon: {constant: 100}
  policies: [{name: static, scaler: {static: {replicas: 3}}}]
`
	file := filepath.Join(dir, "s.yaml")
	if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr = sim(t, "run", file, "--out", filepath.Join(dir, "out"), "-q")
	for _, want := range []string{"uncertainty of the power figures", "a power cap of 450W", "nvidia-h100-sxm base"} {
		if code != exitOK || !strings.Contains(strings.Join(strings.Fields(stdout), " "), want) {
			t.Errorf("exit %d, no %q in\n%s%s", code, want, stdout, stderr)
		}
	}
}

// checkSVG wants a well-formed drawing that says these words.
func checkSVG(t *testing.T, path string, words ...string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(strings.NewReader(string(data)))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	for _, w := range words {
		if !strings.Contains(string(data), w) {
			t.Errorf("%s does not say %q", path, w)
		}
	}
}

func TestPowerFitOfAProfile(t *testing.T) {
	code, stdout, stderr := sim(t, "power", "fit", "../powerfile/testdata/profile.yaml")
	for _, want := range []string{"kernel tensor: 6 readings at 6 batches, grade B", "off by 0.4 % on average", "logistic"} {
		if code != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("exit %d, no %q in\n%s%s", code, want, stdout, stderr)
		}
	}
}

func TestPowerShowCap(t *testing.T) {
	code, stdout, stderr := sim(t, "power", "show", "nvidia-h100-sxm", "--cap", "400W")
	if code != exitOK || !strings.Contains(stdout, "690  400       1.31 X    -24%") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestPowerErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"power fit " + readings + " --curve spline", exitUsage, "want one of linear, sqrt, cubic, logistic, monotone"},
		{"power fit " + readings + " --context 122", exitUsage, `--context: "122" is not a power with its unit`},
		{"power fit " + readings + " --grade E", exitUsage, `--grade: unknown grade "E"`},
		{"power fit " + readings + " --kernel tensor", exitUsage, "no kernels to choose tensor from"},
		{"power fit " + readings + " -o " + readings, exitUsage, "is the file being read"},
		{"power fit " + readings + " -o " + dir + "/m.yaml", exitUsage, "say which GPU the model stands for: --gpu"},
		{"power fit " + readings + " --gpu acme -o " + dir + "/m.yaml", exitInvalid, "lacks capWatts, bare, context, host.base, host.perWatt, embodied.board, embodied.host"},
		{"power fit " + readings + " --gpu nvidia-t4 -o " + dir + "/m.yaml", exitInvalid, "687.7 W exceed the cap of 70 W"},
		{"power fit testdata/absent.csv", exitFiles, "no such file"},
		{"power fit testdata/broken.csv", exitInvalid, "want columns batch and watts"},
		{"power show testdata/absent.yaml", exitFiles, "no such file"},
		{"power show ../powerfile/testdata/profile.yaml", exitInvalid, "sim power fit makes one of it"},
		{"power show nvidia-t4 --cap 5", exitUsage, "is not a power with its unit"},
		{"power show nvidia-t4 --cap 5W", exitUsage, "below 32 W"},
		{"power show nvidia-t4 --plot " + dir + "/nowhere/p.svg", exitFiles, "write the plot"},
	} {
		code, _, stderr := sim(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stderr, c.stderr) {
			t.Errorf("sim %s: exit %d, want %d; stderr should contain %q:\n%s", c.args, code, c.code, c.stderr, stderr)
		}
	}
}

// The page is what the command prints.
func TestPowerValidatePrintsThePage(t *testing.T) {
	want, err := os.ReadFile("../../docs/power-accuracy.md")
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := sim(t, "power", "validate")
	if code != exitOK || stdout != string(want) {
		t.Errorf("exit %d, %d bytes, the page has %d\n%s", code, len(stdout), len(want), stderr)
	}
}
