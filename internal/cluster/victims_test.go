package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// The order of a ReplicaSet (pkg/controller, ActivePodsWithRanks): a pod
// without a node goes before one that is not ready, that before a ready one;
// then the pod whose node holds more of the service's pods, ready or not; then
// the one that was ready for less time, by its logarithm; then by uid.
func TestVictimsInTheOrderOfAReplicaSet(t *testing.T) {
	c := &Cluster{services: make([]serviceState, 1), queue: &vtime.Queue{}}
	c.queue.At(vtime.At(12*time.Minute), vtime.PriorityCluster, func() {})
	c.queue.Step()
	a, b := &Node{Name: "a", pods: 4}, &Node{Name: "b", pods: 5}
	pod := func(name string, phase PodPhase, n *Node, readyAt time.Duration) {
		c.services[0].pods = append(c.services[0].pods, &Pod{Name: name, Phase: phase, Node: n, ReadyAt: vtime.At(readyAt), Pulled: vtime.Forever, uid: uint64(len(c.services[0].pods))})
	}
	pod("a-starts", Starting, a, 0)
	pod("a-old", Ready, a, 9*time.Minute) // pulled an image for long: it is ready last
	pod("a-new", Ready, a, 2*time.Minute)
	pod("b-1", Ready, b, time.Minute)
	pod("b-2", Starting, b, 0)
	pod("b-3", Starting, b, 0)
	c.services[0].pods[5].Pulled = 0 // runs already
	pod("b-4", Draining, b, 0)
	pod("b-5", Draining, b, 0)
	pod("pending-1", Pending, nil, 0)
	pod("pending-2", Pending, nil, 0)
	pod("a-4", Ready, a, 2*time.Minute)
	names := func() (got []string) {
		for _, p := range c.victims(0) {
			got = append(got, p.Name)
		}
		return got
	}
	// a holds four of the service's pods, b three; those that drain do not count.
	// Ready for 10 and for 11 minutes is one power of two.
	want := []string{"pending-1", "pending-2", "a-starts", "b-2", "b-3", "a-old", "a-new", "a-4", "b-1"}
	if got := names(); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	// With a deletion cost the emptiest node goes first, whoever its pods belong to.
	c.cfg.EmptiestFirst = true
	b.pods = 3
	want = []string{"pending-1", "pending-2", "b-2", "a-starts", "b-3", "b-1", "a-old", "a-new", "a-4"}
	if got := names(); !slices.Equal(got, want) {
		t.Errorf("emptiest first: got  %v\nwant %v", got, want)
	}
}
