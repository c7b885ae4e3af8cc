package engine

import (
	"fmt"
	"math"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/units"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// meter integrates power over time. Between two calls of accumulate no node
// changes its state and no pod its place, so the integral is exact whatever the
// calls' spacing: idle watts times time, and for each batch size its busy time
// times what it draws above the idle context.
type meter struct {
	w    *world
	last vtime.Time
	// Joules since the start.
	gpu, gpuIdle, node float64
	byNode             []float64        // the same joules, added up by node
	byState            []nodeMeter      // by node, but for its busy seconds
	boards             [][]BoardReading // by node and GPU
	pods               []PodReading     // in the order in which they came; for a probe
	podIndex           map[podOnBoard]int
	byPool             []float64 // and by pool
	byGrade            [grade.Count]float64
	parts              [][kinds]tally // by pool and kind
	unattributed       float64        // joules that no service answers for
	grams              float64        // operational CO2e of the facility
	gramsByPool        []float64
	// Seconds since the start.
	gpuOn, nodeOn, gpuAllocated  float64
	gpuBusy, gpuContext, gpuOpen float64 // sums to gpuOn while nodes are on
	gpuOnByPool                  []float64
	reservedByPool               []float64 // node-seconds that hardware was held, asleep included
	readyMax                     int       // replicas of all services at one instant
}

func (m *meter) init(w *world) {
	m.w = w
	m.byNode = make([]float64, len(w.cluster.Nodes()))
	m.byState = make([]nodeMeter, len(w.cluster.Nodes()))
	m.podIndex = map[podOnBoard]int{}
	m.boards = make([][]BoardReading, len(w.cluster.Nodes()))
	for i, n := range w.cluster.Nodes() {
		m.boards[i] = make([]BoardReading, len(n.GPUs))
	}
	m.byPool = make([]float64, len(w.cfg.Cluster.Pools))
	m.parts = make([][kinds]tally, len(w.cfg.Cluster.Pools))
	m.gramsByPool = make([]float64, len(w.cfg.Cluster.Pools))
	m.gpuOnByPool = make([]float64, len(w.cfg.Cluster.Pools))
	m.reservedByPool = make([]float64, len(w.cfg.Cluster.Pools))
}

// accumulate adds what was drawn since the last call.
func (m *meter) accumulate() {
	now := m.w.queue.Now()
	m.accumulateTo(now)
}

func (m *meter) accumulateTo(now vtime.Time) {
	dt := now.Sub(m.last).Seconds()
	if dt <= 0 {
		return
	}
	before := slices.Clone(m.byPool)
	for i, n := range m.w.cluster.Nodes() {
		m.addNode(i, n, now, dt)
	}
	for pool, grid := range m.w.cfg.Grids {
		joules := (m.byPool[pool] - before[pool]) * m.w.cfg.pueOf(pool)
		intensity := grid.IntensityAt(m.last)
		grams := float64(units.KWh(joules) * intensity)
		m.grams += grams
		m.gramsByPool[pool] += grams
		m.emit(pool, intensity)
	}
	all := 0
	for _, s := range m.w.services {
		ready := s.fleet.Ready()
		s.readySeconds += float64(float64(ready) * dt)
		s.readyMax = max(s.readyMax, ready)
		all += ready
	}
	m.readyMax = max(m.readyMax, all)
	for _, r := range m.w.routed {
		r.readyMax = max(r.readyMax, r.ready())
	}
	m.last = now
}

func (m *meter) addNode(i int, n *cluster.Node, now vtime.Time, dt float64) {
	if n.State == cluster.Off {
		return
	}
	pool := &m.w.cluster.Pool(n).Node
	m.byState[i].addState(n.State, dt)
	m.reservedByPool[n.Pool] += dt
	switch n.State {
	case cluster.Asleep:
		m.unattributed += m.add(i, kindSleep, pool.SleepWatts, dt)
		return
	case cluster.Booting, cluster.Waking:
		m.unattributed += m.add(i, kindBoot, pool.BootWatts, dt)
		m.gpuOpen += float64(float64(pool.GPUs) * dt)
	case cluster.On:
		m.attributeBase(i, n, m.add(i, kindBase, pool.BaseWatts, dt))
		for g := range n.GPUs {
			before := m.gpu
			m.boards[i][g].BusySeconds += m.addGPU(i, n, g, now, dt)
			m.boards[i][g].Joules += m.gpu - before
		}
	}
	m.nodeOn += dt
	m.gpuOn += float64(float64(pool.GPUs) * dt)
	m.gpuOnByPool[n.Pool] += float64(float64(pool.GPUs) * dt)
}

// add books watts over dt to a node.
func (m *meter) add(node int, k kind, watts powermodel.Point, dt float64) (joules float64) {
	joules = float64(watts.Value * dt)
	m.book(node, k, joules, watts.Grade, watts.Uncertainty())
	return joules
}

func (m *meter) book(node int, k kind, joules float64, g grade.Grade, rel float64) {
	pool := m.w.cluster.Nodes()[node].Pool
	m.node += joules
	m.byNode[node] += joules
	m.byPool[pool] += joules
	m.byGrade[g] += joules
	p := &m.parts[pool][k]
	p.joules += joules
	p.sigma += float64(joules * rel)
}

// addGPU books what a board drew, and returns the seconds with a kernel.
func (m *meter) addGPU(node int, n *cluster.Node, index int, now vtime.Time, dt float64) (seconds float64) {
	g := &n.GPUs[index]
	pool := &m.w.cluster.Pool(n).Node
	board := &pool.GPU
	if !g.Loaded() {
		j := m.add(node, kindBare, board.Bare, dt)
		m.gpu += j
		m.gpuIdle += j
		m.gpuOpen += dt
		m.unattributed += j
		m.boards[node][index].FreeJoules += j
		return 0
	}
	before := m.gpu
	for _, p := range g.Pods {
		part := m.w.cfg.Cluster.Services[p.Service].Needs[n.Pool].Part
		m.gpuAllocated += float64(part * dt)
		m.w.services[p.Service].allocSeconds += float64(part * dt)
		if r := m.w.replicas[p]; r != nil { // else it is starting
			seconds += m.addBusy(node, pool, p, r, part, now)
		}
	}
	idle := dt - seconds
	m.gpuBusy += seconds
	m.gpuContext += idle
	j := m.add(node, kindContext, board.Context, idle)
	m.gpu += j
	m.gpuIdle += j
	m.attributeIdle(node, n, index, pool, j, idle)
	m.hostFollows(n.Pool, pool, kindContext, j, board.Context.Uncertainty())
	m.hostFollows(n.Pool, pool, kindBare, -float64(board.Bare.Value*dt), board.Bare.Uncertainty())
	over := pool.HostPerWatt
	m.book(node, kindHost, float64(over.Value*(m.gpu-before-float64(board.Bare.Value*dt))), over.Grade, over.Uncertainty())
	for _, p := range g.Pods {
		if r := m.w.replicas[p]; r != nil {
			r.counters.gpuJoules += m.gpu - before
			r.counters.gpuSeconds += dt
		}
	}
	return seconds
}

// addBusy books what a replica's kernels drew up to now, and returns the
// seconds for which they took the device.
func (m *meter) addBusy(node int, pool *powermodel.Node, p *cluster.Pod, r *replica, part float64, now vtime.Time) (seconds float64) {
	s, at := r.service, p.Node.Pool
	ps := &s.cfg.Pools[at]
	r.TakeBusy(now, func(batch int, ns int64) {
		r.counters.busyNs += ns
		ran := float64(ns) / 1e9
		s.busySeconds += float64(part * ran)
		load := float64(ps.Load * ran)
		seconds += load
		// The whole draw of the busy time is booked here, and the idle context
		// only for the rest of the interval.
		j := float64(ps.BusyWatts[batch] * load)
		m.gpu += j
		m.book(node, kindBusy, j, ps.Grades[batch], ps.uncertainty(batch))
		m.hostFollows(at, pool, kindBusy, j, ps.uncertainty(batch))
		s.joules += withHost(pool, j, load)
		m.credit(node, p, p.GPU, j, withHost(pool, j, load))
	})
	return seconds
}

// check returns which conservation law does not hold, or "".
func (m *meter) check() string {
	byNode, byPool, byGrade, byPart, byService := 0.0, 0.0, 0.0, 0.0, m.unattributed
	for _, j := range m.byPool {
		byPool += j
	}
	for _, j := range m.byNode {
		byNode += j
	}
	for _, j := range m.byGrade {
		byGrade += j
	}
	for _, pool := range m.parts {
		for _, p := range pool {
			byPart += p.joules
		}
	}
	for _, s := range m.w.services {
		byService += s.joules
	}
	switch {
	case !near(m.node, byPart) || !near(m.node, byService):
		return fmt.Sprintf("joules are not conserved: the cluster drew %v J, its components %v J, its services and nobody %v J", m.node, byPart, byService)
	case !near(m.node, byNode) || !near(m.node, byPool) || !near(m.node, byGrade):
		return fmt.Sprintf("joules are not conserved: the cluster drew %v J, its nodes %v J, the grades add up to %v J", m.node, byNode, byGrade)
	case !near(m.gpuOn, m.gpuBusy+m.gpuContext+m.gpuOpen):
		return fmt.Sprintf("GPU-seconds are not conserved: on %v s, busy %v s + idle with context %v s + idle without %v s", m.gpuOn, m.gpuBusy, m.gpuContext, m.gpuOpen)
	case m.gpuBusy > m.gpuAllocated*(1+1e-9) || m.gpuAllocated > m.gpuOn*(1+1e-9):
		return fmt.Sprintf("GPU-seconds are out of order: busy %v s, allocated %v s, on %v s", m.gpuBusy, m.gpuAllocated, m.gpuOn)
	case m.gpuContext < -1e-6*m.gpuOn:
		return fmt.Sprintf("a GPU was busy longer than it was on: %v s of idle context", m.gpuContext)
	}
	return ""
}

// near allows for the rounding of a long sum.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b), 1) }
