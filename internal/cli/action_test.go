package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// actionStep is a step of action.yml.
type actionStep struct {
	ID, If, Shell, Run, Uses string
	Env                      map[string]string
}

func actionSteps(t *testing.T) map[string]actionStep {
	t.Helper()
	text, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Inputs map[string]struct{ Default string }
		Runs   struct {
			Using string
			Steps []actionStep
		}
	}
	if err := yaml.Unmarshal(text, &action); err != nil || action.Runs.Using != "composite" {
		t.Fatalf("action.yml: %v, using %q", err, action.Runs.Using)
	}
	steps := map[string]actionStep{}
	for _, s := range action.Runs.Steps {
		if s.Run != "" && (s.Shell != "bash" || strings.Contains(s.Run, "${{")) {
			t.Errorf("step %s: want shell bash and no expression in its script, which would be an injection", s.ID)
		}
		for _, value := range s.Env {
			name := strings.TrimSuffix(strings.TrimPrefix(value, "${{ inputs."), " }}")
			if _, ok := action.Inputs[name]; strings.Contains(value, "inputs.") && !ok {
				t.Errorf("step %s uses the input %q, which there is not", s.ID, name)
			}
		}
		steps[s.ID] = s
	}
	return steps
}

// run runs a step's script as a runner does, in the working directory.
func (s actionStep) run(t *testing.T, env ...string) (output string, code int) {
	t.Helper()
	script := filepath.Join(t.TempDir(), "step.sh")
	if err := os.WriteFile(script, []byte(s.Run), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", script)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// The action's scripts in a scratch repository, with this test as sim and a gh
// that writes down what it is asked. What needs GitHub's own runner is not here:
// setup-go, and the evaluation of expressions.
func TestActionInAScratchRepository(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash on this machine")
	}
	steps := actionSteps(t)
	smallGate(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	workspace, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	gh := "#!/bin/sh\nprintf '%s\\n' \"$*\" >> \"$GH_LOG\"\n[ -z \"$GH_FAIL\" ] || exit 1\ncase \"$*\" in *--paginate*) printf '%s' \"$GH_IDS\" ;; esac\n"
	if err := os.WriteFile(filepath.Join(bin, "gh"), []byte(gh), 0o777); err != nil {
		t.Fatal(err)
	}
	env := []string{
		"KWATT_TEST_AS_SIM=1", "GITHUB_ACTIONS=true", "GITHUB_WORKSPACE=" + workspace, "GITHUB_OUTPUT=output", "GITHUB_STEP_SUMMARY=summary.md",
		"GITHUB_REPOSITORY=shop/web", "GITHUB_REF=refs/pull/17/merge", "PATH=" + bin + ":" + os.Getenv("PATH"), "GH_LOG=gh.log",
		"SIM=" + self, "GATE=gates/shop.yaml", "REPORTS=ci", "UNTIL_DECIDED=false", "MAX_SEEDS=",
	}
	read := func(file string) string {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}

	out, code := steps["gate"].run(t, env...)
	if code != 0 || !strings.Contains(out, "gate shop: PASS") || !strings.Contains(read("output"), "verdict=pass\ncode=0\njunit=ci/gate.xml\n") {
		t.Fatalf("exit %d\n%s\n%s", code, out, read("output"))
	}
	replaceIn(t, "hpa.yaml", `"150"`, `"75"`)
	out, code = steps["gate"].run(t, append(env, "UNTIL_DECIDED=true", "MAX_SEEDS=14")...)
	if code != 0 || !strings.Contains(read("output"), "verdict=fail\ncode=99\n") || !strings.Contains(out, "::error file=gates/shop.yaml,line=10,title=kwatt gate shop::") {
		t.Fatalf("the step must end well for the comment to follow: exit %d\n%s", code, out)
	}
	if s := read("summary.md"); strings.Count(s, "<!-- kwatt-gate: shop -->") != 2 {
		t.Errorf("the summary of the two runs:\n%s", s)
	}

	for _, c := range []struct{ name, ids, want string }{
		{"the first comment", "", "api --silent --method POST repos/shop/web/issues/17/comments -F body=@ci/gate.md"},
		{"the comment again", "4711\n4712", "api --silent --method PATCH repos/shop/web/issues/comments/4711 -F body=@ci/gate.md"},
	} {
		os.Remove("gh.log")
		out, code := steps["comment"].run(t, append(env, "GH_IDS="+c.ids)...)
		log := strings.Split(strings.TrimSpace(read("gh.log")), "\n")
		if code != 0 || len(log) != 2 || log[1] != c.want || !strings.Contains(log[0], `startswith("<!-- kwatt-gate: shop -->")`) {
			t.Errorf("%s: exit %d, gh was asked\n%s\n%s", c.name, code, strings.Join(log, "\n"), out)
		}
	}
	if out, code := steps["comment"].run(t, append(env, "GH_FAIL=1")...); code != 0 || !strings.Contains(out, "::warning title=kwatt gate::the comment could not be written") {
		t.Errorf("without the permission: exit %d\n%s", code, out)
	}

	for _, c := range []struct {
		code, allow string
		want        int
	}{{"0", "false", 0}, {"99", "true", 99}, {"98", "false", 98}, {"98", "true", 0}, {"3", "true", 3}} {
		if out, code := steps["verdict"].run(t, "CODE="+c.code, "ALLOW_INCONCLUSIVE="+c.allow); code != c.want {
			t.Errorf("verdict of %s, allowed %s: exit %d, want %d\n%s", c.code, c.allow, code, c.want, out)
		}
	}
	out, _ = steps["gate"].run(t, append(env, "GATE=gates/nowhere.yaml")...)
	if !strings.Contains(read("output"), fmt.Sprintf("verdict=error\ncode=%d\n", exitFiles)) {
		t.Errorf("a gate that is not there:\n%s", out)
	}
	if _, err := os.Stat("ci/gate.md"); err == nil {
		t.Error("the report of the run before is taken for this one's")
	}
}

func TestGitLabExampleIsYAML(t *testing.T) {
	text, err := os.ReadFile("../../docs/examples/gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var jobs map[string]struct {
		Script    []string
		Artifacts struct {
			When    string
			Reports struct{ JUnit string }
		}
	}
	if err := yaml.Unmarshal(text, &jobs); err != nil {
		t.Fatal(err)
	}
	job := jobs["kwatt-gate"]
	if len(job.Script) != 2 || !strings.Contains(job.Script[1], "--junit "+job.Artifacts.Reports.JUnit) || job.Artifacts.When != "always" {
		t.Errorf("%+v", job)
	}
}
