package experiment

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// How much of the ledger is kept changes no decision.
func TestLedgerLevelsAgree(t *testing.T) {
	f, err := scenario.Load("../cli/testdata/crowd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var changes [][]decisions.Entry
	for level := engine.Changes; level <= engine.NodeResults; level++ {
		configs, err := Compile(f, []string{"packed"})
		if err != nil {
			t.Fatal(err)
		}
		configs[0].Ledger = level
		entries := runs(t, configs, 1)[0].Decisions
		ticks, nodes := 0, 0
		for i, e := range entries {
			if e.Kind == decisions.Tick {
				ticks++
			}
			if p := e.Placement; p != nil && p.Cycle != nil {
				nodes += len(p.Nodes)
				bare := *p
				bare.Cycle, bare.Nodes = nil, nil
				entries[i].Placement = &bare
			}
		}
		if (ticks > 0) != (level >= engine.Ticks) || (nodes > 0) != (level >= engine.NodeResults) {
			t.Errorf("level %d: %d ticks, %d results of nodes", level, ticks, nodes)
		}
		changes = append(changes, slices.DeleteFunc(entries, func(e decisions.Entry) bool { return e.Kind == decisions.Tick }))
	}
	for _, other := range changes[1:] {
		if d := cmp.Diff(changes[0], other); d != "" {
			t.Error(d)
		}
	}
}
