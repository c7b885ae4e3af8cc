package poweraccuracy

import (
	"cmp"
	"slices"
)

// NodeLoad is a node of four H100 under one load: what it drew, and what four
// boards of the catalogue would at the batch that Little's law makes of the
// load. The measured watts also hold two CPUs, counted in part twice.
type NodeLoad struct {
	Prompts   string
	Rate      float64 // req/s served
	InFlight  float64 // rate · time in the system
	Measured  float64 // W
	Boards    float64 // W, four times P_busy(in flight)
	Linear    float64 // W, as a tool has it that spreads idle to peak over the load
	saturated bool
}

// Boards of the node, and the rate in req/s beyond which it is saturated, by
// the kind of prompts: the throughput that the load tests reach.
const nodeBoards = 4

// nodeLoads predicts the node's watts in the load tests and at the fixed rates.
// Time in the system is measured in the former only; at a fixed rate it is
// interpolated between them, which ends where they saturate.
func nodeLoads(load, rate sheet) (tests, fixed []NodeLoad) {
	served := map[string][][2]float64{} // throughput and seconds in the system
	for _, r := range load.rows {
		n := NodeLoad{Prompts: r["prompts"], Rate: number(r, "served"), Measured: number(r, "watts")}
		seconds := number(r, "e2e_ms") / 1000
		served[n.Prompts] = append(served[n.Prompts], [2]float64{n.Rate, seconds})
		tests = append(tests, n.predict(seconds, 0))
	}
	for _, curve := range served {
		slices.SortFunc(curve, func(a, b [2]float64) int { return cmp.Compare(a[0], b[0]) })
	}
	for _, r := range rate.rows {
		n := NodeLoad{Prompts: r["prompts"], Rate: number(r, "rate"), Measured: number(r, "watts")}
		curve := served[n.Prompts]
		full := curve[len(curve)-1][0]
		n.saturated = n.Rate > full
		fixed = append(fixed, n.predict(along(curve, min(n.Rate, full)), full))
	}
	return tests, fixed
}

// predict fills in what the model says.
func (n NodeLoad) predict(seconds, full float64) NodeLoad {
	h100 := board("H100")
	n.InFlight = n.Rate * seconds
	n.Boards = nodeBoards * h100.At(max(1, int(n.InFlight+0.5))).Value
	if full > 0 {
		u := min(n.Rate/full, 1)
		n.Linear = nodeBoards * (h100.Context.Value + u*(h100.CapWatts-h100.Context.Value))
	}
	return n
}

// along interpolates linearly between points by ascending x, flat outside.
func along(points [][2]float64, x float64) float64 {
	for i, p := range points {
		if x > p[0] {
			continue
		}
		if i == 0 {
			return p[1]
		}
		q := points[i-1]
		return q[1] + (x-q[0])/(p[0]-q[0])*(p[1]-q[1])
	}
	return points[len(points)-1][1]
}
