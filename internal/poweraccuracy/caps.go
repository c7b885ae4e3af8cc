package poweraccuracy

import (
	"github.com/kwatt-sim/kwatt/internal/powerfit"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
)

// capKnots are the ratios of the law.
var capKnots = []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1}

// zeusContext is the idle watts of Zeus's boards with a context: what a job
// that hardly uses them (NCF) draws.
var zeusContext = map[string]float64{"V100": 38, "A40": 84}

// Capped is a run under a power cap that holds its board down.
type Capped struct {
	Board, Job string
	Cap        float64
	powerfit.CapPoint
	Free, Watts float64 // uncapped and capped draw
}

// zeusRuns are the capped runs of the Zeus table.
func zeusRuns(s sheet) []Capped {
	var out []Capped
	for _, job := range s.groups("board", "job", "batch") {
		free := job[len(job)-1] // caps ascend
		context := zeusContext[free["board"]]
		for _, r := range job[:len(job)-1] {
			c := Capped{Board: r["board"], Job: r["job"], Cap: number(r, "cap"), Free: number(free, "watts"), Watts: number(r, "watts")}
			if c.Cap >= c.Free {
				continue
			}
			c.Ratio, c.Slowdown = (c.Cap-context)/(c.Free-context), number(r, "seconds")/number(free, "seconds")
			out = append(out, c)
		}
	}
	return out
}

// HeldOutCaps is the law's error for what it was not fitted to.
type HeldOutCaps struct {
	Name     string
	Slowdown Errors
	Watts    Errors // of min(uncapped draw, cap), which is fitted to nothing
}

// heldOutCaps fits the law without each group in turn.
func heldOutCaps(runs []Capped, group func(Capped) string) []HeldOutCaps {
	var out []HeldOutCaps
	done := map[string]bool{}
	for _, held := range runs {
		name := group(held)
		if done[name] {
			continue
		}
		done[name] = true
		var train []powerfit.CapPoint
		for _, r := range runs {
			if group(r) != name {
				train = append(train, r.CapPoint)
			}
		}
		law := powerfit.CapLaw(train, capKnots)
		h := HeldOutCaps{Name: name}
		for _, r := range runs {
			if group(r) == name {
				h.Slowdown.add(powerfit.SlowdownAt(law, r.Ratio), r.Slowdown)
				h.Watts.add(min(r.Free, r.Cap), r.Watts)
			}
		}
		out = append(out, h)
	}
	return out
}

// CappedInference is inference on eight H200 under a power limit and without.
type CappedInference struct {
	Model, Scenario string
	Limit           float64
	Measured        float64 // throughput without over with the limit
	Predicted       float64 // slowdown of the catalogue's law at full batches
}

// cappedInference predicts the loss of throughput.
func cappedInference(s sheet) ([]CappedInference, error) {
	gpu := board("nvidia-h200")
	var out []CappedInference
	for _, r := range s.rows {
		c := CappedInference{Model: r["model"], Scenario: r["scenario"], Limit: number(r, "cap"), Measured: number(r, "free") / number(r, "capped")}
		held, err := gpu.Under(powermodel.Limit{CapWatts: c.Limit})
		if err != nil {
			return nil, err
		}
		c.Predicted = held.Slowdown(gpu.Busy[len(gpu.Busy)-1].Batch).Value
		out = append(out, c)
	}
	return out, nil
}
