package engine

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Probe reads the meters of every node and board at regular instants, the start
// and the end included, as an exporter on the nodes would. It changes nothing.
type Probe struct {
	Interval time.Duration
	// Read is called with the readings in the order of the nodes, and with what all
	// pods answer for that there were so far, in the order in which they came. They
	// are valid until it returns.
	Read func(t vtime.Time, nodes []NodeReading, pods []PodReading)
}

// NodeReading is what a node's meters show.
type NodeReading struct {
	Node   *cluster.Node
	Joules float64        // of the whole node since the start, whatever its state
	Boards []BoardReading // by GPU of the node
}

// BoardReading is what a board's meters show: of the time for which its node was
// on. A booting or sleeping node draws as a whole.
type BoardReading struct {
	Joules      float64 // since the start
	BusySeconds float64 // with a kernel, by the part of the board that it loads
	FreeJoules  float64 // of Joules, what no pod answers for
}

// PodReading is what a pod answers for by the rule of attribute.go, since it came.
// The pods on a board and its FreeJoules make the board's joules.
type PodReading struct {
	Service     int
	Pod         string
	Node        *cluster.Node
	GPU         int     // of the node
	BoardJoules float64 // of the board alone
	Joules      float64 // with its part of the host
}

// watch reads the meters now and from now on.
func (w *world) watch(p *Probe) {
	w.readMeters()
	w.every(p.Interval, vtime.PriorityMeasure, w.readMeters)
}

func (w *world) readMeters() { w.readMetersAt(w.queue.Now()) }

func (w *world) readMetersAt(now vtime.Time) {
	w.meter.accumulateTo(now)
	nodes := w.cluster.Nodes()
	if w.readings == nil {
		w.readings = make([]NodeReading, len(nodes))
	}
	for i, n := range nodes {
		w.readings[i] = NodeReading{Node: n, Joules: w.meter.byNode[i], Boards: w.meter.boards[i]}
	}
	w.cfg.Probe.Read(now, w.readings, w.meter.pods)
}
