package capacity

import (
	"math"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// Plan is a replica count, where its replicas lie and what is predicted of it.
type Plan struct {
	Replicas int
	Counts   []int // by pool
	Watts    float64
	Busy     float64 // highest utilisation of a replica
	Latency  float64 // s, at the SLO's quantile, the slowest pool's
	Overload bool    // even the most replicas do not keep the SLO
}

// Search predicts what replica counts of one service draw. Replicas fill the
// pools in the order of watts per replica. It is not safe for concurrent use.
type Search struct {
	Fleet  Fleet
	pools  []policies.Pool
	curves []curve
	counts []int // scratch
}

// NewSearch returns the search over m's pools, where a replica on pool i may get
// rates[i] req/s at most.
func NewSearch(m policies.Model, rates []float64) *Search {
	s := &Search{pools: m.Pools, curves: make([]curve, len(m.Pools)), counts: make([]int, len(m.Pools))}
	order := make([]int, len(m.Pools))
	for i, p := range m.Pools {
		order[i] = i
		if rates[i] > 0 {
			s.curves[i] = newCurve(m, p, rates[i])
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		wa, wb := s.perReplica(a), s.perReplica(b)
		switch {
		case wa < wb:
			return -1
		case wa > wb:
			return 1
		}
		return 0
	})
	s.Fleet = NewFleet(m, rates, order)
	return s
}

// Cheapest returns the plan of the smallest power that serves demand req/s.
// Counts grow until the idle draw alone is above the best found.
func (s *Search) Cheapest(demand float64, b Bounds) Plan {
	fewest, enough := s.Fleet.Replicas(demand)
	fewest = max(fewest, b.Min)
	if !enough || fewest > b.Max {
		return Plan{Replicas: b.Max, Overload: true}
	}
	best := Plan{Watts: math.Inf(1)}
	for n := fewest; n <= b.Max; n++ {
		s.Fleet.Counts(n, s.counts)
		idle := s.idleWatts(s.counts)
		if idle >= best.Watts {
			break
		}
		if p := s.predict(n, demand, idle); p.Watts < best.Watts {
			p.Counts = slices.Clone(s.counts)
			best = p
		}
	}
	return best
}

// predict returns the plan of n replicas that lie as s.counts says.
func (s *Search) predict(n int, demand, idle float64) Plan {
	load := 0.0
	if c := s.Fleet.Capacity(n); c > 0 {
		load = demand / c
	}
	p := Plan{Replicas: n, Watts: idle}
	for i, k := range s.counts {
		if k == 0 {
			continue
		}
		at := s.curves[i].at(load)
		p.Watts += float64(float64(k) * at.watts)
		p.Busy = max(p.Busy, at.busy)
		p.Latency = max(p.Latency, at.latency)
	}
	return p
}

// idleWatts is what nodes and loaded GPUs draw without a request. Replicas
// fill GPUs, and GPUs nodes, before the next is taken.
func (s *Search) idleWatts(counts []int) float64 {
	sum := 0.0
	for i, n := range counts {
		if n == 0 {
			continue
		}
		p := s.pools[i]
		nodes, gpus := devices(p, n)
		sum += float64(float64(nodes) * p.NodeBaseWatts)
		sum += float64(float64(gpus) * p.ContextWatts)
		sum += float64(float64(nodes*p.GPUsPerNode-gpus) * p.BareWatts)
	}
	return sum
}

// devices is how many nodes n replicas take, and how many GPUs get a context.
func devices(p policies.Pool, n int) (nodes, gpus int) {
	nodes = ceilDiv(n, p.PodsPerNode)
	return nodes, min(ceilDiv(n, podsPerGPU(p)), nodes*p.GPUsPerNode)
}

// Draw is what one pool draws.
type Draw struct {
	Nodes int     // that are on
	Watts float64 // at their plugs
}

// Draws sets draws, which has one place per pool, to what n replicas draw on
// average while they serve rate req/s: nodes, GPUs with and without a context,
// batches, and what hosts add to the watts of their GPUs.
func (s *Search) Draws(n int, rate float64, draws []Draw) {
	clear(s.counts)
	s.Fleet.Counts(n, s.counts)
	load := 0.0
	if c := s.Fleet.Capacity(n); c > 0 {
		load = rate / c
	}
	for i, k := range s.counts {
		draws[i] = Draw{}
		if k == 0 {
			continue
		}
		p := s.pools[i]
		nodes, gpus := devices(p, k)
		aboveBare := float64(float64(gpus)*(p.ContextWatts-p.BareWatts)) + float64(float64(k)*s.curves[i].at(load).watts)
		draws[i] = Draw{
			Nodes: nodes,
			Watts: float64(float64(nodes)*(p.NodeBaseWatts+float64(float64(p.GPUsPerNode)*p.BareWatts))) + float64((1+p.HostPerWatt)*aboveBare),
		}
	}
}

// perReplica is the watts of a replica on full nodes at the highest rate that
// it may get; infinite where it may get none.
func (s *Search) perReplica(i int) float64 {
	p := s.pools[i]
	if s.curves[i] == nil {
		return math.Inf(1)
	}
	node := p.NodeBaseWatts + float64(float64(p.GPUsPerNode)*p.ContextWatts)
	return node/float64(p.PodsPerNode) + s.curves[i].at(1).watts
}

func podsPerGPU(p policies.Pool) int { return max(1, p.PodsPerNode/max(p.GPUsPerNode, 1)) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// point is what is predicted of one replica at one load.
type point struct{ watts, busy, latency float64 }

// curve holds points at equal steps of load, from none to the highest rate a
// replica may get. Predictions cost up to a millisecond; a decision looks
// between these in nanoseconds.
type curve []point

const curveSteps = 32

func newCurve(m policies.Model, p policies.Pool, rate float64) curve {
	s := Server(m, p)
	c := make(curve, curveSteps+1)
	for i := range c {
		q := s.Predict(rate * float64(i) / curveSteps)
		dynamic := 0.0
		for b := 1; b < len(q.BusyShare); b++ {
			dynamic += float64(q.BusyShare[b] * (p.BusyWatts[b] - p.ContextWatts))
		}
		c[i] = point{watts: p.Share * dynamic, busy: q.Utilisation, latency: q.Quantile(m.LatencyQuantile)}
	}
	return c
}

// at returns the point at a load of 0 to 1, linear between its neighbours.
func (c curve) at(load float64) point {
	x := min(max(load, 0), 1) * curveSteps
	i := min(int(x), curveSteps-1)
	part := x - float64(i)
	mix := func(a, b float64) float64 { return a + float64(part*(b-a)) }
	return point{
		watts:   mix(c[i].watts, c[i+1].watts),
		busy:    mix(c[i].busy, c[i+1].busy),
		latency: mix(c[i].latency, c[i+1].latency),
	}
}
