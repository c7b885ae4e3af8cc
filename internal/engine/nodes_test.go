package engine

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// The nodes' busy GPU-seconds and times on add up to those of the cluster, and the
// other figures of the run do not change. Points fall on ends of bins, however
// many bins one is over, and the last is at the end of the run.
func TestNodeSeriesAddsUp(t *testing.T) {
	rates := squareWave(3570) // no whole number of bins
	replicas := &plan{interval: 10 * time.Minute, replicas: []int{1, 5, 5, 1}}
	plain := run(t, world1(t, rates, replicas), 7)
	if plain.Nodes != nil {
		t.Fatal("a run that was not asked for it keeps the series of nodes")
	}
	c := world1(t, rates, replicas)
	seed := uint64(7)
	c.NodeSeed = &seed
	if other := run(t, c, 8); other.Nodes != nil {
		t.Error("another seed keeps the series, too")
	}
	r := run(t, c, 7)
	var busy, on, boot, last float64
	from := map[string]float64{}
	for _, p := range r.Nodes {
		dt := p.T - from[p.Node]
		from[p.Node], last = p.T, p.T
		if sum := p.OnRatio + p.BootRatio + p.AsleepRatio; sum < 0 || sum > 1+1e-9 || (p.GPUBusyRatio == nil) != (p.OnRatio == 0) {
			t.Fatalf("%+v", p)
		}
		on, boot = on+p.OnRatio*dt, boot+p.BootRatio*dt
		if p.GPUBusyRatio != nil {
			busy += *p.GPUBusyRatio * p.OnRatio * dt * 2 // GPUs
		}
	}
	if len(r.Nodes) != 4*60 || last != 3570 || boot == 0 {
		t.Errorf("%d points of 4 nodes, the last at %v s, %v s booting", len(r.Nodes), last, boot)
	}
	near6(t, "busy GPU-seconds", busy, r.Metrics["gpu_busy_ratio"]*r.Metrics["gpu_allocated_ratio"]*r.Metrics["gpu_hours"]*3600)
	near6(t, "node-hours", (on+boot)/3600, r.Metrics["node_hours"])
	r.Nodes = nil
	if d := cmp.Diff(plain, r); d != "" {
		t.Errorf("the series changes the run: %s", d)
	}
}

// A node that sleeps is told from one that is off; a long run with many nodes has
// points over several bins, and about as many as the page says at most.
func TestNodeSeriesIsBounded(t *testing.T) {
	c := world1(t, squareWave(3600), &plan{interval: time.Minute, replicas: []int{3, 3, 3, 1}})
	c.Cluster.Autoscaler.Sleep = true
	seed := uint64(1)
	c.NodeSeed, c.Cluster.Pools[0].Max, c.Bin = &seed, 3000, 12*time.Second // 300 bins
	r := run(t, c, 1)
	asleep := false
	for _, p := range r.Nodes {
		if p.AsleepRatio > 0 {
			asleep = true
		}
		if math.Mod(p.T, 12*9) != 0 && p.T != 3600 {
			t.Fatalf("a point at %v s: want every 9 bins of 12 s", p.T)
		}
	}
	if bins := int(c.Duration / vtime.At(c.Bin)); !asleep || bins != 300 || len(r.Nodes) != 3000*34 {
		t.Errorf("%d points of %d bins, one asleep: %v", len(r.Nodes), bins, asleep)
	}
}
