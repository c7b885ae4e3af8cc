package forecast

import "math"

// lastValue forecasts what it saw last.
type lastValue struct{ y float64 }

func fitNaive(history []float64, o Options) (Forecaster, error) {
	if err := CheckHistory(history); err != nil {
		return nil, err
	}
	return track(&lastValue{math.NaN()}, history, o, 1), nil
}

func (n *lastValue) update(y float64) {
	if !math.IsNaN(y) {
		n.y = y
	}
}
func (n *lastValue) ahead(int) float64    { return n.y }
func (n *lastValue) unit(float64) float64 { return 1 }
func (n *lastValue) UsesSeason() bool     { return false }
func (n *lastValue) String() string       { return "naive" }

// seasonalNaive forecasts the latest known value of the same place in the
// season, and the last value where there is none yet.
type seasonalNaive struct {
	last   lastValue
	season []float64 // NaN where not seen yet
	at     int       // of the next value
	known  int
}

func fitSeasonalNaive(history []float64, o Options) (Forecaster, error) {
	if err := CheckHistory(history); err != nil {
		return nil, err
	}
	s := &seasonalNaive{last: lastValue{math.NaN()}, season: make([]float64, max(o.Season, 1))}
	for i := range s.season {
		s.season[i] = math.NaN()
	}
	// Errors made before a season had passed are those of the last value: they
	// count only while there are few others.
	burnIn := 1
	if len(history) >= len(s.season)+fewestEmpirical {
		burnIn = len(s.season)
	}
	return track(s, history, o, burnIn), nil
}

func (s *seasonalNaive) update(y float64) {
	if !math.IsNaN(y) {
		if math.IsNaN(s.season[s.at]) {
			s.known++
		}
		s.season[s.at] = y
		s.last.update(y)
	}
	s.at = (s.at + 1) % len(s.season)
}

func (s *seasonalNaive) ahead(h int) float64 {
	if y := s.season[(s.at+h-1)%len(s.season)]; !math.IsNaN(y) {
		return y
	}
	return s.last.y
}

func (s *seasonalNaive) unit(float64) float64 { return 1 }
func (s *seasonalNaive) UsesSeason() bool     { return len(s.season) > 1 && 2*s.known >= len(s.season) }

func (s *seasonalNaive) String() string {
	if s.UsesSeason() {
		return "seasonal naive"
	}
	return "naive"
}
