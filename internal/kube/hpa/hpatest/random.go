package hpatest

import (
	"math"
	"time"

	"github.com/kwatt-sim/kwatt/internal/rng"
)

// random draws what a trace is made of.
type random struct{ *rng.Stream }

func (r random) chance(p float64) bool { return r.Float64() < p }

// between draws from lo to hi, both included.
func (r random) between(lo, hi int) int { return lo + r.IntN(hi-lo+1) }

// span draws a duration from lo to hi, cut down to a whole number of grid.
func (r random) span(lo, hi, grid time.Duration) time.Duration {
	return (lo + time.Duration(r.Float64()*float64(hi-lo))).Truncate(grid)
}

// around draws a factor whose logarithm is normal with deviation sd.
func (r random) around(sd float64) float64 { return math.Exp(sd * r.Norm()) }

func pick[T any](r random, of ...T) T { return of[r.IntN(len(of))] }
