package powerfit

import "math"

// shape is idle + slope·f(load), where the load is the batch over the largest
// one measured, at most 1. Tools that know a GPU's idle and peak watts alone
// spread them like this over its utilisation: linearly (SPECpower, Cloud Carbon
// Footprint), by the root or the cube (OpenDC, CloudSim Plus).
type shape struct {
	kind              string
	idle, slope, full float64
}

var loadOf = map[string]func(float64) float64{
	Linear: func(u float64) float64 { return u },
	Sqrt:   math.Sqrt,
	Cubic:  func(u float64) float64 { return u * u * u },
}

// At implements Curve.
func (s *shape) At(batch float64) float64 {
	return s.idle + float64(s.slope*loadOf[s.kind](min(batch/s.full, 1)))
}

// Params implements Curve.
func (s *shape) Params() []Param {
	return []Param{{"idle", "W", s.idle}, {"slope", "W", s.slope}, {"full", "batch", s.full}}
}

// shapeFit is the fit of one kind: with a measured context the idle watts are
// those and the slope alone is fitted, otherwise both are. A slope is never
// below 0.
func shapeFit(kind string) func([]sample, float64, Curve) Curve {
	return func(s []sample, context float64, _ Curve) Curve {
		c := &shape{kind: kind, full: s[len(s)-1].batch}
		u := make([]float64, len(s))
		for i, p := range s {
			u[i] = loadOf[kind](p.batch / c.full)
		}
		if context > 0 {
			c.idle, c.slope = context, through(s, u, context)
			return c
		}
		c.idle, c.slope = line(s, u)
		return c
	}
}

// through is the weighted least-squares slope of a line with a given intercept,
// at least 0.
func through(s []sample, u []float64, intercept float64) float64 {
	var uu, uy float64
	for i, p := range s {
		uu += float64(p.w * u[i] * u[i])
		uy += float64(p.w * u[i] * (p.y - intercept))
	}
	if uu == 0 {
		return 0
	}
	return max(uy/uu, 0)
}

// line is the weighted least-squares line whose slope is at least 0.
func line(s []sample, u []float64) (intercept, slope float64) {
	var w, wu, wy float64
	for i, p := range s {
		w += p.w
		wu += float64(p.w * u[i])
		wy += float64(p.w * p.y)
	}
	meanU, meanY := wu/w, wy/w
	var uu, uy float64
	for i, p := range s {
		du := u[i] - meanU
		uu += float64(p.w * du * du)
		uy += float64(p.w * du * (p.y - meanY))
	}
	if uu > 0 {
		slope = max(uy/uu, 0)
	}
	return meanY - float64(slope*meanU), slope
}
