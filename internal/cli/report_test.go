package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// A page that is drawn again from the run's files is the one that the run wrote,
// heat maps of the nodes included; other files of the run do not depend on them.
func TestReportDrawsThePageAgain(t *testing.T) {
	var dirs []string
	for _, series := range []string{"nodes", "services"} {
		out := t.TempDir()
		code, _, stderr := sim(t, "run", small, "--out", out, "--policy", "static", "--policy", "energy-aware", "--seeds", "3..4", "--series", series)
		if code != exitOK {
			t.Fatal(stderr)
		}
		found, err := filepath.Glob(filepath.Join(out, "small", "*"))
		if err != nil || len(found) != 1 {
			t.Fatalf("results in %v, %v", found, err)
		}
		dirs = append(dirs, found[0])
	}
	nodes, plain := tree(t, dirs[0]), tree(t, dirs[1])
	code, page, stderr := sim(t, "report", dirs[0], "-o", "html", "--redraw")
	if code != exitOK || page != nodes[results.ReportFile] {
		t.Errorf("exit %d, %s: the page drawn again is another one", code, stderr)
	}
	if strings.Count(page, `id="chart-nodes-busy-`) != 2 || !strings.Contains(page, "seed 3, n = 1 of 2 seeds") {
		t.Error("the page lacks the heat maps of the nodes, or which seed they draw")
	}
	if hint := "For a heat map of the nodes: sim run small.yaml --policy static --policy energy-aware --seeds 3..4 --series nodes"; !strings.Contains(plain[results.ReportFile], hint) {
		t.Errorf("a page without the series does not say %q", hint)
	}
	for _, name := range []string{results.SummaryFile, results.TimeseriesFile, results.DecisionsFile, results.EffectiveFile} {
		if nodes[name] != plain[name] {
			t.Errorf("--series nodes changes %s", name)
		}
	}
	if code, page, stderr := sim(t, "report", dirs[1], "-o", "html", "--static-charts"); code != exitOK || !strings.Contains(page, `<svg class="drawing"`) || strings.Contains(page, "<script>") {
		t.Errorf("exit %d, %s: not a page of static charts", code, stderr)
	}
	if code, _, stderr := sim(t, "report", dirs[1], "--redraw"); code != exitUsage || !strings.Contains(stderr, "want -o html") {
		t.Errorf("--redraw for text: exit %d, %s", code, stderr)
	}
	if code, _, stderr := sim(t, "run", small, "--series", "pods"); code != exitUsage || !strings.Contains(stderr, "--series pods: want one of services, nodes") {
		t.Errorf("--series pods: exit %d, %s", code, stderr)
	}
	if err := os.Rename(filepath.Join(dirs[0], results.NodesFile), filepath.Join(dirs[0], "x.csv")); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := sim(t, "report", dirs[0]); code != exitFiles || !strings.Contains(stderr, results.NodesFile) {
		t.Errorf("a lost %s: exit %d, %s", results.NodesFile, code, stderr)
	}
}
