package powermodel

import (
	"fmt"
	"math"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

// Limit holds a board down below what it would draw on its own.
type Limit struct {
	CapWatts float64 // power cap in W; 0 leaves the board's own
	ClockMHz float64 // locked SM clock; 0 leaves the board's own
}

// CapPoint is a board held down by a power cap.
type CapPoint struct {
	// Ratio is what the cap leaves of the draw above the idle context:
	// (cap − context) / (P_busy − context). 1 does not hold it down.
	Ratio float64
	// Slowdown is the time of a batch over its uncapped time, at least 1.
	Slowdown Point
}

// ClockPoint is a board with its SM clock locked.
type ClockPoint struct {
	MHz      float64
	Slowdown Point // time of a batch over its time at the board's own clocks, at least 1
	Dynamic  Point // draw above the idle context over that at the board's own clocks, 0..1
}

// zeus is where the slowdown under a power cap comes from.
var zeus = cite{"Zeus (NSDI '23), ml-energy/zeus@75a8b93 examples/research_reproducibility/zeus_nsdi23/trace: 389 capped runs of five training jobs on V100 and A40, " +
	"isotonic regression of the logarithm of the slowdown", "2023-04"}

// publishedCapLaw is the slowdown by ratio that both boards' sweeps agree on;
// a test fits it again. Its uncertainty is the error for a board held out.
var publishedCapLaw = []struct{ ratio, slowdown float64 }{
	{0.1, 3.31}, {0.2, 2.62}, {0.3, 2.13}, {0.4, 1.58}, {0.5, 1.28}, {0.6, 1.18}, {0.7, 1.12}, {0.8, 1.08}, {0.9, 1.05}, {1, 1},
}

const heldOutBoard = 0.14

// PublishedCapLaw is the law of boards without a sweep of their own. The sweeps
// are of training on other boards: grade X, but for the V100.
func PublishedCapLaw(board string) []CapPoint {
	g := grade.X
	if board == "nvidia-v100" {
		g = grade.B
	}
	var law []CapPoint
	for _, k := range publishedCapLaw {
		p := graded(g, k.slowdown, zeus)
		p.Rel = heldOutBoard
		law = append(law, CapPoint{k.ratio, p})
	}
	return law
}

// capLaw is the board's own sweep, or the published one.
func (g GPU) capLaw() []CapPoint {
	if len(g.CapLaw) > 0 {
		return g.CapLaw
	}
	return PublishedCapLaw(g.Name)
}

// Under returns the board as it is under a limit: its busy watts and its cap
// are what they then are, and Slowdown tells how much longer a batch takes.
//
// A locked clock multiplies the draw above the idle context by what the board's
// own sweep says. A power cap clips: the board draws min(P_busy, cap), which in
// the published sweeps is a few per cent too much for caps just below P_busy.
// Idle watts stay as they are: no sweep shows them under a limit.
func (g GPU) Under(l Limit) (GPU, error) {
	if l == (Limit{}) {
		return g, nil
	}
	free := g
	g.free, g.limit = &free, l
	if l.ClockMHz != 0 {
		if err := g.lockClock(l.ClockMHz); err != nil {
			return GPU{}, err
		}
	}
	if l.CapWatts != 0 {
		if err := g.lowerCap(l.CapWatts); err != nil {
			return GPU{}, err
		}
	}
	return g, nil
}

func (g *GPU) lockClock(mhz float64) error {
	law := g.ClockLaw
	if len(law) == 0 {
		return fmt.Errorf("no sweep of the SM clock is known for %s: measure one with sim calibrate and give its fit as the pool's powerModel", g.Name)
	}
	if lo, hi := law[0].MHz, law[len(law)-1].MHz; mhz < lo || mhz > hi {
		return fmt.Errorf("an SM clock of %g MHz lies outside the sweep of %s, %g to %g MHz", mhz, g.Name, lo, hi)
	}
	d := g.clockAt(mhz, func(p ClockPoint) Point { return p.Dynamic })
	busy := make([]BusyPoint, len(g.Busy))
	for i, b := range g.Busy {
		above := b.Watts.Value - g.Context.Value
		busy[i] = BusyPoint{b.Batch, Point{
			Value: g.Context.Value + float64(d.Value*above), Grade: grade.Worse(b.Watts.Grade, d.Grade), Source: b.Watts.Source, Date: b.Watts.Date,
			Rel: max(b.Watts.Uncertainty(), d.Uncertainty()),
		}}
	}
	g.Busy = busy
	return nil
}

func (g *GPU) lowerCap(watts float64) error {
	most := g.Busy[len(g.Busy)-1].Watts.Value
	least := g.Context.Value + float64(g.capLaw()[0].Ratio*(most-g.Context.Value))
	switch {
	case watts > g.CapWatts:
		return fmt.Errorf("a power cap of %g W is above the %g W that %s can draw", watts, g.CapWatts, g.Name)
	case watts < least:
		return fmt.Errorf("a power cap of %g W is below %.0f W, the lowest for which the slowdown of %s is known: its idle context draws %g W, at full load it wants %g W",
			watts, math.Ceil(least), g.Name, g.Context.Value, most)
	}
	g.CapWatts = watts
	return nil
}

// Limit is what holds the board down.
func (g GPU) Limit() Limit { return g.limit }

// Caps are power caps under which the board can run at its clock, ascending:
// from half its own in tenths, as far as its slowdown is known.
func (g GPU) Caps() []GPU {
	free := g
	if g.free != nil {
		free = *g.free
	}
	var out []GPU
	for tenths := 5; tenths <= 10; tenths++ {
		l := Limit{CapWatts: math.Round(free.CapWatts * float64(tenths) / 10), ClockMHz: g.limit.ClockMHz}
		if tenths == 10 {
			l.CapWatts = free.CapWatts
		}
		if capped, err := free.Under(l); err == nil {
			out = append(out, capped)
		}
	}
	return out
}

// Clocks are locked SM clocks under which the board can run at its power cap,
// ascending: those of its own sweep that hold it down, below the one in force.
func (g GPU) Clocks() []GPU {
	free := g
	if g.free != nil {
		free = *g.free
	}
	var out []GPU
	for _, p := range free.ClockLaw {
		if own := g.limit.ClockMHz; own != 0 && p.MHz >= own || p.Slowdown.Value <= 1 && p.Dynamic.Value >= 1 {
			continue
		}
		if locked, err := free.Under(Limit{CapWatts: g.limit.CapWatts, ClockMHz: p.MHz}); err == nil {
			out = append(out, locked)
		}
	}
	return out
}

// Slowdown is the time of a batch over what it is without the limit, at least
// 1 and, when nothing holds the board down, exactly 1 of grade A.
func (g GPU) Slowdown(batch int) Point {
	slow := Point{Value: 1, Grade: grade.A}
	if g.free == nil {
		return slow
	}
	if mhz := g.limit.ClockMHz; mhz != 0 {
		slow = g.clockAt(mhz, func(p ClockPoint) Point { return p.Slowdown })
	}
	// What the batch would draw without the cap, at the clock it has.
	uncapped := g
	uncapped.CapWatts = g.free.CapWatts
	wants := uncapped.At(batch).Value
	if g.limit.CapWatts == 0 || wants <= g.CapWatts {
		return slow
	}
	law := g.capLaw()
	ratios := make([]float64, len(law))
	for i, p := range law {
		ratios[i] = p.Ratio
	}
	i, t := bracketOf(ratios, (g.CapWatts-g.Context.Value)/(wants-g.Context.Value))
	return product(slow, along(law[i].Slowdown, law[i+1].Slowdown, t, true))
}

// clockAt interpolates a figure of the clock sweep, linear in the clock.
func (g GPU) clockAt(mhz float64, figure func(ClockPoint) Point) Point {
	if len(g.ClockLaw) == 1 {
		return figure(g.ClockLaw[0])
	}
	clocks := make([]float64, len(g.ClockLaw))
	for i, p := range g.ClockLaw {
		clocks[i] = p.MHz
	}
	i, t := bracketOf(clocks, mhz)
	return along(figure(g.ClockLaw[i]), figure(g.ClockLaw[i+1]), t, false)
}

// bracketOf returns the knots i and i+1 around a place among at least two
// ascending ones, and how far between them it lies; the ends are not left.
func bracketOf(knots []float64, at float64) (i int, t float64) {
	for i < len(knots)-2 && at > knots[i+1] {
		i++
	}
	return i, min(max((at-knots[i])/(knots[i+1]-knots[i]), 0), 1)
}

// along is the figure t of the way between two, in the logarithm if geometric.
func along(a, b Point, t float64, geometric bool) Point {
	v := a.Value + float64(t*(b.Value-a.Value))
	if geometric {
		v = a.Value * math.Pow(b.Value/a.Value, t)
	}
	return Point{Value: v, Grade: grade.Worse(a.Grade, b.Grade), Rel: max(a.Uncertainty(), b.Uncertainty())}
}

func product(a, b Point) Point {
	return Point{Value: a.Value * b.Value, Grade: grade.Worse(a.Grade, b.Grade), Rel: max(a.Uncertainty(), b.Uncertainty())}
}
