package lstm

import (
	"math"

	"github.com/kwatt-sim/kwatt/internal/rng"
)

// Series is what a network is trained on: one resolution of a trace.
type Series struct {
	Training
	Season int       // steps a season
	Values []float64 // one a step, NaN where missing
}

// course is a series as the network sees it: the inputs of each step, and the
// change of the level until 1 to Ahead steps later, NaN where unknown.
type course struct {
	inputs, targets [][]float64
	split           int // steps from here on are for validation
	// weight of the loss at each horizon: one over the mean change of the level
	// until then, so that calm and wild series, near and far, count alike.
	weight [Ahead]float64
}

// newCourse lays out a series. A missing value is filled with the last one, as
// there is no network yet whose forecast could take its place.
func newCourse(s Series) course {
	c := course{split: splitOf(s.Values)}
	l := newLens(s.Season)
	last := math.NaN()
	for i, y := range s.Values {
		missing := math.IsNaN(y)
		if !missing {
			last = y
		}
		if math.IsNaN(last) {
			continue
		}
		x, target := make([]float64, inputs), make([]float64, Ahead)
		l.look(last, missing, x)
		for h := range target {
			target[h] = math.NaN()
			if at := i + h + 1; at < len(s.Values) {
				target[h] = l.level(s.Values[at]) - l.level(last)
			}
		}
		c.inputs = append(c.inputs, x)
		c.targets = append(c.targets, target)
	}
	c.split -= len(s.Values) - len(c.inputs)
	for h := range c.weight {
		sum, n := 0.0, 0
		for i := 0; i+h+1 < c.split; i++ {
			if y := math.Abs(c.targets[i][h]); !math.IsNaN(y) {
				sum += y
				n++
			}
		}
		if sum > 0 {
			c.weight[h] = float64(n) / sum
		}
	}
	return c
}

// splitOf is where the validation part of values begins.
func splitOf(v []float64) int { return int(float64(len(v)) * (1 - validationPart)) }

// until returns the targets of step i that lie before step end; the others are
// NaN in the copy it writes to dst.
func (c course) until(i, end int, dst []float64) []float64 {
	copy(dst, c.targets[i])
	for h := range dst {
		if i+h+1 >= end {
			dst[h] = math.NaN()
		}
	}
	return dst
}

// window is a stretch of a course that the network is trained on from an empty
// memory: its first warmUp steps are without a loss.
type window struct {
	course   *course
	from, to int
}

const (
	windowSteps    = 96
	warmUp         = 16
	validationPart = 0.2
)

// windows cuts the training parts into overlapping windows, at places that the
// stream chooses, in its order.
func windows(courses []course, s *rng.Stream) []window {
	var all []window
	for i := range courses {
		c := &courses[i]
		steps := min(windowSteps, c.split)
		if steps <= warmUp {
			continue
		}
		const stride = (windowSteps - warmUp) / 2
		for n := (c.split-steps)/stride + 1; n > 0; n-- {
			from := s.IntN(c.split - steps + 1)
			all = append(all, window{c, from, from + steps})
		}
	}
	for i := len(all) - 1; i > 0; i-- {
		j := s.IntN(i + 1)
		all[i], all[j] = all[j], all[i]
	}
	return all
}
