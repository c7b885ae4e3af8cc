package routing

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

const joulesPerKWh = 3.6e6

// Observation is what telemetry shows a router.
type Observation struct {
	Now vtime.Time
	// Valid is false until telemetry shows something; At is when it was scraped.
	Valid   bool
	At      vtime.Time
	Demand  float64 // req/s of the service over the telemetry window, all regions
	Regions []View  // in the order of the router's regions
}

// View is a region as it is seen.
type View struct {
	Ready     []int   // replicas that serve, by Region.Pools; without lag
	Intensity float64 // g CO2e/kWh of the region's grid now
}

// Decision is a router's shares.
type Decision struct {
	Demand  float64   // req/s that the shares are of
	Shares  []float64 // by region; they add up to 1
	Limits  []float64 // req/s that each region is filled to; nil for fixed shares
	Costs   []float64 // what the regions are ordered by, in Unit; nil for fixed shares
	Unit    string
	Reason  string
	Decided bool // false when nothing was seen yet: the shares are the last ones
}

// Router decides the shares of one service in one replication.
type Router struct {
	config  Config
	regions []Region
	order   []int // of the last decision; nil before the first
	shares  []float64
}

// New returns a router.
func New(c Config, regions []Region) (*Router, error) {
	if err := c.check(regions); err != nil {
		return nil, err
	}
	return &Router{config: c, regions: regions}, nil
}

// Interval is the time between two decisions.
func (r *Router) Interval() time.Duration { return r.config.Interval }

// Open decides the shares with which the window opens: demand is the first rate in
// req/s, and rooms is how many replicas the nodes that are on can hold, by region
// and pool, since the first replicas serve at once.
func (r *Router) Open(demand float64, rooms [][]int, intensity []float64) Decision {
	o := Observation{Valid: true, Demand: demand}
	for i := range r.regions {
		o.Regions = append(o.Regions, View{Ready: rooms[i], Intensity: intensity[i]})
	}
	return r.Decide(o)
}

// Decide returns the shares from now on. It is a function of the observations so
// far.
func (r *Router) Decide(o Observation) Decision {
	if r.config.Kind == Weighted {
		return r.fixed(o.Demand)
	}
	if !o.Valid {
		return Decision{Shares: slices.Clone(r.shares)}
	}
	d := Decision{Decided: true, Demand: o.Demand, Unit: units[r.config.Kind], Costs: make([]float64, len(r.regions)), Limits: make([]float64, len(r.regions))}
	for i := range r.regions {
		d.Costs[i] = r.cost(i, o.Regions[i])
		d.Limits[i] = float64((1 + r.config.Headroom) * r.ready(i, o.Regions[i]))
	}
	r.reorder(d.Costs)
	over := 0.0
	d.Shares, over = r.fill(o, d.Limits)
	d.Reason = r.reason(o, d, over)
	r.shares = d.Shares
	return d
}

// fixed are the configured shares.
func (r *Router) fixed(demand float64) Decision {
	sum := 0.0
	for _, w := range r.config.Weights {
		sum += w
	}
	shares := make([]float64, len(r.regions))
	for i, w := range r.config.Weights {
		shares[i] = w / sum
	}
	r.shares = shares
	return Decision{Demand: demand, Shares: shares, Reason: "fixed shares", Decided: true}
}

// units are those of what a kind of router orders regions by.
var units = map[string]string{Nearest: "ms", Cheapest: "money per million requests", Green: "g CO2e per million requests"}

// cost is what a region is ordered by; infinite where no replica keeps the SLO.
// Of several pools it is the mean over what their ready replicas can serve, and
// that of the best pool while there are none.
func (r *Router) cost(i int, v View) float64 {
	if r.config.Kind == Nearest {
		return float64(r.regions[i].Network) / 1e6
	}
	sum, rate, best := 0.0, 0.0, math.Inf(1)
	for k, p := range r.regions[i].Pools {
		if p.Rate == 0 {
			continue
		}
		c := r.perMillion(i, p, v)
		can := float64(float64(v.Ready[k]) * p.Rate)
		sum += float64(c * can)
		rate += can
		best = min(best, c)
	}
	if rate > 0 {
		return sum / rate
	}
	return best
}

// perMillion is what a million requests on a pool cost: g CO2e, or money for
// nodes, energy and emissions.
//
//	kWh = joules · PUE / 3.6e6
//	g = kWh · intensity
//	money = nodes + kWh · tariff + g · price of a tonne / 1e6
func (r *Router) perMillion(i int, p Pool, v View) float64 {
	kWh := 1e6 * p.Joules * r.regions[i].PUE / joulesPerKWh
	grams := float64(kWh * v.Intensity)
	if r.config.Kind == Green {
		return grams
	}
	return float64(1e6*p.Money) + float64(kWh*r.config.EnergyPerKWh[i]) + float64(grams*r.config.CarbonPerTonne/1e6)
}

// ready is the req/s that the ready replicas of a region may get.
func (r *Router) ready(i int, v View) float64 {
	sum := 0.0
	for k, p := range r.regions[i].Pools {
		sum += float64(float64(v.Ready[k]) * p.Rate)
	}
	return sum
}

// reorder sorts the regions by cost. After the first time a region passes the one
// before it only by the configured advantage: each swap puts two regions right
// that were in the wrong order, so it ends.
func (r *Router) reorder(costs []float64) {
	byCost := func(a, b int) int {
		return cmp.Or(cmp.Compare(costs[a], costs[b]), strings.Compare(r.regions[a].Name, r.regions[b].Name))
	}
	if r.order == nil {
		for i := range r.regions {
			r.order = append(r.order, i)
		}
		slices.SortFunc(r.order, byCost)
		return
	}
	for swapped := true; swapped; {
		swapped = false
		for k := 1; k < len(r.order); k++ {
			a, b := r.order[k-1], r.order[k]
			if costs[b] < costs[a]*(1-r.config.MinAdvantage) {
				r.order[k-1], r.order[k], swapped = b, a, true
			}
		}
	}
}

// fill gives each region in turn what it can take, and returns the shares and the
// req/s that fitted nowhere.
func (r *Router) fill(o Observation, limits []float64) (shares []float64, over float64) {
	shares = make([]float64, len(r.regions))
	total := 0.0
	for _, l := range limits {
		total += l
	}
	if total == 0 { // nobody serves, or nobody within the SLO
		return r.nobody(o), o.Demand
	}
	if o.Demand <= 0 { // the next request goes to the first that can take it
		i := slices.IndexFunc(r.order, func(i int) bool { return limits[i] > 0 })
		shares[r.order[i]] = 1
		return shares, 0
	}
	left := o.Demand
	for _, i := range r.order {
		take := min(left, limits[i])
		left -= take
		shares[i] = take / o.Demand
	}
	if left > 0 {
		for i := range shares {
			shares[i] = limits[i] / total
		}
	}
	return shares, left
}

// nobody are the shares where no ready replica keeps the SLO: in proportion to the
// replicas that are ready, or alike where there are none.
func (r *Router) nobody(o Observation) []float64 {
	shares := make([]float64, len(r.regions))
	sum := 0.0
	for i, v := range o.Regions {
		for _, n := range v.Ready {
			shares[i] += float64(n)
		}
		sum += shares[i]
	}
	for i := range shares {
		if sum > 0 {
			shares[i] /= sum
		} else {
			shares[i] = 1 / float64(len(shares))
		}
	}
	return shares
}

// reason tells the order and what was over.
func (r *Router) reason(o Observation, d Decision, over float64) string {
	var order []string
	for _, i := range r.order {
		text := fmt.Sprintf("%s %.4g", r.regions[i].Name, d.Costs[i])
		switch {
		case math.IsInf(d.Costs[i], 1) || slices.IndexFunc(r.regions[i].Pools, func(p Pool) bool { return p.Rate > 0 }) < 0:
			text = r.regions[i].Name + " out of the SLO's reach"
		case d.Limits[i] == 0:
			text += " (no replica is ready)"
		}
		order = append(order, text)
	}
	text := fmt.Sprintf("%.4g req/s; order by %s: %s", o.Demand, d.Unit, strings.Join(order, ", "))
	if over > 0 {
		text += fmt.Sprintf("; %.4g req/s are more than all can take", over)
	}
	return text
}
