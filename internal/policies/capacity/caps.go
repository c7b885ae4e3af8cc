package capacity

import (
	"math"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// Level is the search while the boards are held down.
type Level struct {
	*Search
	Caps []float64 // W by Model.Pools; 0 is the pool's own
}

// Levels returns the search under the pools' own caps, and under ever lower ones as
// long as every pool that meets the SLO still does. All pools go down together, each
// by one of its caps a level, as far as it has any: with every combination there
// would be too many to look at. Hosts are counted: what they add follows the watts
// that a cap saves.
func Levels(m policies.Model, maxUtilisation float64) ([]Level, error) {
	var out []Level
	var own []float64
	steps := 0
	for _, p := range m.Pools {
		steps = max(steps, len(below(p)))
	}
	for k := range steps + 1 {
		held, caps := hold(m, k)
		rates, err := Rates(held, maxUtilisation)
		if k == 0 {
			if err != nil {
				return nil, err
			}
			own = rates
		}
		if err != nil || loses(own, rates) {
			break
		}
		out = append(out, Level{NewSearch(held, rates), caps})
	}
	return out, nil
}

// below are a pool's caps below the one in force, ascending.
func below(p policies.Pool) []policies.PowerCap {
	n := len(p.Caps)
	for n > 0 && p.Caps[n-1].Watts >= p.CapWatts {
		n--
	}
	return p.Caps[:n]
}

// hold returns the model with each pool under the k-th cap below the one in force,
// or its lowest, and those caps.
func hold(m policies.Model, k int) (held policies.Model, caps []float64) {
	held, held.Pools, caps = m, make([]policies.Pool, len(m.Pools)), make([]float64, len(m.Pools))
	for i, p := range m.Pools {
		lower := below(p)
		if k := min(k, len(lower)); k > 0 {
			c := lower[len(lower)-k]
			caps[i], p.BatchSeconds, p.BusyWatts = c.Watts, c.BatchSeconds, c.BusyWatts
		}
		held.Pools[i] = withHost(p)
	}
	return held, caps
}

// loses reports whether a pool that has a rate within the SLO has none any more.
func loses(own, rates []float64) bool {
	for i := range own {
		if own[i] > 0 && rates[i] == 0 {
			return true
		}
	}
	return false
}

// withHost is a pool whose watts above bare have what the host adds to them.
func withHost(p policies.Pool) policies.Pool {
	plug := func(w float64) float64 { return p.BareWatts + float64((1+p.HostPerWatt)*(w-p.BareWatts)) }
	busy := make([]float64, len(p.BusyWatts))
	for b, w := range p.BusyWatts {
		busy[b] = plug(w)
	}
	p.ContextWatts, p.BusyWatts = plug(p.ContextWatts), busy
	return p
}

// CheapestOf returns the level whose plan draws least, the higher caps at equal
// power, and the first where none serves the demand.
func CheapestOf(levels []Level, demand float64, b Bounds) (level int, best Plan) {
	best = Plan{Replicas: b.Max, Overload: true, Watts: math.Inf(1)}
	for i, l := range levels {
		if p := l.Cheapest(demand, b); !p.Overload && p.Watts < best.Watts {
			level, best = i, p
		}
	}
	return level, best
}
