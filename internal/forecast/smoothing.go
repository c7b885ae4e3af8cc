package forecast

import "math"

// season says how a season enters the forecast.
type season int

const (
	none season = iota
	additive
	multiplicative
)

// form is which smoothing.
type form struct {
	season season
	damped bool // the trend
}

func (f form) String() string {
	name := [...]string{"trend", "Holt-Winters (additive season", "Holt-Winters (multiplicative season"}[f.season]
	switch {
	case f.season == none && f.damped:
		return "damped trend"
	case f.season == none:
		return name
	case f.damped:
		return name + ", damped)"
	}
	return name + ")"
}

// params are the smoothing parameters: level, trend, season and damping.
type params struct{ alpha, beta, gamma, phi float64 }

// state is a smoothing in progress. An empty season makes it Holt's trend.
type state struct {
	form
	params params
	level  float64
	trend  float64
	factor []float64 // or terms, of the season; factor[at] is that of the next value
	at     int
}

func (s *state) UsesSeason() bool { return s.season != none }

// leastUnit is the part of the level below which a forecast is no measure of
// its errors: a trend that leads to zero has not become exact.
const leastUnit = 0.05

// unit: a multiplicative season's errors grow with the forecast.
func (s *state) unit(forecast float64) float64 {
	if s.season == multiplicative {
		return max(forecast, leastUnit*math.Abs(s.level), 1e-9)
	}
	return 1
}

// ahead returns the forecast h >= 1 steps after the last value.
func (s *state) ahead(h int) float64 {
	phi := s.params.phi
	sum := float64(h) // φ + φ² + … + φ^h
	if phi < 1 {
		sum = phi * (1 - math.Pow(phi, float64(h))) / (1 - phi)
	}
	y := s.level + float64(sum*s.trend)
	if len(s.factor) == 0 {
		return y
	}
	at := s.factor[(s.at+h-1)%len(s.factor)]
	if s.season == multiplicative {
		return y * at
	}
	return y + at
}

// next is the one-step forecast, given level and damped trend: ahead(1) without
// the power, since a fit asks for it a million times.
func (s *state) next(base float64) float64 {
	switch s.season {
	case additive:
		return base + s.factor[s.at]
	case multiplicative:
		return base * s.factor[s.at]
	}
	return base
}

// update takes in the next value.
func (s *state) update(y float64) { s.step(y) }

// step takes in the next value and returns the one-step error, NaN for a
// missing value.
func (s *state) step(y float64) float64 {
	p := s.params
	damped := p.phi * s.trend
	base := s.level + damped
	e := y - s.next(base)
	s.level, s.trend = base, damped
	if !math.IsNaN(e) {
		perLevel := e
		if s.season == multiplicative {
			perLevel = e / max(s.factor[s.at], 1e-9)
		}
		s.level += float64(p.alpha * perLevel)
		s.trend += float64(p.alpha * p.beta * perLevel)
		s.learnSeason(e, base)
	}
	if len(s.factor) > 0 {
		s.at = (s.at + 1) % len(s.factor)
	}
	return e
}

func (s *state) learnSeason(e, base float64) {
	gain := s.params.gamma * (1 - s.params.alpha) * e
	switch s.season {
	case additive:
		s.factor[s.at] += gain
	case multiplicative:
		// A factor stays positive: a rate has no negative season.
		s.factor[s.at] = max(1e-6, s.factor[s.at]+gain/max(base, 1e-9))
	}
}

// start returns the state before the first value of history.
func start(f form, history []float64, season int) state {
	if f.season == none {
		return state{form: f, level: firstValue(history)}
	}
	first, second := mean(history[:season]), mean(history[season:2*season])
	slope := (second - first) / float64(season)
	middle := float64(season-1) / 2
	s := state{form: f, trend: slope, level: first - float64(slope*(middle+1)), factor: make([]float64, season)}
	for i, y := range history[:season] {
		base := first + float64(slope*(float64(i)-middle))
		if base <= 0 { // a trend so steep that its line starts below zero
			base = first
		}
		if f.season == multiplicative {
			s.factor[i] = y / base
		} else {
			s.factor[i] = y - base
		}
	}
	fillGaps(s.factor)
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
