package poweraccuracy

import "math"

// WallRun is a node's wall reading under a load whose power limit is known.
type WallRun struct {
	GPU, Round, Model, Scenario string
	Limit                       float64 // W of a board
	Measured                    float64 // W at the wall
	// Plain is idle plus what the boards may draw above bare; WithHost adds the
	// host's share of it, as the node's other models have it.
	Plain, WithHost float64
}

// wallRuns predicts each run's wall watts from its idle reading, its power limit
// and the host's share that the runs of other models on the same node have.
func wallRuns(s sheet) []WallRun {
	var out []WallRun
	for _, r := range s.rows {
		w := WallRun{GPU: r["gpu"], Round: r["round"], Model: r["model"], Scenario: r["scenario"], Limit: number(r, "limit"), Measured: number(r, "watts")}
		w.Plain = number(r, "idle") + aboveBare(r)
		w.WithHost = math.NaN()
		if share, ok := hostShare(s, r["gpu"], r["model"]); ok {
			w.WithHost = number(r, "idle") + (1+share)*aboveBare(r)
		}
		out = append(out, w)
	}
	return out
}

// aboveBare is what the boards of a run may draw above bare, W.
func aboveBare(r map[string]string) float64 {
	return number(r, "gpus") * (number(r, "limit") - board(r["gpu"]).Bare.Value)
}

// hostShare is the host's W for each W of its boards above bare, in the runs of
// other models on a node; ok is false when there are none.
func hostShare(s sheet, gpu, but string) (share float64, ok bool) {
	n := 0.0
	for _, r := range s.rows {
		if r["gpu"] == gpu && family(r["model"]) != family(but) {
			share += (number(r, "watts")-number(r, "idle"))/aboveBare(r) - 1
			n++
		}
	}
	return share / n, n > 0
}

// family is a model without its accuracy target: bert-99.9 is bert.
func family(model string) string {
	for i := range len(model) {
		if model[i] == '-' && i+1 < len(model) && model[i+1] == '9' {
			return model[:i]
		}
	}
	return model
}

// Ramp is a node of eight H200 from idle through a model's loading to load and
// back: the energy of the whole, and the mean watts of each state.
type Ramp struct {
	Model, Scenario string
	Limit           float64 // W of a board; 0 when it is not known
	Seconds         [3]float64
	Measured        [3]float64 // W
	Predicted       [3]float64 // W
	MJ              float64
	PredictedMJ     float64 // of the catalogue, under the limit where it is known
	FreeMJ          float64 // of the catalogue without the limit
	RangingMJ       float64 // with the load's watts of the run before
}

// The states of a ramp.
const (
	RampBare = iota
	RampContext
	RampLoad
)

// ramps predicts the energy of each trace from the seconds in each state. The
// host's share is that of other models' runs on the node.
func ramps(s, wall sheet) []Ramp {
	gpu := board("nvidia-h200")
	const boards = 8
	var out []Ramp
	for _, r := range s.rows {
		share, _ := hostShare(wall, gpu.Name, r["model"]) // the table has several models
		node := func(watts float64) float64 {
			return boards * (gpu.NodeBase.Value + watts + share*(watts-gpu.Bare.Value))
		}
		x := Ramp{Model: r["model"], Scenario: r["scenario"], Limit: number(r, "cap"), MJ: number(r, "megajoules")}
		for i, state := range []string{"bare", "context", "load"} {
			x.Seconds[i], x.Measured[i] = number(r, state+"_s"), number(r, state+"_w")
		}
		full := gpu.Busy[len(gpu.Busy)-1].Watts.Value
		held := full
		if x.Limit > 0 {
			held = min(held, x.Limit)
		}
		x.Predicted = [3]float64{node(gpu.Bare.Value), node(gpu.Context.Value), node(held)}
		x.PredictedMJ = x.energy(x.Predicted)
		x.FreeMJ = x.energy([3]float64{x.Predicted[RampBare], x.Predicted[RampContext], node(full)})
		x.RangingMJ = x.energy([3]float64{x.Predicted[RampBare], x.Predicted[RampContext], number(r, "ranging_w")})
		out = append(out, x)
	}
	return out
}

// energy is MJ of the states' watts over their seconds.
func (r Ramp) energy(watts [3]float64) float64 {
	joules := 0.0
	for i, w := range watts {
		joules += float64(w * r.Seconds[i])
	}
	return joules / 1e6
}
