package scheduler

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// stage is a host without a cluster around it: nodes of 8 GPUs in three zones,
// and pods of 20 services that take 1 to 8 of them.
type stage struct {
	s      *Scheduler
	now    vtime.Time
	bound  []*cluster.Pod
	nodes  []*cluster.Node
	used   int // GPUs
	made   int
	units  []int
	random *rand.Rand
	last   *cluster.Node // of the last binding
}

func (h *stage) Bind(p *cluster.Pod, n *cluster.Node, _ decisions.Placement) {
	p.Node, h.last = n, n
	h.bound = append(h.bound, p)
	h.used += h.units[p.Service]
}
func (h *stage) Refuse(*cluster.Pod, string, decisions.Placement)  {}
func (h *stage) Preempt(*cluster.Pod, *cluster.Pod)                {}
func (h *stage) Need(*cluster.Pod, *cluster.Node) (n cluster.Need) { return n }
func (h *stage) Allowed(int) int                                   { return 0 }
func (h *stage) Intensity(*cluster.Node) float64                   { return 300 }
func (h *stage) Now() vtime.Time                                   { return h.now }
func (h *stage) Wake(vtime.Time)                                   {}

// newStage returns a cluster of that many nodes, of whose GPUs 70 % are taken.
func newStage(t testing.TB, profile string, nodes int, edit func(*Config)) *stage {
	t.Helper()
	configuration, err := Builtin(profile)
	if err != nil {
		t.Fatal(err)
	}
	c := &Config{Configuration: configuration}
	for zone := range 3 {
		c.Pools = append(c.Pools, Pool{
			Name: fmt.Sprint("pool-", zone), Zone: fmt.Sprint("zone-", zone), Product: fmt.Sprint("gpu-", zone), GPUsPerNode: 8, UnitsPerGPU: 1,
			CPU: "128", Memory: "1Ti", Watts: Watts{Base: 500, Bare: 50, Context: 80, Busy: 300 + 50*float64(zone)},
		})
	}
	h := &stage{random: rand.New(rand.NewPCG(1, 1))}
	for i := range 20 {
		h.units = append(h.units, []int{1, 1, 2, 4, 8}[i%5])
		c.Services = append(c.Services, Service{Name: fmt.Sprint("service-", i), Units: h.units[i],
			Template: template(t, fmt.Sprintf("containers: [{name: c, image: i, resources: {requests: {cpu: %d, memory: %dGi}}}]\ntolerations: [{key: nvidia.com/gpu, operator: Exists}]", 8*h.units[i], 64*h.units[i]))})
	}
	if edit != nil {
		edit(c)
	}
	if h.s, err = New(c, h); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.s.Close)
	for i := range nodes {
		n := &cluster.Node{Name: "node-" + strconv.Itoa(i), Pool: i % 3, State: cluster.On}
		h.nodes = append(h.nodes, n)
		h.s.NodeAdded(n)
	}
	h.fill()
	return h
}

// fill places pods by hand, which is faster than the scheduler.
func (h *stage) fill() {
	free := make([]int, len(h.nodes))
	for i := range free {
		free[i] = 8
	}
	for i := 0; h.used < len(h.nodes)*8*7/10; i++ {
		p := h.pod()
		for k := range h.nodes {
			if n := (7*i + k) % len(h.nodes); free[n] >= h.units[p.Service] {
				free[n] -= h.units[p.Service]
				h.place(p, h.nodes[n])
				break
			}
		}
	}
}

// place does what a binding leaves behind.
func (h *stage) place(p *cluster.Pod, n *cluster.Node) {
	o := h.s.podObject(p)
	o.Spec.NodeName, o.Status.StartTime = n.Name, &o.CreationTimestamp
	h.s.pods[p], h.s.podByName[p.Name] = o, p
	h.s.must(h.s.podIndexer().Add(o), "index pod", p.Name)
	h.s.must(h.s.Cache.AddPod(h.s.log(), o), "add pod", p.Name)
	h.Bind(p, n, decisions.Placement{})
}

// pod makes the next pod.
func (h *stage) pod() *cluster.Pod {
	h.made++
	return &cluster.Pod{Name: "pod-" + strconv.Itoa(h.made), Service: h.random.IntN(len(h.units)), Created: h.now}
}

// next removes pods at random until 70 % are taken, and places another one; it
// goes if it finds no place.
func (h *stage) next() *cluster.Node {
	h.now += vtime.Time(time.Second)
	for h.used > len(h.nodes)*8*7/10 {
		i := h.random.IntN(len(h.bound))
		p := h.bound[i]
		h.bound[i] = h.bound[len(h.bound)-1]
		h.bound = h.bound[:len(h.bound)-1]
		h.used -= h.units[p.Service]
		h.s.PodRemoved(p)
	}
	h.last = nil
	p := h.pod()
	h.s.PodAdded(p)
	h.s.Schedule()
	if h.last == nil {
		h.s.PodRemoved(p)
	}
	return h.last
}

var forgetful = flag.Bool("forgetful", false, "benchmark without the memo")

// BenchmarkSchedule is a pod that comes to a cluster of which 70 % is taken,
// and the end of those that it follows.
func BenchmarkSchedule(b *testing.B) {
	for _, profile := range []string{"Default", "BinPacking", "EnergyAware"} {
		for _, nodes := range []int{100, 1000, 5000} {
			b.Run(fmt.Sprintf("%s/nodes=%d", profile, nodes), func(b *testing.B) {
				h := newStage(b, profile, nodes, func(c *Config) { c.Forgetful = *forgetful })
				for range 1000 { // each service's first pods ask about every node
					h.next()
				}
				placed, cpu := 0, cpuTime()
				for b.Loop() {
					if h.next() != nil {
						placed++
					}
				}
				b.ReportMetric(float64(b.N)/(cpuTime()-cpu).Seconds(), "pods/cpu-s")
				b.ReportMetric(100*float64(placed)/float64(b.N), "%placed")
			})
		}
	}
}
