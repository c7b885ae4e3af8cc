package engine

import (
	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
)

// A board and a node are read as a whole, so what each of several services drew
// is a rule and not a measurement. It leaves no joule over:
//
//   - what a kernel drew, the context's watts included, goes to its service;
//   - an idle context goes to the pods on the board by the part that they took;
//   - what the host adds to the GPUs' watts follows those watts;
//   - base watts go to the pods on the node by the part of its boards they took;
//   - free parts, free boards, booting and sleeping nodes go to nobody.

// withHost is a device's joules over some seconds with what the host adds.
func withHost(pool *powermodel.Node, joules, seconds float64) float64 {
	return joules + float64(pool.HostPerWatt.Value*(joules-float64(pool.GPU.Bare.Value*seconds)))
}

// attributeIdle shares the joules of an idle context out.
func (m *meter) attributeIdle(n *cluster.Node, g *cluster.GPU, pool *powermodel.Node, joules, seconds float64) {
	m.share(n, g, withHost(pool, joules, seconds))
}

// attributeBase shares a node's base watts out, to each board alike.
func (m *meter) attributeBase(n *cluster.Node, joules float64) {
	each := joules / float64(len(n.GPUs))
	for g := range n.GPUs {
		m.share(n, &n.GPUs[g], each)
	}
}

// share gives joules to the pods on a board by the part that each took, and the
// rest to nobody. Parts are thirds and sevenths: a rest that is not a part but
// what rounding leaves of a full board is none.
func (m *meter) share(n *cluster.Node, g *cluster.GPU, joules float64) {
	free := 1.0
	for _, p := range g.Pods {
		part := m.w.cfg.Cluster.Services[p.Service].Needs[n.Pool].Part
		m.w.services[p.Service].joules += float64(part * joules)
		free -= part
	}
	if free > 1e-9 {
		m.unattributed += float64(free * joules)
	}
}
