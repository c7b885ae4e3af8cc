package why

import (
	"math"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// Difference is where two runs first decide differently.
type Difference struct {
	A        Side      `json:"a"`
	B        Side      `json:"b"`
	Differs  bool      `json:"differs"`
	T        float64   `json:"t"`              // of the first different decision, s since the start
	Equal    int       `json:"equal"`          // decisions before it, or in all
	Seen     *float64  `json:"seen,omitempty"` // when their scalers first saw different figures, if before T or at T
	Services []Unequal `json:"services,omitempty"`
	a        *Run
}

// Side is what one of two runs did.
type Side struct {
	Policy    string           `json:"policy"`
	Seed      uint64           `json:"seed"`
	Decisions int              `json:"decisions"`         // in all
	Did       *decisions.Entry `json:"did,omitempty"`     // at the first difference; nil when it did nothing then
	InForce   *decisions.Entry `json:"inForce,omitempty"` // the scaler's decision then, where the other side's scaler did something
	Next      *decisions.Entry `json:"next,omitempty"`    // the next it did, when it did nothing then
}

// Unequal is how far the replicas asked for lie apart.
type Unequal struct {
	Service string  `json:"service"`
	StartA  int     `json:"startA"` // replicas that A begins with
	StartB  int     `json:"startB"`
	Equal   float64 `json:"equal"` // share of the time, 0..1
	MeanAbs float64 `json:"meanAbsoluteDifference"`
	MeanA   float64 `json:"meanA"`
	MeanB   float64 `json:"meanB"`
}

// Compare finds the first decision in which two runs differ. What follows from
// decisions, such as a pod's getting ready, is not compared, nor are ticks.
// Decisions that lie within that many seconds of each other count as taken at
// the same time: a few milliseconds of a pod's last request move what the node
// autoscaler does ten minutes later.
func Compare(a, b *Run, within float64) *Difference {
	x, y := a.decided(), b.decided()
	d := &Difference{A: Side{Policy: a.Policy, Seed: a.Seed, Decisions: len(x)}, B: Side{Policy: b.Policy, Seed: b.Seed, Decisions: len(y)}, a: a}
	for d.Equal < min(len(x), len(y)) && same(x[d.Equal], y[d.Equal], within) {
		d.Equal++
	}
	x, y = x[d.Equal:], y[d.Equal:]
	end := math.Inf(1)
	if d.Differs = len(x)+len(y) > 0; d.Differs {
		d.T = min(first(x), first(y))
		end = d.T
		d.A.fill(a, x, y, d.T, within)
		d.B.fill(b, y, x, d.T, within)
	}
	d.Seen = seenApart(a, b, end)
	for _, s := range a.services() {
		if slices.Contains(b.services(), s) {
			d.Services = append(d.Services, unequal(a, b, s))
		}
	}
	return d
}

// decided are the decisions proper.
func (r *Run) decided() []decisions.Entry {
	var out []decisions.Entry
	for _, e := range r.Entries {
		if e.Kind == decisions.Scale || slices.Contains(decided, e.Kind) {
			out = append(out, e)
		}
	}
	return out
}

// same reports whether two decisions are: the reasons may differ.
func same(a, b decisions.Entry, within float64) bool {
	return a.Kind == b.Kind && a.Service == b.Service && a.From == b.From && a.To == b.To && a.Pod == b.Pod && a.Node == b.Node &&
		near(a.T, b.T, within)
}

func first(list []decisions.Entry) float64 {
	if len(list) == 0 {
		return math.Inf(1)
	}
	return list[0].T
}

// fill says what a run did at t, where its own decisions and the other's begin
// to differ.
func (s *Side) fill(r *Run, own, other []decisions.Entry, t, within float64) {
	if len(own) > 0 {
		e := own[0]
		if near(e.T, t, within) {
			s.Did = &e
			return
		}
		s.Next = &e
	}
	if len(other) == 0 || !scales(other[0]) {
		return
	}
	i := r.last(t, func(e decisions.Entry) bool { return scales(e) && e.Service == other[0].Service })
	if i >= 0 {
		e := r.Entries[i]
		s.InForce = &e
	}
}

// seenApart returns when two scalers first saw different figures, up to an
// instant; nil when they did not.
func seenApart(a, b *Run, end float64) *float64 {
	saw := func(r *Run) []decisions.Entry {
		return slices.DeleteFunc(slices.Clone(r.Entries), func(e decisions.Entry) bool { return e.Scaling == nil || e.T > end })
	}
	x, y := saw(a), saw(b)
	for i := range min(len(x), len(y)) {
		p, q := x[i], y[i]
		if p.T != q.T || p.Service != q.Service {
			return nil // they look at different times
		}
		if p.Scaling.Ready != q.Scaling.Ready || p.Scaling.Rate != q.Scaling.Rate || p.Scaling.P95 != q.Scaling.P95 {
			return &p.T
		}
	}
	return nil
}

// step is the replicas asked for from an instant on.
type step struct {
	t float64
	n int
}

// replicasOf are the replicas that a service was asked to have, from the start.
func (r *Run) replicasOf(service string) []step {
	var steps []step
	initial := 0 // pods that are there from the start, when no scaler says how many
	for _, e := range r.Entries {
		switch {
		case e.Service != service:
		case scales(e):
			if len(steps) == 0 {
				steps = append(steps, step{0, e.From})
			}
			steps = append(steps, step{e.T, e.To})
		case e.T == 0 && len(steps) == 0 && (e.Kind == decisions.Bind || e.Kind == decisions.Unschedulable && e.Placement != nil && e.Placement.Waited == 0):
			initial++
		}
	}
	if len(steps) == 0 {
		return []step{{0, initial}}
	}
	return steps
}

// unequal compares the replicas of a service over the time that both runs have.
func unequal(a, b *Run, service string) Unequal {
	x, y := a.replicasOf(service), b.replicasOf(service)
	end := min(a.Duration, b.Duration)
	u := Unequal{Service: service, StartA: x[0].n, StartB: y[0].n}
	var equal, apart, sumA, sumB float64
	for t, i, k := 0.0, 0, 0; t < end; {
		for i+1 < len(x) && x[i+1].t <= t {
			i++
		}
		for k+1 < len(y) && y[k+1].t <= t {
			k++
		}
		next := end
		if i+1 < len(x) {
			next = min(next, x[i+1].t)
		}
		if k+1 < len(y) {
			next = min(next, y[k+1].t)
		}
		span := next - t
		if x[i].n == y[k].n {
			equal += span
		}
		apart += float64(span * math.Abs(float64(x[i].n-y[k].n)))
		sumA += float64(span * float64(x[i].n))
		sumB += float64(span * float64(y[k].n))
		t = next
	}
	if end > 0 {
		u.Equal, u.MeanAbs, u.MeanA, u.MeanB = equal/end, apart/end, sumA/end, sumB/end
	}
	return u
}
