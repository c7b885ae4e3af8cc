package scheduler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/cluster"
)

// share gives a service part of a GPU, of which a node counts units.
func (w *world) share(service, unitsOf, perGPU int) {
	w.config.Devices = true
	for i := range w.config.Pools {
		w.config.Pools[i].UnitsPerGPU = perGPU
		w.cluster.Services[service].Needs[i].Part = float64(unitsOf) / float64(perGPU)
	}
	w.config.Services[service].Units = unitsOf
}

// Two halves and two quarters would fit by the count, but not on one GPU each.
func TestSharedGPUs(t *testing.T) {
	w := newWorld(t, "BinPacking")
	w.cluster.Pools[0].Initial, w.cluster.Pools[0].Max = 1, 1
	w.service("big", 1)
	w.share(0, 1, 4)
	w.share(1, 3, 4)
	c, d := w.start(t)
	c.Scale(0, 5) // four fill one GPU, the fifth begins the other
	c.Scale(1, 1)
	d.expect(t, "0s ranker-1 on a100-0/0", "0s ranker-2 on a100-0/0", "0s ranker-3 on a100-0/0", "0s ranker-4 on a100-0/0", "0s ranker-5 on a100-0/1", "0s big-1 on a100-0/1")
	c.Scale(1, 0)
	d.runTo(time.Minute)
	c.Scale(0, 6) // half of the second GPU is free now, and half of the count
	d.take()
	c.Scale(1, 1)
	d.expect(t, "1m0s big-2: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.")
	c.Scale(1, 0)
	c.Scale(0, 2) // which of them stay leaves three quarters on no GPU
	d.runTo(2 * time.Minute)
	d.take()
	c.Scale(1, 2)
	if text := d.take(); !strings.Contains(text, "big-3 on a100-0") {
		t.Error(text)
	}
}

// The filter sees what the count does not: room that is scattered over GPUs.
func TestScatteredRoom(t *testing.T) {
	w := newWorld(t, "Default")
	w.cluster.Pools[0].Initial, w.cluster.Pools[0].Max = 1, 1
	w.service("half", 1)
	w.service("most", 1)
	w.share(0, 1, 4)
	w.share(1, 2, 4)
	w.share(2, 3, 4)
	c, d := w.start(t)
	c.Scale(1, 1) // half of GPU 0
	c.Scale(2, 1) // three quarters of GPU 1
	d.expect(t, "0s half-1 on a100-0/0", "0s most-1 on a100-0/1")
	c.Scale(1, 2) // the other half of GPU 0
	d.expect(t, "0s half-2 on a100-0/0")
	d.runTo(time.Minute)
	c.Scale(2, 0)
	c.Scale(0, 1)
	d.runTo(2 * time.Minute)
	d.take()
	c.Scale(1, 1) // half of GPU 0 is free, and three quarters of GPU 1
	d.runTo(3 * time.Minute)
	c.Scale(0, 3) // quarters go to the fullest GPU
	d.take()
	c.Scale(2, 1)
	if text := d.take(); !strings.Contains(text, "most-2 on a100-0/1") && !strings.Contains(text, "no GPU with room for the pod's part") {
		t.Error(text)
	}
}

// Slices and shares do not mix on one GPU, and not every pool has slices.
func TestMIG(t *testing.T) {
	w := newWorld(t, "BinPacking")
	w.cluster.Pools[0].Initial, w.cluster.Pools[0].Max = 1, 1
	w.pool(t, "t4", "nvidia-t4", 4, 1)
	w.service("slice", 1)
	w.config.Devices = true
	w.config.Pools[0].MIG = map[string]int{"3g.40gb": 2}
	w.config.Services[1].Units, w.config.Services[1].MIG = 0, "3g.40gb"
	w.cluster.Services[1].Needs = []cluster.Need{{Part: 0.5, MIG: true}, {Refused: cluster.NoMIGProfile}}
	w.cluster.Services[0].Needs = []cluster.Need{{Part: 1}, {Refused: cluster.NoProfile}}
	c, d := w.start(t)
	c.Scale(0, 1)
	d.expect(t, "0s ranker-1 on a100-0/0")
	c.Scale(1, 3)
	d.expect(t, "0s slice-1 on a100-0/1", "0s slice-2 on a100-0/1",
		"0s slice-3: 0/2 nodes are available: 1 Insufficient nvidia.com/mig-3g.40gb, 1 no GPU with room for the pod's part. no new claims to deallocate, preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.")
	c.Scale(0, 2)
	d.expect(t, "0s ranker-2: 0/2 nodes are available: 1 no GPU with room for the pod's part, 1 no service-time profile for the GPU model. no new claims to deallocate, preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.")
}

// Whatever comes and goes: no GPU takes more than it has, slices and shares do
// not mix, and no pod waits while a GPU has room for it.
func TestDevicesFollowTheRoom(t *testing.T) {
	refused := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rapid.SampledFrom(Profiles()).Draw(rt, "profile"))
		w.cluster.Pools[0].Initial, w.cluster.Pools[0].Max = 3, 3
		w.config.Devices = true
		w.config.Pools[0].MIG = map[string]int{"1g.10gb": 7}
		w.share(0, rapid.IntRange(1, 12).Draw(rt, "units"), 12)
		w.service("other", 1)
		w.share(1, rapid.IntRange(1, 12).Draw(rt, "units"), 12)
		w.service("slice", 1)
		w.config.Services[2].Units, w.config.Services[2].MIG = 0, "1g.10gb"
		w.cluster.Services[2].Needs = []cluster.Need{{Part: 1.0 / 7, MIG: true}}
		c, d := w.start(t)
		for i := range rapid.IntRange(1, 20).Draw(rt, "steps") {
			d.runTo(time.Duration(i) * 20 * time.Second)
			c.Scale(rapid.IntRange(0, 2).Draw(rt, "service"), rapid.IntRange(0, 20).Draw(rt, "scale"))
			checkRoom(rt, c)
		}
		refused += strings.Count(fmt.Sprint(d.lines), "no GPU with room")
	})
	if refused == 0 {
		t.Error("the filter had never anything to say")
	}
}

func checkRoom(rt *rapid.T, c *cluster.Cluster) {
	for _, n := range c.Nodes() {
		for i, g := range n.GPUs {
			used, slices := 0.0, 0
			for _, p := range g.Pods {
				used += c.Need(p, n).Part
				if c.Need(p, n).MIG {
					slices++
				}
			}
			if used > 1+1e-9 || slices > 0 && slices < len(g.Pods) {
				rt.Fatalf("GPU %d of %s holds %.3f in %d pods, %d of them slices", i, n.Name, used, len(g.Pods), slices)
			}
		}
		for service := range 3 {
			for _, p := range c.Pods(service) {
				if _, ok := n.Room().Find(c.Need(p, n)); ok && p.Phase == cluster.Pending {
					rt.Fatalf("%s waits though %s has room: %+v", p.Name, n.Name, n.Room())
				}
			}
		}
	}
}
