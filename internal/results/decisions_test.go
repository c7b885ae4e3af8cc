package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// One run's decisions are those that reading all gives, whatever stands around
// them in the file.
func TestReadRunDecisions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "abc")
	b := testBundle(t, testRuns(3, 2))
	if err := Write(dir, b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, DecisionsFile)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Members in another order, an empty line, and no newline at the end.
	_, err = f.WriteString("\n{\"seed\":1,\"policy\":\"static\",\"t\":5,\"kind\":\"bind\"}\n{\"policy\":\"static\",\"seed\":12,\"t\":7,\"kind\":\"bind\"}\n {\"policy\":\"static\",\"seed\":1,\"t\":6,\"kind\":\"bind\"}")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	all, err := ReadDecisions(dir)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range all {
		got, err := ReadRunDecisions(dir, key)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%v: %v %s", key, err, d)
		}
	}
	if got, err := ReadRunDecisions(dir, RunKey{"absent", 1}); err != nil || len(got) != 0 {
		t.Errorf("a run that is not there: %v, %v", got, err)
	}
	if n := len(all[RunKey{"static", 1}]); n < 3 {
		t.Errorf("%d decisions of static, seed 1", n)
	}
}

// Every figure of an entry is rounded, and one that is none is an error.
func TestDecisionsAreRounded(t *testing.T) {
	x := 1.0 / 3
	e := decisions.Entry{
		T: x, Kind: "scale", Scaling: &decisions.Scaling{Rate: x, P95: x, Seen: &x, Readings: []decisions.Reading{{Value: x, Target: x}}},
		Placement: &decisions.Placement{Waited: x}, Expansion: &decisions.Expansion{Options: []decisions.Option{{Cost: x}}},
	}
	before, _ := json.Marshal(e)
	rounded, what, _ := roundEntry(e)
	if what != "" {
		t.Fatal(what)
	}
	after, _ := json.Marshal(e)
	if !bytes.Equal(before, after) {
		t.Errorf("rounding changed the run itself: %s", after)
	}
	text, _ := json.Marshal(rounded)
	if bytes.Contains(text, []byte("0.3333333333")) || bytes.Count(text, []byte("0.333333333")) != 8 {
		t.Errorf("%s", text)
	}
	for _, bad := range []decisions.Entry{
		{T: math.NaN()}, {Scaling: &decisions.Scaling{Rate: math.Inf(1)}}, {Scaling: &decisions.Scaling{Readings: []decisions.Reading{{Value: math.NaN()}}}},
		{Placement: &decisions.Placement{Waited: math.NaN()}}, {Expansion: &decisions.Expansion{Options: []decisions.Option{{Cost: math.Inf(-1)}}}},
	} {
		var out bytes.Buffer
		if err := writeDecisions(&out, []*Run{{Policy: "hpa", Seed: 3, Decisions: []decisions.Entry{bad}}}); err == nil || !strings.Contains(err.Error(), "hpa") {
			t.Errorf("%+v is written: %v", bad, err)
		}
	}
}
