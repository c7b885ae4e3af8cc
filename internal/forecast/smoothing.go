package forecast

import "math"

// Kind is the model in use.
type Kind int

// The kinds, from the least to the most demanding.
const (
	Naive Kind = iota
	DampedTrend
	AdditiveSeason
	MultiplicativeSeason
)

// String names the kind for people.
func (k Kind) String() string {
	return [...]string{"naive", "damped trend", "Holt-Winters (additive season)", "Holt-Winters (multiplicative season)"}[k]
}

// Seasonal reports whether the kind knows a season.
func (k Kind) Seasonal() bool { return k >= AdditiveSeason }

// Params are the smoothing parameters: level, trend, season and damping.
type Params struct{ Alpha, Beta, Gamma, Phi float64 }

// state is a smoothing in progress. The zero trend and an empty season make it
// the simpler kinds: naive is a level with Alpha 1.
type state struct {
	kind   Kind
	params Params
	level  float64
	trend  float64
	season []float64 // factors or terms; season[at] is that of the next value
	at     int
}

// ahead returns the forecast h >= 1 steps after the last value.
func (s *state) ahead(h int) float64 {
	phi := s.params.Phi
	sum := phi * (1 - math.Pow(phi, float64(h))) / (1 - phi) // φ + φ² + … + φ^h
	y := s.level + float64(sum*s.trend)
	if len(s.season) == 0 {
		return y
	}
	at := s.season[(s.at+h-1)%len(s.season)]
	if s.kind == MultiplicativeSeason {
		return y * at
	}
	return y + at
}

// next is the one-step forecast, given level and damped trend: ahead(1) without
// the power, since a fit asks for it a million times.
func (s *state) next(base float64) float64 {
	switch s.kind {
	case AdditiveSeason:
		return base + s.season[s.at]
	case MultiplicativeSeason:
		return base * s.season[s.at]
	}
	return base
}

// update takes in the next value and returns the one-step error, NaN for a
// missing value.
func (s *state) update(y float64) float64 {
	p := s.params
	damped := p.Phi * s.trend
	base := s.level + damped
	e := y - s.next(base)
	s.level, s.trend = base, damped
	if !math.IsNaN(e) {
		perLevel := e
		if s.kind == MultiplicativeSeason {
			perLevel = e / max(s.season[s.at], 1e-9)
		}
		s.level += float64(p.Alpha * perLevel)
		s.trend += float64(p.Alpha * p.Beta * perLevel)
		s.learnSeason(e, base)
	}
	if len(s.season) > 0 {
		s.at = (s.at + 1) % len(s.season)
	}
	return e
}

func (s *state) learnSeason(e, base float64) {
	gain := s.params.Gamma * (1 - s.params.Alpha) * e
	switch s.kind {
	case AdditiveSeason:
		s.season[s.at] += gain
	case MultiplicativeSeason:
		// A factor stays positive: a rate has no negative season.
		s.season[s.at] = max(1e-6, s.season[s.at]+gain/max(base, 1e-9))
	}
}

// start returns the state before the first value of history.
func start(kind Kind, history []float64, season int) state {
	switch kind {
	case Naive:
		return state{kind: kind, params: Params{Alpha: 1}, level: firstValue(history)}
	case DampedTrend:
		return state{kind: kind, level: firstValue(history)}
	}
	first, second := mean(history[:season]), mean(history[season:2*season])
	slope := (second - first) / float64(season)
	middle := float64(season-1) / 2
	s := state{kind: kind, trend: slope, level: first - float64(slope*(middle+1)), season: make([]float64, season)}
	for i, y := range history[:season] {
		base := first + float64(slope*(float64(i)-middle))
		if base <= 0 { // a trend so steep that its line starts below zero
			base = first
		}
		if kind == MultiplicativeSeason {
			s.season[i] = y / base
		} else {
			s.season[i] = y - base
		}
	}
	fillGaps(s.season)
	return s
}

// fillGaps replaces missing values by the line between their neighbours, the
// series taken as a circle.
func fillGaps(v []float64) {
	n := len(v)
	begin := 0
	for begin < n && math.IsNaN(v[begin]) {
		begin++
	}
	if begin == n {
		return
	}
	for i := 1; i <= n; i++ {
		at := (begin + i) % n
		if !math.IsNaN(v[at]) {
			continue
		}
		gap := 1
		for math.IsNaN(v[(at+gap)%n]) {
			gap++
		}
		before, after := v[(at+n-1)%n], v[(at+gap)%n]
		v[at] = before + (after-before)/float64(gap+1)
	}
}

// firstValue returns the first that is not missing, NaN when all are.
func firstValue(v []float64) float64 {
	for _, y := range v {
		if !math.IsNaN(y) {
			return y
		}
	}
	return math.NaN()
}

// mean of what is not missing; NaN when all is.
func mean(v []float64) float64 {
	sum, n := 0.0, 0
	for _, y := range v {
		if !math.IsNaN(y) {
			sum += y
			n++
		}
	}
	return sum / float64(n)
}

// present counts what is not missing.
func present(v []float64) int {
	n := 0
	for _, y := range v {
		if !math.IsNaN(y) {
			n++
		}
	}
	return n
}
