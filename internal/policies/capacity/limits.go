package capacity

import (
	"cmp"
	"math"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// Level is the search while the boards are held down.
type Level struct {
	*Search
	Limits []policies.Limit // by Model.Pools
}

// Levels returns the search with the pools as they are, and under ever lower limits of
// each kind as long as every pool that meets the SLO still does; those under which the
// pools serve most come first. All pools go down together, each by one of its limits a
// level, as far as it has any: with every combination there would be too many to look
// at. Kinds are not combined either. Hosts are counted: what they add follows the watts
// that a limit saves.
func Levels(m policies.Model, maxUtilisation float64, kinds ...policies.LimitKind) ([]Level, error) {
	own, err := Rates(m, maxUtilisation)
	if err != nil {
		return nil, err
	}
	held, limits, _ := hold(m, policies.NoLimit, 0)
	out := []Level{{NewSearch(held, own), limits}}
	for _, kind := range kinds {
		for k := 1; ; k++ {
			held, limits, more := hold(m, kind, k)
			if !more {
				break
			}
			rates, err := Rates(held, maxUtilisation)
			if err != nil || loses(own, rates) {
				break
			}
			out = append(out, Level{NewSearch(held, rates), limits})
		}
	}
	slices.SortStableFunc(out, func(a, b Level) int { return cmp.Compare(b.most(), a.most()) })
	return out, nil
}

// most is the rate that all there is room for can serve.
func (l Level) most() float64 { return l.Fleet.Capacity(l.Fleet.Room()) }

// hold returns the model with each pool under the k-th limit of a kind below what is in
// force, or its lowest, and those limits; false when no pool has so many.
func hold(m policies.Model, kind policies.LimitKind, k int) (held policies.Model, limits []policies.Limit, some bool) {
	held, held.Pools, limits = m, make([]policies.Pool, len(m.Pools)), make([]policies.Limit, len(m.Pools))
	for i, p := range m.Pools {
		lower := ofKind(p.Limits, kind)
		some = some || k <= len(lower)
		if k := min(k, len(lower)); k > 0 {
			l := lower[len(lower)-k]
			limits[i], p.BatchSeconds, p.BusyWatts = l.Limit, l.BatchSeconds, l.BusyWatts
		}
		held.Pools[i] = withHost(p)
	}
	return held, limits, some
}

func ofKind(all []policies.Limited, kind policies.LimitKind) (out []policies.Limited) {
	for _, l := range all {
		if l.Kind == kind {
			out = append(out, l)
		}
	}
	return out
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

// CheapestOf returns the level whose plan draws least, the one that serves more at
// equal power, and the first where none serves the demand.
func CheapestOf(levels []Level, demand float64, b Bounds) (level int, best Plan) {
	best = Plan{Replicas: b.Max, Overload: true, Watts: math.Inf(1)}
	for i, l := range levels {
		if p := l.Cheapest(demand, b); !p.Overload && p.Watts < best.Watts {
			level, best = i, p
		}
	}
	return level, best
}
