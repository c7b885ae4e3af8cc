package poweraccuracy

import (
	"math"
	"strings"
)

// Accuracy is every comparison of the page.
type Accuracy struct {
	Curves    []Curve
	Spreads   []Spread
	LoadTests []NodeLoad
	Rates     []NodeLoad
	Wall      []WallRun
	Ramps     []Ramp
	CapJobs   []HeldOutCaps // a training job held out
	CapBoards []HeldOutCaps // a board held out
	Inference []CappedInference

	sources map[string]string
}

// Compute makes every comparison from the carried tables.
func Compute() (*Accuracy, error) {
	tables := map[string]sheet{}
	a := &Accuracy{sources: map[string]string{}}
	for _, name := range []string{"mlenergy", "nlr_load", "nlr_rate", "mlperf_wall", "h200_ramps", "h200_caps", "zeus_caps"} {
		tables[name] = open(name + ".csv")
		a.sources[name] = tables[name].Source
	}
	var err error
	if a.Curves, err = curves(tables["mlenergy"]); err != nil {
		return nil, err
	}
	a.Spreads = spreads(a.Curves)
	a.LoadTests, a.Rates = nodeLoads(tables["nlr_load"], tables["nlr_rate"])
	a.Wall = wallRuns(tables["mlperf_wall"])
	a.Ramps = ramps(tables["h200_ramps"], tables["mlperf_wall"])
	runs := zeusRuns(tables["zeus_caps"])
	a.CapJobs = heldOutCaps(runs, func(c Capped) string { return c.Job })
	a.CapBoards = heldOutCaps(runs, func(c Capped) string { return c.Board })
	if a.Inference, err = cappedInference(tables["h200_caps"]); err != nil {
		return nil, err
	}
	return a, nil
}

// HeldOutBatches is the error at batches that the chosen curve was not shown,
// over the models of a board.
func (a *Accuracy) HeldOutBatches(board string) Errors {
	var e Errors
	for _, c := range a.Curves {
		if s := c.Families[c.Chosen]; c.Board == board && s.N > 0 {
			e.merge(Errors{N: s.N, MAPE: s.MAPE, Worst: s.Worst, sum: s.Bias * float64(s.N)})
		}
	}
	return e
}

// HeldOutModels is the error of the curve of all other models.
func (a *Accuracy) HeldOutModels(board string) Errors {
	var e Errors
	for _, c := range a.Curves {
		if c.Board == board {
			e.merge(c.Others)
		}
	}
	return e
}

// CatalogueModels is the error of the catalogue's curve, over all models but the
// one it is of.
func (a *Accuracy) CatalogueModels(board string) Errors {
	var e Errors
	for _, c := range a.Curves {
		if c.Board == board && !c.own() {
			e.merge(c.Catalogue)
		}
	}
	return e
}

// own reports whether the catalogue's curve is this model's.
func (c Curve) own() bool {
	return c.Board == "H100" && strings.HasPrefix(c.Model, "Llama 3.1 8B") || c.Board == "B200" && c.Model == "Qwen 3 32B"
}

// FixedRates is the error of four boards' watts against the node's.
func (a *Accuracy) FixedRates() Errors {
	var e Errors
	for _, n := range a.Rates {
		e.add(n.Boards, n.Measured)
	}
	return e
}

// WallErrors is the error of the wall predictions, with or without the host.
func (a *Accuracy) WallErrors(host bool) Errors {
	var e Errors
	for _, w := range a.Wall {
		switch {
		case math.IsNaN(w.WithHost): // no other model's run to take the host from
		case host:
			e.add(w.WithHost, w.Measured)
		default:
			e.add(w.Plain, w.Measured)
		}
	}
	return e
}

// RampErrors is the error of a prediction of the ramps' energy, of those whose
// power limit is known or of all.
func (a *Accuracy) RampErrors(predicted func(Ramp) float64, known bool) Errors {
	var e Errors
	for _, r := range a.Ramps {
		if !known || r.Limit > 0 {
			e.add(predicted(r), r.MJ)
		}
	}
	return e
}

// InferenceErrors is the error of the slowdown under a cap on the H200.
func (a *Accuracy) InferenceErrors() Errors {
	var e Errors
	for _, c := range a.Inference {
		e.add(c.Predicted, c.Measured)
	}
	return e
}

func slowdowns(held []HeldOutCaps) Errors {
	var e Errors
	for _, h := range held {
		e.merge(h.Slowdown)
	}
	return e
}
