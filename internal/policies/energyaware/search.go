package energyaware

import (
	"math"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
)

// plan is a replica count, where its replicas lie and what is predicted of it.
type plan struct {
	replicas int
	counts   []int // by pool
	watts    float64
	busy     float64 // highest utilisation of a replica
	latency  float64 // s, at the SLO's quantile, the slowest pool's
	overload bool    // even the most replicas do not keep the SLO
}

// search finds plans for one service.
type search struct {
	pools  []policies.Pool
	curves []curve
	fleet  capacity.Fleet
	counts []int // scratch
}

func newSearch(m policies.Model, rates []float64) search {
	s := search{pools: m.Pools, curves: make([]curve, len(m.Pools)), counts: make([]int, len(m.Pools))}
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
	s.fleet = capacity.NewFleet(m, rates, order)
	return s
}

// cheapest returns the plan of the smallest power that serves demand req/s.
// Counts grow until the idle draw alone is above the best found.
func (s search) cheapest(demand float64, b capacity.Bounds) plan {
	fewest, enough := s.fleet.Replicas(demand)
	fewest = max(fewest, b.Min)
	if !enough || fewest > b.Max {
		return plan{replicas: b.Max, overload: true}
	}
	best := plan{watts: math.Inf(1)}
	for n := fewest; n <= b.Max; n++ {
		s.fleet.Counts(n, s.counts)
		idle := s.idleWatts(s.counts)
		if idle >= best.watts {
			break
		}
		if p := s.predict(n, demand, idle); p.watts < best.watts {
			p.counts = slices.Clone(s.counts)
			best = p
		}
	}
	return best
}

// predict returns the plan of n replicas that lie as s.counts says.
func (s search) predict(n int, demand, idle float64) plan {
	load := 0.0
	if c := s.fleet.Capacity(n); c > 0 {
		load = demand / c
	}
	p := plan{replicas: n, watts: idle}
	for i, k := range s.counts {
		if k == 0 {
			continue
		}
		at := s.curves[i].at(load)
		p.watts += float64(float64(k) * at.watts)
		p.busy = max(p.busy, at.busy)
		p.latency = max(p.latency, at.latency)
	}
	return p
}

// idleWatts is what nodes and loaded GPUs draw without a request. Replicas
// fill GPUs, and GPUs nodes, before the next is taken.
func (s search) idleWatts(counts []int) float64 {
	sum := 0.0
	for i, n := range counts {
		p := s.pools[i]
		if n == 0 {
			continue
		}
		nodes := ceilDiv(n, p.PodsPerNode)
		gpus := min(ceilDiv(n, podsPerGPU(p)), nodes*p.GPUsPerNode)
		sum += float64(float64(nodes) * p.NodeBaseWatts)
		sum += float64(float64(gpus) * p.ContextWatts)
		sum += float64(float64(nodes*p.GPUsPerNode-gpus) * p.BareWatts)
	}
	return sum
}

// perReplica is the watts of a replica on full nodes at the highest rate that
// it may get; infinite where it may get none.
func (s search) perReplica(i int) float64 {
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
	s := capacity.Server(m, p)
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
