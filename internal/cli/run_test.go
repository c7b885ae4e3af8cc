package cli

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// sim runs the command in process and returns its exit code and output.
func sim(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Sim(testEnv(t.Context(), &out, &errs, args...))
	return code, out.String(), errs.String()
}

func testEnv(ctx context.Context, stdout, stderr io.Writer, args ...string) Env {
	return Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr,
		Getenv: func(string) string { return "" }, Now: time.Now, Context: ctx,
	}
}

const small = "testdata/small.yaml"

// tree reads a results folder: path → bytes, without the manifest.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == results.ManifestFile {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		files[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Same seed, same bytes: with one worker or several, on one processor or more.
func TestResultsDoNotDependOnParallelism(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var want map[string]string
	var wantOut string
	for _, c := range []struct {
		procs int
		jobs  string
	}{{0, "1"}, {0, "2"}, {0, "7"}, {1, "1"}, {1, "4"}} {
		runtime.GOMAXPROCS(c.procs)
		out := t.TempDir()
		code, stdout, stderr := sim(t, "run", small, "-j", c.jobs, "--out", out)
		if code != exitOK {
			t.Fatalf("-j %s: exit %d\n%s", c.jobs, code, stderr)
		}
		got := tree(t, out)
		if want == nil {
			want, wantOut = got, stdout
		}
		if len(got) != 7 {
			t.Errorf("-j %s: %d files, want 7 besides the manifest", c.jobs, len(got))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("GOMAXPROCS=%d -j %s: the results differ:\n%.2000s", c.procs, c.jobs, d)
		}
		if stdout != wantOut {
			t.Errorf("GOMAXPROCS=%d -j %s: stdout differs", c.procs, c.jobs)
		}
	}
}

// cancelAfter cancels a context once a text has been written.
type cancelAfter struct {
	bytes.Buffer
	text   string
	cancel context.CancelFunc
}

func (c *cancelAfter) Write(b []byte) (int, error) {
	n, err := c.Buffer.Write(b)
	if strings.Contains(c.String(), c.text) {
		c.cancel()
	}
	return n, err
}

// Ctrl-C in mid-run keeps what finished; --resume goes on to the same bytes.
func TestInterruptAndResume(t *testing.T) {
	whole, cut := t.TempDir(), t.TempDir()
	if code, _, stderr := sim(t, "run", small, "--out", whole); code != exitOK {
		t.Fatal(stderr)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stderr := &cancelAfter{text: "3/8 ", cancel: cancel}
	var stdout bytes.Buffer
	code := Sim(testEnv(ctx, &stdout, stderr, "run", small, "--out", cut, "-j", "1"))
	if code != exitInterrupted || !strings.Contains(stderr.String(), "interrupted: 3 of 8 replications are kept in ") || stdout.Len() > 0 {
		t.Fatalf("exit %d, stdout %q, stderr\n%s", code, stdout.String(), stderr.String())
	}
	if !strings.Contains(stderr.String(), "go on with:\n  sim run "+small+" --out "+cut+" -j 1 --resume") {
		t.Errorf("the message does not say how to go on:\n%s", stderr.String())
	}
	if _, err := os.Stat(filepath.Join(cut, "small")); err != nil {
		t.Fatal(err)
	}
	code, _, errs := sim(t, "run", small, "--out", cut, "--resume")
	if code != exitOK || !strings.Contains(errs, "3 of 8 replications are there from an earlier run") || !strings.Contains(errs, "5/5 ") {
		t.Fatalf("resume: exit %d\n%s", code, errs)
	}
	if d := cmp.Diff(tree(t, whole), tree(t, cut)); d != "" {
		t.Errorf("an interrupted run ends in other bytes:\n%.2000s", d)
	}
}

func TestRunThenReport(t *testing.T) {
	out := t.TempDir()
	code, stdout, stderr := sim(t, "run", small, "--out", out, "--policy", "hpa", "--policy", "static", "--seeds", "5..6")
	if code != exitOK {
		t.Fatal(stderr)
	}
	dirs, err := filepath.Glob(filepath.Join(out, "small", "*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("results in %v, %v", dirs, err)
	}
	code, again, stderr := sim(t, "report", dirs[0])
	if code != exitOK || again != stdout {
		t.Errorf("exit %d: report prints something else than run\n%s%s", code, stderr, cmp.Diff(stdout, again))
	}
	for format, want := range map[string]string{"text": stdout, "md": "# small", "html": "<!DOCTYPE html>", "json": "{\n"} {
		if code, text, stderr := sim(t, "report", dirs[0], "--format", format); code != exitOK || !strings.HasPrefix(text, want) {
			t.Errorf("--format %s: exit %d, %s%.60q, want it to begin with %.60q", format, code, stderr, text, want)
		}
	}
	if code, _, stderr := sim(t, "report", dirs[0], "--format", "pdf"); code != exitUsage || !strings.Contains(stderr, "want text, json, md, html") {
		t.Errorf("--format pdf: exit %d, %s", code, stderr)
	}
	if strings.Index(stdout, "hpa") > strings.Index(stdout, "static") {
		t.Error("--policy does not set the order")
	}
	summary, err := os.ReadFile(filepath.Join(dirs[0], results.MarkdownFile))
	if err != nil || !strings.Contains(string(summary), "sim run small.yaml --policy hpa --policy static --seeds 5..6") {
		t.Errorf("summary.md does not say how to reproduce it: %v\n%s", err, summary)
	}
	// A file that was touched is found out.
	if err := os.WriteFile(filepath.Join(dirs[0], results.SummaryFile), []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := sim(t, "report", dirs[0]); code != exitFiles || !strings.Contains(stderr, results.SummaryFile) {
		t.Errorf("a changed summary.json: exit %d\n%s", code, stderr)
	}
}

func TestUnwritableResults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := sim(t, "run", small, "--out", file)
	if code != exitFiles || stdout != "" || !strings.Contains(stderr, file) {
		t.Errorf("exit %d\n%s", code, stderr)
	}
	if b, _ := os.ReadFile(file); string(b) != "mine" {
		t.Error("the file in the way was touched")
	}
}

// TestRegret: the flag and the field are the same, and reports show what comes of it.
func TestRegret(t *testing.T) {
	dir := t.TempDir()
	args := []string{"run", small, "--policy", "static", "--seeds", "1", "--out", dir, "--set", "spec.duration=6m", "--set", "spec.services[classifier].slo={latency: {p95: 1s}}"}
	code, stdout, stderr := sim(t, append(args, "--regret")...)
	if code != exitOK || !strings.Contains(stdout, "energy over least-energy") || !strings.Contains(stderr, "sim: bound best-static, level") {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	code, again, stderr := sim(t, append(args, "-q", "--set", "spec.regret=true")...)
	if code != exitOK || again != stdout {
		t.Errorf("the field gives another result than the flag: exit %d\n%s%s", code, again, stderr)
	}
	if code, stdout, _ = sim(t, append(args, "-q", "--regret", "-o", "json")...); code != exitOK || !strings.Contains(stdout, `"bound": "least-carbon"`) || !strings.Contains(stdout, `"sloKept": 0`) {
		t.Errorf("exit %d\n%s", code, stdout)
	}
	if code, _, stderr = sim(t, "run", small, "--regret"); code != exitInvalid || !strings.Contains(stderr, "spec.regret: service classifier promises no latency") {
		t.Errorf("without a promise: exit %d\n%s", code, stderr)
	}
}
