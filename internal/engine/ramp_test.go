package engine

import (
	"math"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/cluster/clustertest"
	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/poweraccuracy"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/serving"
	"github.com/kwatt-sim/kwatt/internal/vtime"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// ramp is a node of eight H200 that goes through what a MLPerf trace does: half
// of its idle time, the loading of a model, full load, and idle again.
func ramp(t *testing.T, r poweraccuracy.Ramp) *Config {
	t.Helper()
	gpu, err := powermodel.Lookup("nvidia-h200")
	if err != nil {
		t.Fatal(err)
	}
	if gpu, err = gpu.Under(powermodel.Limit{CapWatts: r.Limit}); err != nil {
		t.Fatal(err)
	}
	before, loading, load := int(r.Seconds[poweraccuracy.RampBare]/2), int(r.Seconds[poweraccuracy.RampContext]), int(r.Seconds[poweraccuracy.RampLoad])
	total := before + loading + load + int(r.Seconds[poweraccuracy.RampBare]) - before
	p := &plan{interval: time.Second}
	rates := make([]float64, total)
	for i := range total {
		n := 8
		if i < before || i >= before+loading+load {
			n = 0
		}
		p.replicas = append(p.replicas, n)
		if i >= before+loading && i < before+loading+load {
			rates[i] = 85 // a little more than eight boards can do
		}
	}
	full := gpu.At(1024)
	end := vtime.At(time.Duration(total) * time.Second)
	return &Config{
		Policy: "ramp", Duration: end, Bin: time.Minute, PUE: 1, Grids: []Grid{steady(0)},
		Telemetry: Telemetry{ScrapeInterval: 15 * time.Second, Window: time.Minute},
		Services: []Service{{
			Name: "bench", Curve: &workload.Curve{Step: time.Second, Rates: rates}, Process: workload.Process{Name: "Deterministic"},
			Serving: serving.Config{MaxBatch: 1, Instances: 1, QueueCapacity: 4, Horizon: end},
			Pools: []PoolService{{
				Times: serving.NewServiceTime([]float64{0, serviceNs}, serving.Deterministic, 0, false), Load: 1, Full: 10,
				BusyWatts: []float64{0, full.Value}, Grades: []grade.Grade{full.Grade, full.Grade},
			}},
			NewScaler: func() (policies.Scaler, error) { return p, nil },
		}},
		Cluster: cluster.Config{
			Pools:        []cluster.Pool{{Name: "h200", Node: powermodel.NewNode(gpu, 8), Initial: 1, Min: 1, Max: 1}},
			Services:     []cluster.Service{{Name: "bench", Needs: []cluster.Need{{Part: 1}}, ModelLoad: time.Duration(loading) * time.Second}},
			NewScheduler: clustertest.Spread,
		},
	}
}

// The engine's energy of the MLPerf ramps, from the power limit and the times of
// the states alone, is that of the wall's analyser to 4 %, and that of the same
// arithmetic done by hand to what the last queues hold.
func TestEnergyOfMLPerfRamps(t *testing.T) {
	a, err := poweraccuracy.Compute()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, r := range a.Ramps {
		if r.Limit == 0 || r.Model == "stable-diffusion-xl" { // the limit is not known; the host works while it loads
			continue
		}
		checked++
		c := ramp(t, r)
		run := run(t, c, 1)
		node := c.Cluster.Pools[0].Node
		by := func(watts float64) float64 { return watts + node.HostPerWatt.Value*(watts-node.GPU.Bare.Value) }
		want := 0.0
		for i, watts := range []float64{node.GPU.Bare.Value, node.GPU.Context.Value, c.Services[0].Pools[0].BusyWatts[1]} {
			want += r.Seconds[i] * (node.BaseWatts.Value + 8*by(watts)) / 1e6
		}
		got := run.Metrics["energy_node_kwh"] * 3.6
		t.Logf("%s %s at %g W: %.3f MJ, by hand %.3f MJ, at the wall %.3f MJ (%+.1f %%)", r.Model, r.Scenario, r.Limit, got, want, r.MJ, 100*(got/r.MJ-1))
		if math.Abs(got/want-1) > 0.005 || math.Abs(got/r.MJ-1) > 0.04 {
			t.Errorf("%s %s: %.3f MJ, by hand %.3f MJ, at the wall %.3f MJ", r.Model, r.Scenario, got, want, r.MJ)
		}
	}
	if checked != 4 {
		t.Errorf("%d ramps, want 4", checked)
	}
}
