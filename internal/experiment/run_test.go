package experiment

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// jobsOf is the small scenario for three minutes, all policies, with three seeds.
func jobsOf(t *testing.T) []Job {
	return Jobs(compile(t, small, nil, "spec.duration=3m"), []uint64{1, 2, 3})
}

type key struct {
	policy string
	seed   uint64
}

func collect(t *testing.T, jobs []Job, parallel int) map[key]*results.Run {
	t.Helper()
	got := map[key]*results.Run{}
	err := Run(t.Context(), jobs, parallel, func(r *results.Run) error {
		got[key{r.Policy, r.Seed}] = r // calls of done do not overlap: the race detector would tell
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestParallelismChangesNothing(t *testing.T) {
	jobs := jobsOf(t)
	want := collect(t, jobs, 1)
	if len(want) != 12 {
		t.Fatalf("%d runs of 4 policies with 3 seeds", len(want))
	}
	if d := cmp.Diff(want, collect(t, jobs, 4)); d != "" {
		t.Errorf("four at once differ from one after the other:\n%s", d)
	}
	var requests atomic.Int64
	watched := *jobs[0].Config
	watched.Progress = func(n int64) { requests.Add(n) }
	alone := collect(t, []Job{{Config: &watched, Seed: 1}}, 0)
	if d := cmp.Diff(want[key{"static", 1}], alone[key{"static", 1}]); d != "" {
		t.Errorf("with progress shown it differs:\n%s", d)
	}
	if got := alone[key{"static", 1}].Ledger.Arrivals; requests.Load() != got {
		t.Errorf("progress counted %d requests of %d", requests.Load(), got)
	}
}

// What finished before the user stopped the experiment was handed over, and
// holds whole pairs but for the seed that was under way.
func TestAnInterruptionKeepsWhatFinished(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var got []key
	err := Run(ctx, jobsOf(t), 1, func(r *results.Run) error {
		if got = append(got, key{r.Policy, r.Seed}); len(got) == 5 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	want := []key{{"static", 1}, {"hpa", 1}, {"energy-aware", 1}, {"forecast", 1}, {"static", 2}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(key{})); d != "" {
		t.Errorf("runs that were handed over:\n%s", d)
	}
}

func TestTheFirstErrorStopsTheRest(t *testing.T) {
	full := errors.New("no space left on device")
	calls := 0
	err := Run(t.Context(), jobsOf(t), 1, func(*results.Run) error { calls++; return full })
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("error %v after %d runs were handed over, want the first's", err, calls)
	}
}

// faulty is a scaler with a bug.
type faulty struct{ policies.Scaler }

func (faulty) Decide(policies.Observation) policies.Decision { panic("index out of range [7]") }

func TestAPanicSaysHowToSeeItAgain(t *testing.T) {
	c := *jobsOf(t)[0].Config
	c.Services = append([]engine.Service(nil), c.Services...)
	good := c.Services[0].NewScaler
	c.Services[0].NewScaler = func() (policies.Scaler, error) {
		s, err := good()
		return faulty{s}, err
	}
	err := Run(t.Context(), []Job{{Config: &c, Seed: 42}}, 1, func(*results.Run) error { return nil })
	if err == nil {
		t.Fatal("a panic was swallowed")
	}
	for _, want := range []string{"policy static", "seed 42", "virtual time 0s", "index out of range [7]", "run_test.go"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if errors.As(err, new(*engine.InvariantError)) {
		t.Errorf("%v is a bug, not a limit", err)
	}
}

func TestABrokenScalerIsAnError(t *testing.T) {
	c := *jobsOf(t)[0].Config
	c.Services = append([]engine.Service(nil), c.Services...)
	broken := errors.New("no pool meets the target")
	c.Services[0].NewScaler = func() (policies.Scaler, error) { return nil, broken }
	err := Run(t.Context(), []Job{{Config: &c, Seed: 1}}, 1, func(*results.Run) error { return nil })
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "policy static, service ranker") {
		t.Errorf("error %v", err)
	}
}
