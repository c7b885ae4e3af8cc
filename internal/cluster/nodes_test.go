package cluster_test

import (
	"testing"
	"time"

	. "github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/cluster/clustertest"
)

// A node that is removed as soon as it is empty still takes the pods that it
// was powered on for.
func TestConsolidateAtOnceStillPlacesPods(t *testing.T) {
	for _, delay := range []time.Duration{0, 90 * time.Second} {
		cfg := config(t, clustertest.Spread, 1)
		cfg.Pools[0].Initial, cfg.Pools[0].Min, cfg.Pools[0].ProvisionDelay = 0, 0, delay
		cfg.Autoscaler.ConsolidateAfter = 0
		c, d := begin(cfg, 1)
		for range 1000 { // a loop of booting and powering off has no end
			if d.q.Next() > d.q.Now().Add(10*time.Minute) || !d.q.Step() {
				break
			}
		}
		if p := c.Pods(0)[0]; p.Phase != Ready || p.Bound.Sub(0) != delay {
			t.Fatalf("provisioned in %v: pod in phase %d, bound at %v; diary:\n%q", delay, p.Phase, p.Bound, d.lines[:min(len(d.lines), 8)])
		}
		d.lines = nil
		c.Scale(0, 0)
		d.runTo(time.Hour)
		if last := d.lines[len(d.lines)-1]; last != (delay+time.Minute+time.Second).String()+" node-off t4-0: empty for 0s" {
			t.Errorf("provisioned in %v: %q, want the node off as its pod ends", delay, d.lines)
		}
	}
}

// A pod that ends hands its place to one that waits, also when empty nodes are
// removed at once.
func TestConsolidateAtOnceReusesThePlace(t *testing.T) {
	cfg := config(t, clustertest.Spread, 1)
	cfg.Pools[0].Node, cfg.Pools[0].Max, cfg.Pools[0].Min = t4(t, 1), 1, 0
	cfg.Autoscaler.ConsolidateAfter = 0
	cfg.Services = append(cfg.Services, Service{Name: "other", Needs: []Need{{Part: 1}}, ModelLoad: time.Minute})
	c, d := begin(cfg, 1)
	d.runTo(time.Second)
	c.Scale(1, 1)
	c.Scale(0, 0)
	d.lines = nil
	d.runTo(time.Hour)
	d.expect(t, "1m2s other-1 ready on t4-0/0") // drained in a second, loaded in a minute
}

// How long a node has been empty does not depend on what other nodes do.
func TestANewNodeDoesNotRestartAnothersClock(t *testing.T) {
	cfg := config(t, clustertest.Spread, 1)
	cfg.Pools[0].Node, cfg.Pools[0].Min = t4(t, 1), 0
	c, d := begin(cfg, 1)
	d.runTo(time.Second)
	c.Scale(0, 2) // t4-1 boots until 1m31s
	d.runTo(10 * time.Second)
	c.Scale(0, 0) // t4-0 is empty from 11 s
	d.lines = nil
	d.runTo(time.Hour)
	d.expect(t, "1m31s node-ready t4-1: booted", "5m11s node-off t4-0: empty for 5m0s", "6m31s node-off t4-1: empty for 5m0s")
}

// A pod that finds no place anywhere does not boot nodes that cannot take it,
// whatever the pools and slices.
func TestImpossiblePodsBootNothing(t *testing.T) {
	cfg := config(t, clustertest.Spread, 1)
	cfg.Pools[0].Max = 50
	cfg.Pools = append(cfg.Pools, cfg.Pools[0])
	cfg.Pools[1].Name, cfg.Pools[1].Initial, cfg.Pools[1].Max = "other", 1, 2
	cfg.Services[0].Needs = []Need{{Refused: NoProfile}, {Part: 0.5, MIG: true}}
	c, d := begin(cfg, 40)
	d.runTo(time.Hour)
	got := []int{on(c, 0), on(c, 1)}
	if got[0] != 1 || got[1] != 2 {
		t.Errorf("%v nodes are on, want the 1 that always is and the 2 that can take pods", got)
	}
	ready := 0
	for _, p := range c.Pods(0) {
		if p.Phase == Ready {
			ready++
		}
	}
	if ready != 16 {
		t.Errorf("%d pods are ready, want 2 nodes × 4 GPUs × 2 slices", ready)
	}
}
