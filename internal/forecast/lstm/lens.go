package lstm

import "math"

// Ahead is the number of steps that the network looks ahead.
const Ahead = 12

// The inputs of a step, in order.
const (
	inLevel      = iota // the rate, against the mean of the last season
	inChange            // since the step before
	inUnseasonal        // against the same place in the season before
	inOutlook           // Ahead inputs: how that season went on from there
	inSeason     = inOutlook + Ahead
	inMissing    = inSeason + 1
	inResolution = inSeason + 2 // steps a season, as a logarithm
	inputs       = inSeason + 3
)

// bend is where the level turns from proportional to logarithmic: a part of
// 1/bend of the mean.
const bend = 20

// leastScale keeps the scale above this part of the mean of all that was seen:
// after a day without a request the next one is no explosion.
const leastScale = 0.2

// widest input: what lies beyond is as good as infinite.
const widest = 8

// shortScale is how many values make the mean where there is no season.
const shortScale = 288

// lens shows a series to the network whatever its scale. It looks back only.
type lens struct {
	season int       // values a season; below 2 there is none
	ring   []float64 // the last season, gaps filled; ring[at] is the oldest
	at     int
	seen   int
	sum    float64 // of the ring
	total  float64 // of all that was seen
	scale  float64 // what levels are relative to
	last   float64 // value seen last
}

func newLens(season int) *lens {
	n := season
	if n < 2 {
		n = shortScale
	}
	return &lens{season: season, ring: make([]float64, n)}
}

// level is the network's measure of a rate: ln(1 + bend·y/scale), which is about
// proportional for small rates, so that zeros do no harm, and logarithmic for
// others, so that errors are relative.
func (l *lens) level(y float64) float64 { return math.Log1p(bend * max(y, 0) / l.scale) }

// rate is the inverse of level, never below 0.
func (l *lens) rate(level float64) float64 { return max(0, l.scale*math.Expm1(level)/bend) }

// look takes in the next value, already filled where missing, and writes the
// inputs to x.
func (l *lens) look(y float64, missing bool, x []float64) {
	n := len(l.ring)
	before, whole := l.ring[l.at], l.seen >= n && l.season >= 2
	l.ring[l.at] = y
	l.sum += y - before
	l.at = (l.at + 1) % n
	l.seen++
	l.total += y
	l.scale = max(l.sum/float64(min(l.seen, n)), leastScale*l.total/float64(l.seen), 1e-9)

	now := l.level(y)
	x[inLevel] = now - math.Log1p(bend)
	x[inChange] = 0
	if l.seen > 1 {
		x[inChange] = now - l.level(l.last)
	}
	l.last = y
	clear(x[inUnseasonal:inMissing])
	if whole {
		then := l.level(before)
		x[inUnseasonal] = now - then
		for h := 1; h <= Ahead; h++ {
			x[inOutlook+h-1] = l.level(l.ring[(l.at+h-1)%n]) - then
		}
		x[inSeason] = 1
	}
	x[inMissing] = 0
	if missing {
		x[inMissing] = 1
	}
	x[inResolution] = math.Log(float64(n)/shortScale) / 3
	for i := range x {
		x[i] = min(max(x[i], -widest), widest)
	}
}

// lastSeason returns the value of the season before h steps ahead, false when
// the season is not known yet.
func (l *lens) lastSeason(h int) (float64, bool) {
	if l.season < 2 || l.seen < len(l.ring) {
		return 0, false
	}
	return l.ring[(l.at+h-1)%len(l.ring)], true
}
