package backtest

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Score is how one method did on one trace at one horizon.
type Score struct {
	N int // held-out values that were forecast and known
	// Pinball is the mean pinball loss at each of Levels, in req/s; MeanPinball
	// its mean over them, and Relative that as a part of the mean rate.
	Pinball     []float64
	MeanPinball float64
	Relative    float64
	// Below is the part of values at or below the quantile of each level.
	Below []float64
	// Inside50, 80 and 90 are the parts of values within the central intervals:
	// above the lower quantile and at or below the upper one.
	Inside50, Inside80, Inside90 float64
	// MASE is the mean absolute error of the point forecast over that of the
	// scale method on the days before (see Result.ScaledBy).
	MASE float64
	// SMAPE is the mean of 2|y-f|/(|y|+|f|), 0 to 2; 0 where both are 0.
	SMAPE float64
	// Skill is how much less MeanPinball is than the baseline's, as a part of
	// it; P is the two-sided p value that they are equally good (Diebold and
	// Mariano, with Bartlett weights over a bandwidth of max(horizon, n^⅓)).
	Skill, P float64
	losses   []float64 // mean pinball loss of each value, NaN where unknown
}

// levelAt returns where a quantile stands among Levels.
func levelAt(q float64) int {
	for i, l := range Levels {
		if math.Abs(l-q) < 1e-9 { // 1-0.9 is not 0.1
			return i
		}
	}
	panic("backtest: no such level")
}

// score holds forecasts against the held-out values y. scale is the mean
// absolute error that MASE is relative to.
func (f forecasts) score(y []float64, scale float64) Score {
	s := Score{Pinball: make([]float64, len(Levels)), Below: make([]float64, len(Levels)), losses: make([]float64, len(y))}
	inside := func(i int, q float64) float64 {
		if low := f.quantiles[i][levelAt(1-q)]; y[i] < low || y[i] > f.quantiles[i][levelAt(q)] {
			return 0
		}
		return 1
	}
	total := 0.0
	for i, v := range y {
		s.losses[i] = math.NaN()
		if math.IsNaN(v) {
			continue
		}
		s.N++
		total += v
		s.losses[i] = 0
		for k, q := range f.quantiles[i] {
			loss := pinball(v, q, Levels[k])
			s.Pinball[k] += loss
			s.losses[i] += loss / float64(len(Levels))
			if v <= q {
				s.Below[k]++
			}
		}
		s.MeanPinball += s.losses[i]
		s.Inside50 += inside(i, 0.75)
		s.Inside80 += inside(i, 0.9)
		s.Inside90 += inside(i, 0.95)
		miss := math.Abs(v - f.point[i])
		s.MASE += miss / scale
		if sum := math.Abs(v) + math.Abs(f.point[i]); sum > 0 {
			s.SMAPE += 2 * miss / sum
		}
	}
	n := float64(s.N)
	s.Relative = s.MeanPinball / total
	for k := range Levels {
		s.Pinball[k] /= n
		s.Below[k] /= n
	}
	for _, x := range []*float64{&s.MeanPinball, &s.Inside50, &s.Inside80, &s.Inside90, &s.MASE, &s.SMAPE} {
		*x /= n
	}
	return s
}

func pinball(y, f, q float64) float64 {
	if y >= f {
		return q * (y - f)
	}
	return (1 - q) * (f - y)
}

// against fills in how s compares with a baseline on the same values, h steps ahead.
func (s *Score) against(base *Score, h int) {
	s.Skill = 1 - s.MeanPinball/base.MeanPinball
	var d []float64
	for i := range s.losses {
		if !math.IsNaN(s.losses[i]) && !math.IsNaN(base.losses[i]) {
			d = append(d, s.losses[i]-base.losses[i])
		}
	}
	s.P = equalAccuracy(d, h)
}

// equalAccuracy is the two-sided p value of Diebold and Mariano's (1995) test
// that the mean of d is 0, d being loss differences h steps ahead: with the
// long-run variance by Newey and West's Bartlett weights up to max(h, n^⅓), and
// the correction of Harvey, Leybourne and Newbold (1997) against a t law.
func equalAccuracy(d []float64, h int) float64 {
	n := float64(len(d))
	if n < 3 {
		return 1
	}
	mean := 0.0
	for _, x := range d {
		mean += x
	}
	mean /= n
	covariance := func(lag int) float64 {
		sum := 0.0
		for i := lag; i < len(d); i++ {
			sum += float64((d[i] - mean) * (d[i-lag] - mean))
		}
		return sum / n
	}
	bandwidth := min(max(h, int(math.Ceil(math.Cbrt(n)))), len(d)-1)
	variance := covariance(0)
	for lag := 1; lag < bandwidth; lag++ {
		variance += float64(2 * (1 - float64(lag)/float64(bandwidth)) * covariance(lag))
	}
	if !(variance > 0) {
		return 1
	}
	H := float64(bandwidth)
	t := mean / math.Sqrt(variance/n) * math.Sqrt(max(0, (n+1-2*H+float64(H*(H-1))/n)/n))
	return 2 * distuv.StudentsT{Sigma: 1, Nu: n - 1}.Survival(math.Abs(t))
}
