package cli

import (
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// The command that records each node's results is of the program that made the
// directory, in the same world.
func TestRecorder(t *testing.T) {
	for command, want := range map[string]string{
		"sim run a.yaml --ledger changes --set x=1 -j 4":          "sim run a.yaml --set x=1 --policy hpa --seeds 7 --ledger nodes",
		"replay run a.yaml --speed 5 --seed 7..9 --out there":     "replay run a.yaml --speed=5 --policy hpa --seed 7 --ledger nodes --out there",
		"replay run --inexact --kubeconfig k a.yaml --speed 7 -q": "replay run a.yaml --inexact=true --kubeconfig=k --speed=7 --policy hpa --seed 7 --ledger nodes",
		"sim gate a.yaml": "sim run SCENARIO --policy hpa --seeds 7 --ledger nodes",
	} {
		l := &ledgerDir{manifest: &results.Manifest{Command: strings.Fields(command)}}
		if got := l.recorder("hpa", 7); got != want {
			t.Errorf("of %s: %s, want %s", command, got, want)
		}
	}
}
