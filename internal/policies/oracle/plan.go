package oracle

import (
	"errors"
	"math"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// planner finds the cheapest plan.
type planner struct {
	config *Config
	model  policies.Model
	search *capacity.Search
	lo, hi int             // counts that a plan may have
	steps  []stage         // of the window
	starts []start         // starts[k] is what the k-th replica takes to start
	draws  []capacity.Draw // scratch
}

// stage is a step of the window.
type stage struct {
	seconds float64
	need    int     // replicas that serve its highest rate, or all there is room for
	mean    float64 // req/s
	weights []weight
}

// weight is what a pool's joule and node-second cost, in the unit of the plan.
type weight struct{ joule, nodeSecond float64 }

// start is what it takes to start a replica.
type start struct {
	pool                int
	joules, nodeSeconds float64
}

func newPlanner(c *Config, m policies.Model, s *capacity.Search) (*planner, error) {
	bounds := capacity.NewBounds(c.MinReplicas, c.MaxReplicas, s.Fleet)
	p := &planner{config: c, model: m, search: s, lo: bounds.Min, hi: bounds.Min, draws: make([]capacity.Draw, len(m.Pools))}
	if c.Minimise == Cost && !p.priced() {
		return nil, errors.New("there is no least cost: no price is above 0; state spec.cost, or minimise Energy or Carbon")
	}
	end := m.Future.End()
	for at := vtime.Time(0); at < end; at = at.Add(c.Step.D()) {
		p.addStage(at, min(at.Add(c.Step.D()), end), bounds)
	}
	p.addStarts()
	return p, nil
}

func (p *planner) priced() bool {
	for _, pool := range p.model.Pools {
		if pool.NodeHour > 0 {
			return true
		}
	}
	return p.model.EnergyPerKWh > 0 || p.model.CarbonPerTonne > 0
}

func (p *planner) addStage(from, to vtime.Time, bounds capacity.Bounds) {
	f := p.model.Future
	st := stage{seconds: to.Sub(from).Seconds()}
	n, _ := p.search.Fleet.Replicas(f.Highest(from, to-1))
	st.need = bounds.Clamp(n)
	seconds := 0
	for at := from; at < to; at = at.Add(time.Second) {
		st.mean += f.Rate(at)
		seconds++
	}
	st.mean /= float64(seconds)
	for i, pool := range p.model.Pools {
		st.weights = append(st.weights, p.weight(pool, f.Intensity(i, from)))
	}
	p.steps = append(p.steps, st)
	// More than the fewest may draw less, where a busier board draws much more.
	p.hi = max(p.hi, st.need, p.search.Cheapest(st.mean, bounds).Replicas)
}

// weight is what the unit of the plan makes of a joule at the plug and of a second
// of a node.
func (p *planner) weight(pool policies.Pool, intensity float64) weight {
	const (
		joulesPerKWh  = 3.6e6
		gramsPerTonne = 1e6
	)
	kWh := p.model.PUE / joulesPerKWh
	switch p.config.Minimise {
	case Carbon:
		return weight{joule: kWh * intensity, nodeSecond: pool.EmbodiedPerHour / 3600}
	case Cost:
		gram := p.model.CarbonPerTonne / gramsPerTonne
		return weight{
			joule:      kWh * (p.model.EnergyPerKWh + float64(intensity*gram)),
			nodeSecond: (pool.NodeHour + float64(pool.EmbodiedPerHour*gram)) / 3600,
		}
	}
	return weight{joule: kWh}
}

// addStarts works out what each replica takes to start: a context on its GPU
// while it loads, and the boot of a node where it is the first on one.
func (p *planner) addStarts() {
	before := make([]int, len(p.model.Pools))
	counts := make([]int, len(p.model.Pools))
	p.starts = make([]start, p.hi+1)
	for n := 1; n <= p.hi; n++ {
		p.search.Fleet.Counts(n, counts)
		for i, k := range counts {
			if k == before[i] {
				continue
			}
			pool := p.model.Pools[i]
			s := start{pool: i, joules: p.model.ColdStart.Seconds() * (1 + pool.HostPerWatt) * (pool.ContextWatts - pool.BareWatts)}
			if (k-1)%pool.PodsPerNode == 0 {
				idle := pool.NodeBaseWatts + float64(float64(pool.GPUsPerNode)*pool.BareWatts)
				s.joules += float64(pool.ProvisionDelay.Seconds()*pool.BootWatts) + float64(p.model.ColdStart.Seconds()*idle)
				s.nodeSeconds = (pool.ProvisionDelay + p.model.ColdStart).Seconds()
			}
			p.starts[n] = s
		}
		copy(before, counts)
	}
}

// cost is what n replicas cost over a step.
func (p *planner) cost(st *stage, n int) float64 {
	p.search.Draws(n, st.mean, p.draws)
	sum := 0.0
	for i, d := range p.draws {
		sum += float64(st.seconds * (float64(d.Watts*st.weights[i].joule) + float64(float64(d.Nodes)*st.weights[i].nodeSecond)))
	}
	return sum
}

// best returns the cheapest plan and what it costs. With V_t(n) the least from
// step t on, n replicas in it, and S_t(n) what it takes to start the first n,
//
//	V_t(n) = cost_t(n) + min( min_{m<=n} V_{t+1}(m), min_{m>n} V_{t+1}(m) + S_{t+1}(m) - S_{t+1}(n) )
//
// which takes time in proportion to steps × counts. Of equal plans it is the one
// with fewer replicas. The first step's replicas are there when the window opens.
func (p *planner) best() (plan []int, total float64) {
	width := p.hi - p.lo + 1
	value := make([]float64, width)         // V_t
	after := make([]float64, width)         // the least from step t+1 on, by the count in t
	chosen := make([][]int32, len(p.steps)) // the count of step t+1 by t and n, as an offset from lo
	for t := len(p.steps) - 1; t >= 0; t-- {
		chosen[t] = make([]int32, width)
		if t+1 < len(p.steps) {
			p.moves(&p.steps[t+1], value, after, chosen[t])
		}
		for n := range width {
			value[n] = math.Inf(1)
			if p.lo+n >= p.steps[t].need {
				value[n] = p.cost(&p.steps[t], p.lo+n) + after[n]
			}
		}
	}
	n := 0
	for m := range value {
		if value[m] < value[n] {
			n = m
		}
	}
	total = value[n]
	for t := range p.steps {
		plan = append(plan, p.lo+n)
		n = int(chosen[t][n])
	}
	return plan, total
}

// moves finds the way from each count to the next step's: to the cheapest of the
// counts that are not higher, or of the higher ones with their starts.
func (p *planner) moves(next *stage, value, after []float64, chosen []int32) {
	lowest := 0
	for n := range value {
		if value[n] < value[lowest] {
			lowest = n
		}
		chosen[n], after[n] = int32(lowest), value[lowest]
	}
	up, least := -1, math.Inf(1) // the best of the counts above n, started from n
	for n := len(value) - 1; n >= 0; n-- {
		if least < after[n] {
			chosen[n], after[n] = int32(up), least
		}
		if value[n] <= least {
			up, least = n, value[n]
		}
		if n > 0 { // seen from n-1, the n-th has to be started too
			least += p.startCost(next, p.lo+n)
		}
	}
}

func (p *planner) startCost(st *stage, n int) float64 {
	s := p.starts[n]
	w := st.weights[s.pool]
	return float64(s.joules*w.joule) + float64(s.nodeSeconds*w.nodeSecond)
}
