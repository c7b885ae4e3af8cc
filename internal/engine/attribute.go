package engine

import (
	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
)

// A board and a node are read as a whole, so what each of several pods drew, on
// MIG slices or in turns, is a rule and not a measurement. It leaves no joule over:
//
//   - what a kernel drew, the context's watts included, goes to the pod that ran it;
//   - an idle context goes to the pods on the board by the part that they took;
//   - what the host adds to the GPUs' watts follows those watts;
//   - base watts go to the pods on the node by the part of its boards they took;
//   - free parts, free boards, booting and sleeping nodes go to nobody.

// withHost is a device's joules over some seconds with what the host adds.
func withHost(pool *powermodel.Node, joules, seconds float64) float64 {
	return joules + float64(pool.HostPerWatt.Value*(joules-float64(pool.GPU.Bare.Value*seconds)))
}

// attributeIdle shares the joules of an idle context out.
func (m *meter) attributeIdle(node int, n *cluster.Node, g int, pool *powermodel.Node, joules, seconds float64) {
	m.share(node, n, g, joules, withHost(pool, joules, seconds))
}

// attributeBase shares a node's base watts out, to each board alike.
func (m *meter) attributeBase(node int, n *cluster.Node, joules float64) {
	each := joules / float64(len(n.GPUs))
	for g := range n.GPUs {
		m.share(node, n, g, 0, each)
	}
}

// share gives joules of a node, of which so many are the board's, to the pods on
// the board by the part that each took, and the rest to nobody. Parts are thirds
// and sevenths: a rest that is not a part but what rounding leaves of a full board
// is none.
func (m *meter) share(node int, n *cluster.Node, g int, board, joules float64) {
	free := 1.0
	for _, p := range n.GPUs[g].Pods {
		part := m.w.cfg.Cluster.Services[p.Service].Needs[n.Pool].Part
		m.w.services[p.Service].joules += float64(part * joules)
		m.credit(node, p, g, float64(part*board), float64(part*joules))
		free -= part
	}
	if free > 1e-9 {
		m.unattributed += float64(free * joules)
		m.boards[node][g].FreeJoules += float64(free * board)
	}
}

// podOnBoard is a pod where it runs.
type podOnBoard struct {
	pod       *cluster.Pod
	node, gpu int
}

// credit books to a pod what it answers for. It is kept for a probe alone, for the
// figures of a run know services.
func (m *meter) credit(node int, p *cluster.Pod, g int, board, joules float64) {
	if m.w.cfg.Probe == nil {
		return
	}
	key := podOnBoard{p, node, g}
	i, ok := m.podIndex[key]
	if !ok {
		i = len(m.pods)
		m.pods = append(m.pods, PodReading{Service: p.Service, Pod: p.Name, Node: m.w.cluster.Nodes()[node], GPU: g})
		m.podIndex[key] = i
	}
	m.pods[i].BoardJoules += board
	m.pods[i].Joules += joules
}
