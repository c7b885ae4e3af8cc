package lstm_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/forecast/backtest"
	"github.com/kwatt-sim/kwatt/internal/forecast/lstm"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// TestBuiltinIsOfTheBuiltinTraces holds the weights that come with kwatt to the
// traces they name: the digests of the data, where it ends, and the law of the
// errors there. Training them again is go generate's.
func TestBuiltinIsOfTheBuiltinTraces(t *testing.T) {
	w := lstm.Builtin()
	names, ok := strings.CutPrefix(w.Command, "sim forecast train ")
	names, _, found := strings.Cut(names, " --out ")
	if !ok || !found || strings.Contains(names, "--") {
		t.Fatalf("made by %q: want the default flags", w.Command)
	}
	var all []lstm.Series
	var digests []string
	for _, name := range strings.Fields(names) {
		tr, err := workload.Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := backtest.NewSeries(tr, backtest.Cut{})
		if err != nil {
			t.Fatal(err)
		}
		if seen := w.Seen(tr.Name, tr.Source, s.HeldStart()); seen != nil {
			t.Errorf("the weights know held-out days of %s: %+v", name, seen)
		}
		training := s.TrainingSeries()
		digests = append(digests, training[0].SHA256)
		all = append(all, training...)
	}
	var have []string
	for _, tr := range w.Trained {
		have = append(have, tr.SHA256)
	}
	if !slices.Equal(have, digests) {
		t.Errorf("trained on data of digests %v, the traces have %v; train again with go generate", have, digests)
	}
	for h, row := range w.Judge(all) {
		for j, got := range row {
			if want := w.Scores[h][j]; math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
				t.Fatalf("score quantile %g, %d ahead: %g, in the file %g", w.Levels[j], h+1, got, want)
			}
		}
	}
}
