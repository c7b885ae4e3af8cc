package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kwatt-sim/kwatt/internal/golden"
)

// The scripts run sim as its users do. What they compare its output with is
// refreshed with -update.
func TestScripts(t *testing.T) {
	scenarios, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: golden.Updating(),
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"small.yaml", "crowd.yaml", "calibrate.yaml"} {
				b, err := os.ReadFile(filepath.Join(scenarios, name))
				if err == nil {
					err = os.WriteFile(e.Getenv("WORK")+"/"+name, b, 0o666)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"simulate": simulate},
	})
}

// simulate runs a scenario and gives its results directory a name:
//
//	simulate NAME SCENARIO [FLAG...]
func simulate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: simulate NAME SCENARIO [FLAG...]")
	}
	ts.Check(ts.Exec("sim", append([]string{"run", args[1], "-o", "none", "-q"}, args[2:]...)...))
	dirs, err := filepath.Glob(ts.MkAbs("results/*/*"))
	ts.Check(err)
	if len(dirs) != 1 {
		ts.Fatalf("%d results directories: %v", len(dirs), dirs)
	}
	ts.Check(os.Rename(dirs[0], ts.MkAbs(args[0])))
	ts.Check(os.RemoveAll(ts.MkAbs("results")))
}
