package parity

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// docs/parity.md is made from the verified runs that are kept beside it.
func TestPageIsUpToDate(t *testing.T) {
	records, err := Read("../../results/parity")
	if err != nil || len(records) == 0 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	page, err := os.ReadFile("../../docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(page), string(Page(records))); d != "" {
		t.Errorf("make it anew with `replay parity > docs/parity.md`:\n%s", d)
	}
}

func record() *Record {
	r := Report{
		Policy: "hpa", Seed: 3, Period: 15,
		Trajectories: []Trajectory{{Service: "ranker", Looks: 4, Equal: 0.5, MeanAbsoluteError: 1, Most: 3, First: []int{2, 2, 4, 4}, Second: []int{2, 3, 7, 4}}},
		Placements:   Placements{Pods: 3, SamePool: 1, SameNode: 0.25},
		Metrics:      []Metric{{"latency_p95_seconds", 0.1, 0.104, 0.04}, {"energy_kwh", 100, 98, -0.02}},
	}
	return &Record{Scenario: "shop", Policy: "hpa", Seed: 3, Command: "replay verify shop.yaml", Duration: 60, Speed: 15, Nodes: 2, Pods: 4, Date: "2026-01-02",
		CPUs: 2, Load: 0.5, Versions: map[string]string{"kwatt": "v1"}, Lag: []string{"in step"}, Real: r, Again: &r}
}

func TestRecordOfAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "parity")
	r := record()
	for range 2 { // the second replaces the first
		path, err := r.Write(dir)
		if err != nil || filepath.Base(path) != "shop-hpa-3.json" {
			t.Fatalf("%s, %v", path, err)
		}
	}
	got, err := Read(dir)
	if err != nil || len(got) != 1 {
		t.Fatal(len(got), err)
	}
	if d := cmp.Diff(r, got[0]); d != "" {
		t.Error(d)
	}
	if err := os.WriteFile(filepath.Join(dir, "broken.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "broken.json") {
		t.Errorf("%v", err)
	}
}

func TestAims(t *testing.T) {
	r := record()
	want := []string{"the replicas of ranker are equal at 50.0 % of the looks, not 95 %", "energy differs by -2.00 %, more than 1 %"}
	if d := cmp.Diff(want, Default.Missed(&r.Real)); d != "" {
		t.Error(d)
	}
	r.Real.Trajectories[0].Equal, r.Real.Metrics[1].Error = 0.95, 0.01
	if missed := Default.Missed(&r.Real); len(missed) > 0 {
		t.Error(missed)
	}
}

func TestTextAndPage(t *testing.T) {
	r := record()
	var b bytes.Buffer
	if err := r.Real.Text(&b, [2]string{"sim", "real"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"equal at 50.0 % of 4 looks", "same node 25.0 %", "-2.00 %", "as sim/real: 15s–30s 2/3, 30s–45s 4/7"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, b.String())
		}
	}
	page := string(Page([]*Record{r}))
	for _, want := range []string{
		"| shop, hpa, 3 | sim and real | 50.0 % | 1.000 | 100.0 % | 25.0 % | +4.00 % | -2.00 % | – | missed |", "| shop, hpa, 3 | real and real |",
		"`replay verify shop.yaml`", "- aim missed: energy differs", "Two real runs",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}
