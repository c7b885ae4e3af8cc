package powerfile

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/powerfit"
)

func TestProfileOfACalibration(t *testing.T) {
	r, err := ReadReadings("testdata/profile.yaml", "")
	if err != nil {
		t.Fatal(err)
	}
	if r.Load != "tensor" || r.GPU != "nvidia-h100-sxm" || !r.Synthetic || r.Source.Grade != "B" || r.Source.Date != "2026-01" {
		t.Errorf("%+v", r)
	}
	if len(r.Data.Points) != 6 || r.Data.Points[5] != (powerfit.Point{Batch: 32, Watts: 620, SE: 0.2}) || r.Data.Context != 120 {
		t.Errorf("%+v", r.Data)
	}
	if len(r.Duty) != 1 || r.Duty[0] != (DutyReading{1, 0.5, 210}) {
		t.Errorf("%+v", r.Duty)
	}
	// Bare drifted by 2 W: half of it is uncertain.
	close6(t, "bare", r.Bare.Watts, 73)
	close6(t, "uncertainty of bare", *r.Bare.Uncertainty, significant(math.Hypot(math.Hypot(0.025, 0.05/72), 1.0/72), 2))
	if r.Bare.Grade != "B" || r.Context.Grade != "A" {
		t.Errorf("grades %s and %s, want B and A", r.Bare.Grade, r.Context.Grade)
	}
	// Of 620 W the cap of 370 W leaves half of what is above the context, that of
	// 495 W three quarters.
	wantCaps := []CapPoint{{Ratio: 0.5, Slowdown: 1.5}, {Ratio: 0.75, Slowdown: 1.1}, {Ratio: 1, Slowdown: 1}}
	if len(r.Caps) != len(wantCaps) {
		t.Fatalf("%+v", r.Caps)
	}
	for i, w := range wantCaps {
		close6(t, "ratio", r.Caps[i].Ratio, w.Ratio)
		close6(t, "slowdown", r.Caps[i].Slowdown, w.Slowdown)
	}
	// At 950 MHz two batches say 200/500 and 189/420, and both take twice as long.
	wantClocks := []ClockPoint{{MHz: 950, Slowdown: 2, Dynamic: 0.425}, {MHz: 1400, Slowdown: 1.333, Dynamic: 0.7}, {MHz: 1900, Slowdown: 1, Dynamic: 1}}
	if len(r.Clocks) != len(wantClocks) {
		t.Fatalf("%+v", r.Clocks)
	}
	for i, w := range wantClocks {
		close6(t, "clock", r.Clocks[i].MHz, max(w.MHz, map[int]float64{2: 1980}[i]))
		close6(t, "slowdown", r.Clocks[i].Slowdown, w.Slowdown)
		close6(t, "dynamic", r.Clocks[i].Dynamic, w.Dynamic)
	}
}

// A fitted model is one that a scenario takes, with the curve's watts.
func TestFitBecomesAModel(t *testing.T) {
	r, err := ReadReadings("testdata/profile.yaml", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range powerfit.Families() {
		fit, err := powerfit.Do(r.Data, family)
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.Model("mine", r.GPU, fit)
		if err != nil {
			t.Fatalf("%s: %v", family, err)
		}
		out, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(strings.NewReader(string(out)), "mine.yaml")
		if err != nil {
			t.Fatalf("%s: %v\n%s", family, err, out)
		}
		g, err := again.GPU()
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range g.Busy {
			if want := min(fit.Chosen.Curve.At(float64(b.Batch)), 700); math.Abs(b.Watts.Value-want) > 0.06 {
				t.Errorf("%s: %g W at batch %d, the curve has %g W", family, b.Watts.Value, b.Batch, want)
			}
			// The kernel is no model: its watts are 9 % uncertain as anybody's.
			if u := b.Watts.Rel; u < workloadSpread || u > 1.5 {
				t.Errorf("%s: uncertainty %g at batch %d", family, u, b.Batch)
			}
		}
		if last := g.Busy[len(g.Busy)-1].Batch; g.Busy[0].Batch != 1 || last != 32 {
			t.Errorf("%s: batches %d to %d, want 1 to 32", family, g.Busy[0].Batch, last)
		}
		if f := again.Spec.Fit; f.Curve != family || f.Batches != 6 || f.HeldOut == nil || f.HeldOut.Batches != 4 {
			t.Errorf("%s: %+v", family, f)
		}
	}
}

func TestKernelsThatAreNotThere(t *testing.T) {
	for load, want := range map[string]string{
		"fp32":   `no busy readings of kernel "fp32" to fit (it has readings of memory, tensor)`,
		"memory": "",
	} {
		r, err := ReadReadings("testdata/profile.yaml", load)
		if want == "" && (err != nil || len(r.Data.Points) != 1) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", load, err, want)
		}
	}
}

func csvFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "r.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCSV(t *testing.T) {
	r, err := ReadReadings(csvFile(t, "# a comment\nwhen, Watts, batch, std\nnow, 110.5, 8, 1.5\nlater, 120, 16,\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	if r.Source.Grade != "B" || len(r.Data.Points) != 2 || r.Data.Points[0] != (powerfit.Point{Batch: 8, Watts: 110.5, SE: 1.5}) || r.Data.Points[1].SE != 0 {
		t.Errorf("%+v", r)
	}
	for want, text := range map[string]string{
		"r.csv:1:1: holds nothing (hint: want a header batch,watts":          "",
		`r.csv:1:1: the header is "a,b" (hint: want columns batch and watts`: "a,b\n1,2\n",
		"r.csv:1:1: has a header and no readings":                            "batch,watts\n",
		`r.csv:2:3: column watts: "x" is not a number of at least 0.001`:     "batch,watts\n1,x\n",
		`r.csv:3:1: column batch: "0" is not a number of at least 1`:         "batch,watts\n1,5\n0,5\n",
		`r.csv:2:5: column std: "-1" is not a number of at least 0`:          "batch,watts,std\n1,5,-1\n",
		`r.csv:2:3: column watts: "NaN" is not a number of at least 0.001`:   "batch,watts\n1,NaN\n",
		"r.csv:3:1: wrong number of fields":                                  "batch,watts\n1,2\n1,2,3\n",
		`r.csv:2:1: column batch: "" is not a number of at least 1` + "\n":   "batch,watts\n,x\n",
	} {
		if _, err := ReadReadings(csvFile(t, text), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
	}
	if _, err := ReadReadings(csvFile(t, "batch,watts\n1,2\n"), "tensor"); err == nil || !strings.Contains(err.Error(), "no kernels to choose tensor from") {
		t.Errorf("a kernel of a CSV: %v", err)
	}
}
