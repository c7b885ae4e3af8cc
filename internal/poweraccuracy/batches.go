package poweraccuracy

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"

	"github.com/kwatt-sim/kwatt/internal/powerfit"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
)

// boardOf is the catalogue's name of a board of the tables.
var boardOf = map[string]string{"H100": "nvidia-h100-sxm", "B200": "nvidia-b200"}

// Curve is one language model on one board: how well each family of curves
// predicts batches that it was not shown.
type Curve struct {
	Board, Model string
	Batches      int
	Chosen       string
	Families     map[string]powerfit.Score
	// Catalogue is how far the catalogue's curve is off this model's watts.
	Catalogue Errors
	// Covered counts the readings within 95 % of the catalogue's uncertainty.
	Covered int
	// Others is how far the curve of all other models is off this one's.
	Others Errors

	points []powerfit.Point
}

// Spread is how far models are apart at one batch on one board.
type Spread struct {
	Board     string
	Batch     int
	Models    int
	Deviation float64 // standard deviation over the mean
}

// curves fits every model of the ML.ENERGY table by itself and by the others.
func curves(s sheet) ([]Curve, error) {
	var out []Curve
	for _, rows := range s.groups("gpu", "model") {
		c := Curve{Board: rows[0]["gpu"], Model: rows[0]["model"], Families: map[string]powerfit.Score{}}
		gpu := board(c.Board)
		for _, r := range rows {
			p := powerfit.Point{Batch: number(r, "batch"), Watts: number(r, "watts")}
			c.points = append(c.points, p)
			at := gpu.At(int(math.Round(p.Batch)))
			c.Catalogue.add(at.Value, p.Watts)
			if math.Abs(at.Value-p.Watts) <= 1.96*at.Uncertainty()*at.Value {
				c.Covered++
			}
		}
		fit, err := powerfit.Rank(powerfit.Data{Points: c.points, Context: gpu.Context.Value}, "")
		if err != nil {
			return nil, fmt.Errorf("fit %s on %s: %w", c.Model, c.Board, err)
		}
		c.Batches, c.Chosen = fit.Batches, fit.Chosen.Family
		for _, f := range fit.All {
			c.Families[f.Family] = f.HeldOut
		}
		out = append(out, c)
	}
	for i := range out {
		if err := byOthers(out, i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// byOthers predicts one model from the readings of all others on its board.
func byOthers(all []Curve, held int) error {
	c := &all[held]
	var train []powerfit.Point
	for i, o := range all {
		if i != held && o.Board == c.Board {
			for _, p := range o.points {
				p.Batch = math.Round(p.Batch) // average batches of 7.9 and 8.1 are one
				train = append(train, p)
			}
		}
	}
	fit, err := powerfit.Rank(powerfit.Data{Points: train, Context: board(c.Board).Context.Value}, powerfit.Logistic)
	if err != nil {
		return fmt.Errorf("fit all but %s on %s: %w", c.Model, c.Board, err)
	}
	for _, p := range c.points {
		c.Others.add(fit.Chosen.Curve.At(p.Batch), p.Watts)
	}
	return nil
}

// spreads is how far models are apart at the batches that most of them have.
func spreads(all []Curve) []Spread {
	var out []Spread
	for _, name := range []string{"H100", "B200"} {
		for _, batch := range []int{8, 16, 32, 64, 128} {
			var watts []float64
			for _, c := range all {
				if c.Board != name {
					continue
				}
				for _, p := range c.points {
					if int(math.Round(p.Batch)) == batch {
						watts = append(watts, p.Watts)
					}
				}
			}
			mean, deviation := stat.MeanStdDev(watts, nil)
			out = append(out, Spread{name, batch, len(watts), deviation / mean})
		}
	}
	return out
}

// board is a GPU of the catalogue by its name in the tables.
func board(name string) powermodel.GPU {
	if full, ok := boardOf[name]; ok {
		name = full
	}
	g, err := powermodel.Lookup(name)
	if err != nil {
		panic(fmt.Sprintf("poweraccuracy: %v", err))
	}
	return g
}
