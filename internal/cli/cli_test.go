package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// Every broken scenario, trace and manifest of the table in internal/scenario
// ends with exit code 3 and exactly the message that stands beside it; the run
// command refuses it the same way and writes nothing.
func TestBrokenInputs(t *testing.T) {
	t.Chdir("../scenario")
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d broken inputs, %v; want at least 30", len(files), err)
	}
	for _, file := range files {
		want, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "results")
		for _, args := range [][]string{{"validate", file}, {"run", file, "--out", out}} {
			code, stdout, stderr := sim(t, args...)
			if code != exitInvalid || stdout != "" || strings.TrimSpace(stderr) != strings.TrimSpace(string(want)) {
				t.Errorf("sim %s: exit %d, stdout %q, stderr\n%swant\n%s", strings.Join(args, " "), code, stdout, stderr, want)
			}
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: results were written", file)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args   string
		code   int
		stderr string // a part of it
	}{
		{"", 0, ""},
		{"--version", 0, ""},
		{"frobnicate", 2, `unknown command "frobnicate"`},
		{"run", 2, "requires at least 1 arg"},
		{"run --speed 3 " + small, 2, "unknown flag: --speed"},
		{"run " + small + " --seeds 5..2", 2, "want A..B with A at most B"},
		{"run " + small + " --seeds x", 2, "want A..B"},
		{"run " + small + " --policy keda", 2, "the scenario has static, hpa, energy-aware, forecast"},
		{"run " + small + " -o xml", 2, "want text, json, none"},
		{"run " + small + " -o yaml", 2, "-o yaml goes with --dry-run"},
		{"run " + small + " -o json --dry-run", 2, "--dry-run prints yaml"},
		{"run " + small + " -j 0", 2, "want at least 1"},
		{"report testdata -o none", 2, "want text, json, md"},
		{"trace import testdata/requests.csv --format Count -o testdata/../testdata/requests.csv", 2, "is the file being read"},
		{"trace import testdata/requests.csv", 3, `column "requests" looks like a count per bin; say format Count`},
		{"trace import testdata/requests.csv --format Nope", 2, "want one of Rate, Count"},
		{"run " + small + " --color pink", 2, "want auto, always or never"},
		{"run " + small + " --set spec.seeds.cuont=3", 2, "did you mean count?"},
		{"run " + small + " --set nonsense", 2, "is not path=value"},
		{"run " + small + " --set spec.seeds.count=0 --dry-run", 3, "spec.seeds.count"},
		{"run testdata/absent.yaml", 4, "no such file"},
		{"validate testdata/absent.yaml", 4, "no such file"},
		{"report testdata", 4, "manifest.json"},
		{"explain spec.service", 2, "did you mean services?"},
		{"init --template huge", 2, "minimal"},
		{"power show nvidia-t5", 2, "nvidia-t4"},
		{"power", 2, "needs a subcommand"},
		{"profile list gpt", 2, "bert-base-ranker"},
		{"carbon list --year 1990", 2, "2021"},
		{"trace show taobao", 2, "taobao-2017"},
		{"trace import testdata/absent.csv", 4, "no such file"},
		{"trace import testdata/broken.csv", 3, "testdata/broken.csv:3"},
	} {
		code, _, stderr := sim(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stderr, c.stderr) {
			t.Errorf("sim %s: exit %d, want %d; stderr should contain %q:\n%s", c.args, code, c.code, c.stderr, stderr)
		}
	}
}

func TestDryRunPrintsTheEffectiveScenario(t *testing.T) {
	code, out, stderr := sim(t, "run", small, "--dry-run", "-o", "yaml", "--set", "spec.seeds.count=3")
	if code != exitOK {
		t.Fatal(stderr)
	}
	for _, line := range []string{"    count: 3", "      routing: LeastRequest", "    scrapeInterval: 15s"} {
		if !strings.Contains(out, "\n"+line+"\n") {
			t.Errorf("the effective scenario lacks %q:\n%s", line, out)
		}
	}
	if _, err := scenario.Parse([]byte(out), small, nil); err != nil {
		t.Errorf("the effective scenario does not load: %v", err)
	}
}

func TestInitOutputsAreValid(t *testing.T) {
	for _, template := range []string{"minimal", "flash-sale", "full"} {
		code, out, stderr := sim(t, "init", "--template", template)
		if code != exitOK {
			t.Fatal(stderr)
		}
		file := filepath.Join(t.TempDir(), "s.yaml")
		if err := os.WriteFile(file, []byte(out), 0o666); err != nil {
			t.Fatal(err)
		}
		if code, out, stderr := sim(t, "validate", file); code != exitOK || !strings.Contains(out, "valid") {
			t.Errorf("sim init --template %s is not valid: exit %d\n%s", template, code, stderr)
		}
	}
}

func TestLookUps(t *testing.T) {
	for args, want := range map[string]string{
		"schema":                         `"$schema": "https://json-schema.org/draft/2020-12/schema"`,
		"explain spec.services.batching": "maxQueueDelay",
		"trace list":                     "72 published, 144 estimated",
		"trace show worldcup98-final":    "Copyright (C) 1997, 1998, 1999 Hewlett-Packard Company",
		"power list":                     "nvidia-h100-sxm",
		"power show nvidia-h100-sxm":     "busy at batch 8",
		"profile list dlrm":              "tensorrt-fp16",
		"carbon list --year 2023":        "US-CAL-CISO",
		"completion bash":                "__start_sim",
	} {
		code, stdout, stderr := sim(t, strings.Fields(args)...)
		if code != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("sim %s: exit %d, want %q in\n%s%s", args, code, want, stdout, stderr)
		}
	}
}

func TestTraceImport(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.csv")
	code, stdout, stderr := sim(t, "trace", "import", "testdata/requests.csv", "--format", "Count", "-o", out)
	if code != exitOK || !strings.Contains(stdout, "missing  2024-05-01T00:02:00Z to 2024-05-01T00:03:00Z: 1 bins") {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	code, again, stderr := sim(t, "trace", "import", out)
	if code != exitOK || !strings.Contains(again, "mean 1.25 req/s, peak 2 req/s at 2024-05-01T00:03:00Z") {
		t.Errorf("the written trace reads differently: exit %d\n%s%s", code, again, stderr)
	}
	code, stdout, stderr = sim(t, "trace", "import", "testdata/azure.csv", "--format", "AzureLLM")
	if code != exitOK || !strings.Contains(stdout, "2 bins of 10s") {
		t.Errorf("Azure LLM format: exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestJSONOutputIsTheSummary(t *testing.T) {
	code, stdout, stderr := sim(t, "run", small, "--out", t.TempDir(), "-o", "json", "-q", "--seeds", "1")
	if code != exitOK || stderr != "" {
		t.Fatalf("exit %d, stderr %q", code, stderr)
	}
	var s struct {
		SchemaVersion int
		Policies      []struct{ Services map[string]any }
	}
	if err := json.Unmarshal([]byte(stdout), &s); err != nil || s.SchemaVersion != 1 || len(s.Policies) != 4 || len(s.Policies[0].Services) != 2 {
		t.Errorf("%v: %+v", err, s)
	}
}
