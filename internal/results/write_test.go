package results

import (
	"errors"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWriteReadRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo", "abc")
	runs := testRuns(3, 2)
	b := testBundle(t, runs)
	slices.Reverse(b.Runs) // Write sorts
	if err := Write(dir, b); err != nil {
		t.Fatal(err)
	}
	if err := Verify(dir); err != nil {
		t.Error(err)
	}
	s, m, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(b.Summary, s); d != "" {
		t.Errorf("summary: %s", d)
	}
	if m.Tool != "kwatt sim" || len(m.Files) != 7 {
		t.Errorf("manifest: %+v", m)
	}
	got, err := ReadRuns(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(roundedRuns(testRuns(3, 2)), got); d != "" {
		t.Errorf("runs: %s", d)
	}
}

// roundedRuns is what of runs a results directory keeps.
func roundedRuns(runs []*Run) []*Run {
	for _, r := range runs {
		r.Metrics = roundValues(r.Metrics)
		r.Services, r.EnergyByGrade, r.Warnings = nil, [4]float64{}, nil
		for i := range r.Points {
			for _, c := range columns {
				if x := *c.field(&r.Points[i]); x != nil {
					*x = Round(*x)
				}
			}
		}
		for i := range r.Decisions {
			r.Decisions[i].T = Round(r.Decisions[i].T)
		}
	}
	return runs
}

func TestWriteReplaces(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "abc")
	if err := Write(dir, testBundle(t, testRuns(2, 1))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "stale.txt"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, testBundle(t, testRuns(3, 1))); err != nil {
		t.Fatal(err)
	}
	files := slices.Sorted(maps.Keys(tree(t, parent)))
	want := []string{"abc/decisions.jsonl", "abc/manifest.json", "abc/report.html", "abc/scenario.effective.yaml",
		"abc/summary.json", "abc/summary.md", "abc/timeseries.csv", "abc/timeseries.parquet"}
	if d := cmp.Diff(want, files); d != "" {
		t.Error(d)
	}
	if entries, _ := os.ReadDir(parent); len(entries) != 1 {
		t.Errorf("%d entries beside the results, want none", len(entries)-1)
	}
}

func TestWriteRefuses(t *testing.T) {
	parent := t.TempDir()
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	withNaN := testBundle(t, testRuns(2, 1))
	withNaN.Runs[0].Points[0].LatencyP95 = ptr(math.NaN())
	stranger := testBundle(t, testRuns(2, 1))
	stranger.Runs = append(stranger.Runs, &Run{Policy: "x", Seed: 3})
	other := testBundle(t, testRuns(2, 1))
	other.Effective = []byte("kind: Other")
	good := testBundle(t, testRuns(2, 1))
	for _, c := range []struct {
		name, dir string
		bundle    Bundle
		want      string
	}{
		{"a folder of something else", parent, good, "write results to " + parent + ": it exists and holds no manifest.json, so it is not a results directory: choose another"},
		{"below a file", filepath.Join(file, "abc"), good, "not a directory"},
		{"a file", file, good, "not a directory"},
		{"NaN", filepath.Join(parent, "r"), withNaN, "timeseries.csv: policy static seed 1 t=0s: latency_p95_seconds is NaN: want a finite number"},
		{"unlisted policy", filepath.Join(parent, "r"), stranger, `the summary lacks policy "x" of seed 3`},
		{"another scenario", filepath.Join(parent, "r"), other, "the summary was made from another effective scenario"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Write(c.dir, c.bundle)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want it to say %q", err, c.want)
			}
			if d := cmp.Diff(map[string]string{"file": "mine"}, tree(t, parent)); d != "" {
				t.Errorf("left behind: %s", d)
			}
		})
	}
}

// fullDisk accepts a number of bytes over all files, then none.
type fullDisk struct {
	output
	left *int
	path string
}

func (f fullDisk) Write(b []byte) (int, error) {
	if len(b) > *f.left {
		return 0, &fs.PathError{Op: "write", Path: f.path, Err: syscall.ENOSPC}
	}
	*f.left -= len(b)
	return f.output.Write(b)
}

func TestFullDiskLeavesTheOldResult(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "abc")
	if err := Write(dir, testBundle(t, testRuns(2, 1))); err != nil {
		t.Fatal(err)
	}
	before := tree(t, parent)
	b := testBundle(t, testRuns(3, 2))
	for space := 0; ; space += 2000 {
		left := space
		err := write(dir, b, func(path string) (output, error) {
			f, err := createFile(path)
			return fullDisk{f, &left, path}, err
		})
		if err == nil {
			if space == 0 {
				t.Fatal("a full disk is no error")
			}
			break
		}
		if !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(err.Error(), "write results to "+dir+": ") ||
			!strings.HasSuffix(err.Error(), ": write: no space left on device") {
			t.Fatalf("with %d bytes: %v", space, err)
		}
		if d := cmp.Diff(before, tree(t, parent)); d != "" {
			t.Fatalf("with %d bytes the tree changed: %s", space, d)
		}
	}
	if err := Verify(dir); err != nil {
		t.Error(err)
	}
}

func TestVerifyFindsAllFaults(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "abc")
	if err := Write(dir, testBundle(t, testRuns(2, 1))); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, SummaryFile), []byte("{}"), 0o666),
		os.Remove(filepath.Join(dir, ParquetFile)),
		os.WriteFile(filepath.Join(dir, "extra"), nil, 0o666),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	err := Verify(dir)
	for _, want := range []string{"summary.json: changed", "no timeseries.parquet", "extra: not in the manifest"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Verify says %v, want %q in it", err, want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "abc")
	if _, _, err := Read(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if err := Write(dir, testBundle(t, testRuns(2, 1))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file, text, want string
		read             func() error
	}{
		{SummaryFile, `{"schemaVersion": 2, "policies": 3}`, "summary.json: schemaVersion is 2, this binary reads 1", func() error { _, _, err := Read(dir); return err }},
		{SummaryFile, `{`, "summary.json: unexpected end", func() error { _, err := ReadSummary(filepath.Join(dir, SummaryFile)); return err }},
		{TimeseriesFile, "a,b\n", "timeseries.csv: line 1: the columns are not those", func() error { _, err := ReadPoints(dir); return err }},
		{TimeseriesFile, strings.Join(csvHeader(), ",") + "\nhpa,1,x" + strings.Repeat(",", len(csvHeader())-3) + "\n", "timeseries.csv: line 2: t_seconds", func() error { _, err := ReadPoints(dir); return err }},
		{DecisionsFile, "{}\n{\"t\": \"x\"}\n", "decisions.jsonl: line 2", func() error { _, err := ReadDecisions(dir); return err }},
	} {
		if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := c.read(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want it to say %q", c.file, err, c.want)
		}
	}
}
