// Package clustertest has a scheduler of a few lines for tests of what
// surrounds one: the cluster and the engine.
package clustertest

import (
	"fmt"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// Spread places each pod on the least allocated node that has room.
func Spread(h cluster.Host, _ uint64) (cluster.Scheduler, error) { return &scheduler{host: h}, nil }

// Pack places each pod on the most allocated node that has room.
func Pack(h cluster.Host, _ uint64) (cluster.Scheduler, error) {
	return &scheduler{host: h, pack: true}, nil
}

type scheduler struct {
	host  cluster.Host
	pack  bool
	nodes []*cluster.Node
	queue []*cluster.Pod
}

func (s *scheduler) NodeAdded(n *cluster.Node) { s.nodes = append(s.nodes, n) }
func (s *scheduler) NodeUpdated(*cluster.Node) {}
func (s *scheduler) NodeRemoved(n *cluster.Node) {
	s.nodes = slices.DeleteFunc(s.nodes, func(m *cluster.Node) bool { return m == n })
}
func (s *scheduler) PodAdded(p *cluster.Pod)     { s.queue = append(s.queue, p) }
func (s *scheduler) PodTerminating(*cluster.Pod) {}
func (s *scheduler) PodRemoved(p *cluster.Pod) {
	s.queue = slices.DeleteFunc(s.queue, func(q *cluster.Pod) bool { return q == p })
}
func (s *scheduler) Close() {}

func (s *scheduler) Schedule() {
	queue := s.queue
	s.queue = nil
	for _, p := range queue {
		if n := s.choose(p); n != nil {
			s.host.Bind(p, n, decisions.Placement{Evaluated: len(s.nodes)})
			continue
		}
		s.queue = append(s.queue, p)
		s.host.Refuse(p, fmt.Sprintf("0/%d nodes have room", len(s.nodes)), decisions.Placement{Evaluated: len(s.nodes)})
	}
}

func (s *scheduler) choose(p *cluster.Pod) (best *cluster.Node) {
	for _, n := range s.nodes {
		if _, ok := n.Room().Find(s.host.Need(p, n)); !ok || n.Cordoned {
			continue
		}
		if best == nil || (n.Allocated() < best.Allocated()) != s.pack && n.Allocated() != best.Allocated() {
			best = n
		}
	}
	return best
}

// fork is the room that is left on each node.
type fork struct {
	host cluster.Host
	room map[*cluster.Node]cluster.Room
}

func (s *scheduler) Fork() cluster.Fork {
	f := &fork{s.host, map[*cluster.Node]cluster.Room{}}
	for _, n := range s.nodes {
		if !n.Cordoned {
			f.room[n] = n.Room()
		}
	}
	return f
}

func (f *fork) AddNode(n *cluster.Node)    { f.room[n] = n.EmptyRoom() }
func (f *fork) RemoveNode(n *cluster.Node) { delete(f.room, n) }
func (f *fork) Place(p *cluster.Pod, on []*cluster.Node) *cluster.Node {
	for _, n := range on {
		if f.room[n].Take(f.host.Need(p, n)) {
			return n
		}
	}
	return nil
}
