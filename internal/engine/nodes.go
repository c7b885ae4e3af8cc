package engine

import (
	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// maxNodePoints is about how many points the series of nodes has at most; beyond
// it a point is taken over several bins of the time series.
const maxNodePoints = 100_000

// nodeSeries takes down what each node did, of one replication. A point ends where
// a bin of the time series does.
type nodeSeries struct {
	every int // bins of the time series to a point; 0 keeps no series
	bins  int // since the last point
	from  vtime.Time
	last  []nodeMeter // what the meters showed then
}

// nodeMeter is a node's time in each state and its busy GPU-seconds, since the
// start, in seconds.
type nodeMeter struct {
	on, boot, asleep, busy float64
}

// keepNodes begins the series if this is the replication that is to have one.
func (w *world) keepNodes() {
	if w.cfg.NodeSeed == nil || *w.cfg.NodeSeed != w.seed {
		return
	}
	nodes := len(w.meter.byNode)
	bins := int((w.cfg.Duration + vtime.At(w.cfg.Bin) - 1) / vtime.At(w.cfg.Bin))
	w.nodes = nodeSeries{every: max((nodes*bins+maxNodePoints-1)/maxNodePoints, 1), last: make([]nodeMeter, nodes)}
}

// pointNodes writes a point for each node at the end of every so many bins, and
// at the end of the run.
func (w *world) pointNodes(now vtime.Time) {
	s := &w.nodes
	if s.bins++; s.every == 0 || s.bins < s.every && now < w.cfg.Duration {
		return
	}
	seconds := now.Sub(s.from).Seconds()
	for i, n := range w.cluster.Nodes() {
		pool := w.cluster.Pool(n)
		meter, last := w.meter.byState[i], s.last[i]
		for _, b := range w.meter.boards[i] {
			meter.busy += b.BusySeconds
		}
		p := results.NodePoint{
			T: now.Seconds(), Node: n.Name, Pool: pool.Name,
			OnRatio: (meter.on - last.on) / seconds, BootRatio: (meter.boot - last.boot) / seconds, AsleepRatio: (meter.asleep - last.asleep) / seconds,
		}
		if on := (meter.on - last.on) * float64(len(n.GPUs)); on > 0 {
			p.GPUBusyRatio = some((meter.busy - last.busy) / on)
		}
		w.out.Nodes = append(w.out.Nodes, p)
		s.last[i] = meter
	}
	s.from, s.bins = now, 0
}

// addState books a node's time by its state.
func (m *nodeMeter) addState(state cluster.NodeState, dt float64) {
	switch state {
	case cluster.On:
		m.on += dt
	case cluster.Booting, cluster.Waking:
		m.boot += dt
	case cluster.Asleep:
		m.asleep += dt
	}
}
