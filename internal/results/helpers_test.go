package results

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/decisions"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/rng"
)

var testPolicies = []string{"static", "hpa", "forecast"}

func ptr(x float64) *float64 { return &x }

// testRun makes up a run whose figures have more digits than are kept. The
// seed moves all policies together, as common random numbers do.
func testRun(policy string, seed uint64, points int) *Run {
	noise := rng.New(seed).Stream("test")
	own := rng.New(seed).Stream("test", policy)
	factor := map[string]float64{"static": 1, "hpa": 0.7, "forecast": 0.6}[policy]
	r := &Run{
		Policy: policy, Seed: seed, Metrics: metrics.Values{}, Services: map[string]metrics.Values{"ranker": {}},
		Ledger:        Ledger{Arrivals: 1000, Served: 990, Dropped: 5, TimedOut: 3, InFlight: 2},
		EnergyByGrade: [grade.Count]float64{0.25, 0.5, 0, 0.25},
		Decisions:     []decisions.Entry{{T: 1.0 / 3, Service: "ranker", Kind: "scale", From: 1, To: 2, Reason: "p95 > 200 ms & rising"}},
	}
	for _, m := range metrics.Catalogue() {
		x := (100 + 5*noise.Norm()) * factor * (1 + 0.01*own.Norm())
		r.Metrics[m.Name] = x
		if m.PerService {
			r.Services["ranker"][m.Name] = x
		}
	}
	for i := range points {
		t := float64(i) * 60
		r.Points = append(r.Points,
			Point{T: t, Service: "ranker", ArrivalRate: ptr(math.Pi * t), LatencyP95: ptr(0.1 / 3), Queued: ptr(0)},
			Point{T: t, NodesOn: ptr(4), FacilityWatts: ptr(1e6 / 7)})
	}
	return r
}

func testRuns(seeds, points int) []*Run {
	var runs []*Run
	for _, p := range testPolicies {
		for s := 1; s <= seeds; s++ {
			runs = append(runs, testRun(p, uint64(s), points))
		}
	}
	return runs
}

var testInputs = Inputs{
	Scenario: "demo", Effective: []byte("kind: Scenario\n"), Policies: testPolicies,
	Grades: Grades{Power: grade.B, Carbon: grade.X},
	Notes:  []Note{{NoteSource, "Taobao <user> behaviour"}},
}

func testBundle(t *testing.T, runs []*Run) Bundle {
	t.Helper()
	s, err := Summarise(runs, testInputs)
	if err != nil {
		t.Fatal(err)
	}
	return Bundle{
		Manifest:  Manifest{Tool: "kwatt sim", Started: "2026-01-01T00:00:00Z", Command: []string{"sim", "run"}},
		Effective: testInputs.Effective, Summary: s, Runs: runs,
		Report: []byte("<html></html>"), Markdown: []byte("# demo\n"),
	}
}

// tree returns the contents of all files below dir, by path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
