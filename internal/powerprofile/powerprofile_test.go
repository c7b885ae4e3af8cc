package powerprofile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

// TestGeneratedFiles holds the committed JSON Schema and reference page to the
// types they are made of.
func TestGeneratedFiles(t *testing.T) {
	data, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "../../schema/powerprofile.schema.json", data)
	golden.Check(t, "../../docs/powerprofile.md", []byte(Reference()))
}

func TestProfileReadsBackToTheSame(t *testing.T) {
	p, err := Load("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if b := p.Spec.Busy[1]; b.Batch != 8 || b.Watts != 486 || b.Grade != "B" || b.Throttle["SwThermalSlowdown"] != 0.25 || b.Celsius != nil {
		t.Errorf("%+v", b)
	}
	if *p.Spec.Device.ECC || p.Spec.Device.MIG != nil {
		t.Errorf("ecc %v, mig %v: want false and unset", *p.Spec.Device.ECC, p.Spec.Device.MIG)
	}
	out, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(out, "again")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if d := cmp.Diff(p, again); d != "" {
		t.Error(d)
	}
}

// Every broken profile says exactly what is wrong, and where.
func TestBrokenProfiles(t *testing.T) {
	good, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, broken, want string }{
		{"watts: 72.5", "watt: 72.5", "f.yaml:18:5: spec.bare.watt: unknown field (hint: did you mean watts?)"},
		{"    watts: 72.5\n", "", "f.yaml:17:3: spec.bare.watts: is required (hint: Watts is the mean draw of the board, memory included, host excluded)"},
		{"watts: 72.5", "watts: -1", "spec.bare.watts: must be greater than 0, found -1"},
		{"watts: 72.5", "watts: .nan", "spec.bare.watts: want a finite number, found .nan"},
		{"grade: A", "grade: D", `spec.bare.grade: "D" is not one of A, B, C, X`},
		{"kind: PowerProfile", "kind: Scenario", `kind: "Scenario" is not PowerProfile`},
		{"load: Builtin", "load: builtin", "did you mean Builtin?"},
		{"batch: 8", "batch: 1", "f.yaml:26:7: spec.busy[1]: repeats spec.busy[0]: kernel tensor, batch 1, duty 1 (hint: keep one figure for each load)"},
		{"end: 2026-01-02T04", "end: 2026-01-02T02", "spec.source.end: lies before the start"},
		{"measured: 30s", "measured: 30", "want a duration with its unit"},
	} {
		text := strings.Replace(string(good), c.old, c.broken, 1)
		if text == string(good) {
			t.Fatalf("%q is not in the good profile", c.old)
		}
		_, err := Parse([]byte(text), "f.yaml")
		var errs schema.Errors
		if !errors.As(err, &errs) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %s: %v\nwant %s", c.old, c.broken, err, c.want)
		}
	}
	head, _, _ := strings.Cut(string(good), "  bare:")
	if _, err := Parse([]byte(head), "f.yaml"); err == nil || !strings.Contains(err.Error(), "spec: holds no figure (hint: measure again with sim calibrate") {
		t.Errorf("a profile without figures: %v", err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "absent.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}
