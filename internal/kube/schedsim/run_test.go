package schedsim

import (
	"context"
	"sync"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	_ "github.com/kwatt-sim/kwatt/internal/policies/all"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

const crowd = "../../cli/testdata/crowd.yaml"

// simulated are the clusters of a scenario in which pods are preempted and
// evicted and nodes come and go, by policy.
var simulated = sync.OnceValues(func() (map[string]*Cluster, error) {
	f, err := scenario.Load(crowd)
	if err != nil {
		return nil, err
	}
	out := map[string]*Cluster{}
	for _, p := range f.Scenario.Spec.Policies {
		plan, err := experiment.NewPlan(f, p.Name)
		if err != nil {
			return nil, err
		}
		config, objects := plan.Config, plan.Objects
		config.Ledger = engine.NodeResults
		var run *results.Run
		if run, err = engine.Run(context.Background(), config, 1); err != nil {
			return nil, err
		}
		c := &Cluster{Scheduler: objects, Ledger: run.Decisions}
		for _, p := range config.Cluster.Pools {
			c.Initial = append(c.Initial, p.Initial)
		}
		c.Intensity = func(pool int, t float64) float64 { return config.Grids[pool].IntensityAt(vtime.Time(t * 1e9)) }
		out[p.Name] = c
	}
	return out, nil
})

func clusters(t testing.TB) map[string]*Cluster {
	t.Helper()
	all, err := simulated()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
