package experiment

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/policies/static"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// regretFile is the small scenario, whose bounds are asked for.
func regretFile(t *testing.T, set ...string) *scenario.File {
	t.Helper()
	var overrides []scenario.Override
	for _, s := range append([]string{"spec.duration=15m", "spec.regret=true"}, set...) {
		o, err := scenario.ParseOverride(s)
		if err != nil {
			t.Fatal(err)
		}
		overrides = append(overrides, o)
	}
	f, err := scenario.Load(small, overrides...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The bounds keep the SLO in every seed, one static replica fewer would not, and
// no policy that keeps it needs less than the oracle.
func TestBoundsBound(t *testing.T) {
	f := regretFile(t)
	seeds := []uint64{1, 2}
	var rounds []string
	search := &BoundSearch{File: f, Seeds: seeds, Parallel: 2, Say: func(s string) { rounds = append(rounds, s) }}
	bounds, err := search.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range bounds {
		names = append(names, b.Name)
		if b.Missing != "" || len(b.Replications) != len(seeds) {
			t.Fatalf("%+v", b)
		}
	}
	if got := strings.Join(names, " "); got != "least-energy least-carbon least-cost best-static" {
		t.Fatalf("bounds %s", got)
	}
	configs := compile(t, small, []string{"static", "hpa", "energy-aware", "forecast"}, "spec.duration=15m")
	all := runs(t, configs, len(seeds))
	slos := SLOs(f)
	for _, r := range all {
		for i, metric := range results.RegretMetrics() {
			if least := bounds[i].Metrics[metric].Mean; slos.AllKept(r) && r.Metrics[metric] < least {
				t.Errorf("policy %s, seed %d: %s is %v, the least is said to be %v", r.Policy, r.Seed, metric, r.Metrics[metric], least)
			}
		}
	}
	n, err := search.bisect(t.Context(), []int{1}, []int{20}, func(levels []int) scenario.Policy { return staticPolicy(search, levels[0]) })
	if err != nil {
		t.Fatal(err)
	}
	if fewer, err := search.simulate(t.Context(), staticPolicy(search, n[0]-1), n, seeds[:1]); err != nil || slos.AllKept(fewer[0]) {
		t.Errorf("%d static replicas are said to be the fewest, one fewer keeps the SLO too: %v", n[0], err)
	}
	if len(rounds) < 8 || !strings.HasPrefix(rounds[0], "bound least-energy, level 47, seeds: 1") {
		t.Errorf("rounds %q", rounds)
	}
}

func staticPolicy(b *BoundSearch, n int) scenario.Policy {
	return b.policy("static", func(int) *scenario.Scaler {
		return &scenario.Scaler{Kind: "static", Config: &static.Config{Replicas: n}}
	})
}

// What no fleet can keep has no bound, and says so.
func TestNoBound(t *testing.T) {
	f := regretFile(t, "spec.duration=3m", "spec.services[0].slo.latency={p95: 1ms}", "spec.cost={}")
	search := &BoundSearch{File: f, Seeds: []uint64{1}, Parallel: 1}
	bounds, err := search.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(bounds) != 3 { // nothing costs anything
		t.Errorf("%d bounds", len(bounds))
	}
	for _, b := range bounds {
		if b.Missing == "" {
			t.Errorf("%+v", b)
		}
	}
}

func TestInterruptedBounds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	search := &BoundSearch{File: regretFile(t), Seeds: []uint64{1}, Parallel: 1}
	if _, err := search.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
