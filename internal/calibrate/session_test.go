package calibrate_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
	"github.com/kwatt-sim/kwatt/internal/calibrate/gputest"
	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/powerprofile"
)

// small is a plan with one cell of every kind.
func small() calibrate.Plan {
	p := calibrate.Quick()
	p.Grid = calibrate.Grid{Kernels: []calibrate.Kernel{calibrate.Memory, calibrate.Tensor}, Duties: []float64{0.5, 1}, Batches: []int{8, 32},
		Clocks: []float64{990}, Caps: []float64{300}, Saturating: 32, Again: true}
	return calibrate.NewPlan(p.Grid, p.Timing)
}

// session is a measurement of w into dir.
func session(t testing.TB, w *gputest.World, p calibrate.Plan, dir string, resume bool) *calibrate.Session {
	t.Helper()
	id, err := gputest.Device{World: w}.Identity()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := calibrate.OpenRaw(filepath.Join(dir, "raw.csv"), calibrate.NewHeader(id, calibrate.Versions{Driver: "550.54.15"}, p.Digest()), resume)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return &calibrate.Session{Device: gputest.Device{World: w}, Load: gputest.Load{World: w}, Clock: w, Plan: p, Raw: raw}
}

// profile builds the profile of what was measured.
func profile(t testing.TB, s *calibrate.Session, missing []powerprofile.Missing) *powerprofile.Profile {
	t.Helper()
	id, err := s.Device.Identity()
	if err != nil {
		t.Fatal(err)
	}
	p, err := calibrate.Profile("test-board", s.Plan, s.Raw.Complete(), id.Describe(""), powerprofile.Source{Load: "Builtin"}, missing)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestGolden(t *testing.T) {
	w, dir := gputest.New(1), t.TempDir()
	s := session(t, w, small(), dir, false)
	missing, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := profile(t, s, missing)
	out, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/small.yaml", out)
	if _, err := powerprofile.Parse(out, "small.yaml"); err != nil {
		t.Error(err)
	}
	if err := s.Raw.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(s.Raw.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes, %v", len(raw), w.Now().Sub(p.Spec.Source.Start))
}
