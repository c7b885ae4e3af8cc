package capacity

import (
	"math"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// Fleet is the pools in the order in which replicas fill them. A replica on
// pool i can serve rates[i]; a pool of rate 0 is left out. Replicas are taken
// to get requests in proportion to what they can serve, as LeastRequest
// routing nearly does.
type Fleet struct {
	order []int // indices into Model.Pools
	rooms []int // by Model.Pools
	rates []float64
}

// NewFleet returns the fleet of m's pools in this order.
func NewFleet(m policies.Model, rates []float64, order []int) Fleet {
	f := Fleet{rates: rates, rooms: make([]int, len(m.Pools))}
	for i, p := range m.Pools {
		f.rooms[i] = p.MaxNodes * p.PodsPerNode
	}
	for _, i := range order {
		if rates[i] > 0 {
			f.order = append(f.order, i)
		}
	}
	return f
}

// Counts sets counts, which has one place per pool, to how n replicas lie; a
// pool that is left out keeps its value.
func (f Fleet) Counts(n int, counts []int) {
	for _, i := range f.order {
		counts[i] = min(n, f.rooms[i])
		n -= counts[i]
	}
}

// Room returns how many replicas the fleet can hold.
func (f Fleet) Room() int {
	n := 0
	for _, i := range f.order {
		n += f.rooms[i]
	}
	return n
}

// Capacity returns the rate in req/s that n replicas can serve.
func (f Fleet) Capacity(n int) float64 {
	sum := 0.0
	for _, i := range f.order {
		k := min(n, f.rooms[i])
		sum += float64(float64(k) * f.rates[i])
		n -= k
	}
	return sum
}

// Replicas returns the fewest replicas that can serve demand req/s, and false
// with all there is room for when none suffice.
func (f Fleet) Replicas(demand float64) (int, bool) {
	n := 0
	for _, i := range f.order {
		// A part in 1e9 more than a whole number is rounding, not demand.
		need := math.Ceil(max(demand, 0)/f.rates[i] - 1e-9)
		if need <= float64(f.rooms[i]) {
			return n + int(need), true
		}
		n += f.rooms[i]
		demand -= float64(float64(f.rooms[i]) * f.rates[i])
	}
	return n, false
}
