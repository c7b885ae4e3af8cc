package results

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func nodePoints() []NodePoint {
	return []NodePoint{
		{T: 60, Node: "t4-0", Pool: "t4", OnRatio: 1, GPUBusyRatio: ptr(2.0 / 3)},
		{T: 60, Node: "t4-1", Pool: "t4"},
		{T: 120, Node: "t4-0", Pool: "t4", OnRatio: 0.25, BootRatio: 0.25, AsleepRatio: 0.5, GPUBusyRatio: ptr(0)},
		{T: 120, Node: "t4-1", Pool: "t4", BootRatio: 1.0 / 3},
	}
}

// The series of nodes survives the directory, up to rounding; the runs without one
// leave no file.
func TestNodesSurviveTheDirectory(t *testing.T) {
	runs := testRuns(2, 1)
	runs[0].Nodes = nodePoints()
	dir := filepath.Join(t.TempDir(), "abc")
	if err := Write(dir, testBundle(t, runs)); err != nil {
		t.Fatal(err)
	}
	read, err := ReadRuns(dir)
	if err != nil {
		t.Fatal(err)
	}
	var want []NodePoint
	for _, p := range nodePoints() {
		want = append(want, p.Rounded())
	}
	for i, r := range read {
		if i > 0 {
			want = nil
		}
		if d := cmp.Diff(want, r.Nodes); d != "" {
			t.Errorf("%s, seed %d: %s", r.Policy, r.Seed, d)
		}
	}
	if err := Verify(dir); err != nil {
		t.Error(err)
	}
	if err := Write(dir, testBundle(t, testRuns(2, 1))); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, NodesFile)); err == nil {
		t.Error("a run without the series leaves a file")
	}
}

func TestNodesNameTheirFaults(t *testing.T) {
	var b bytes.Buffer
	bad := &Run{Policy: "hpa", Seed: 3, Nodes: []NodePoint{{T: 60, Node: "t4-0", GPUBusyRatio: ptr(math.NaN())}}}
	if err := writeNodes(&b, []*Run{bad}); err == nil || !strings.Contains(err.Error(), "policy hpa seed 3 t=60s: gpu_busy_ratio is NaN") {
		t.Errorf("%v", err)
	}
	header := strings.Join(nodeColumns, ",") + "\n"
	for text, want := range map[string]string{
		"policy,seed\n":                                                 "line 1: the columns",
		header + "hpa,1,60,t4-0,t4,1,0,0,0.5,7":                         "record on line 2",
		header + "hpa,x,60,t4-0,t4,1,0,0,0.5":                           "line 2: seed",
		header + "hpa,1,60,t4-0,t4,1,0,0,\nhpa,1,60,t4-0,t4,1,no,0,0.5": "line 3: boot_ratio",
		header + "hpa,1,60,t4-0,t4,1,0,0,much":                          "line 2: gpu_busy_ratio",
	} {
		if err := readNodes(strings.NewReader(text), map[RunKey][]NodePoint{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
