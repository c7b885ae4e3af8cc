package power

import (
	"math"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Unknown is the raw score of a node without a model. No cost is higher, so it
// is the worst, never the best.
const Unknown = int64(math.MaxInt64)

// perUnit is the unit of raw scores: a millionth of what is minimised.
const perUnit = 1e6

// Cost turns what a placement adds (watts, or grams an hour) into a raw score.
func Cost(x float64) int64 {
	if math.IsNaN(x) || math.Abs(x) > 1e12 {
		return Unknown
	}
	return int64(math.Round(x * perUnit))
}

// Normalize turns costs into scores: the lowest into 100, the highest into 0, in
// between in proportion; equal costs are all 100. An unknown node gets 0, and
// then the highest known one 1, so that it stays better.
func Normalize(scores fwk.NodeScoreList) {
	lo, hi, unknown := int64(math.MaxInt64), int64(math.MinInt64), false
	for _, s := range scores {
		if s.Score == Unknown {
			unknown = true
			continue
		}
		lo, hi = min(lo, s.Score), max(hi, s.Score)
	}
	worst := float64(fwk.MinScore)
	if unknown {
		worst++
	}
	for i, s := range scores {
		switch {
		case s.Score == Unknown:
			scores[i].Score = fwk.MinScore
		case hi == lo:
			scores[i].Score = fwk.MaxScore
		default:
			part := (float64(hi) - float64(s.Score)) / (float64(hi) - float64(lo))
			scores[i].Score = int64(math.Round(worst + float64(part*(float64(fwk.MaxScore)-worst))))
		}
	}
}

// podKey is where PreScore leaves the pod for Score.
type podKey struct{ *Pod }

// Clone shares the pod, which is not changed.
func (p podKey) Clone() fwk.StateData { return p }

// PreScore reads the pod once for all nodes; a pod that asks for no GPU is
// none of these plugins' affair.
func PreScore(state fwk.CycleState, key fwk.StateKey, p *v1.Pod) *fwk.Status {
	pod := PodOf(p)
	if len(pod.Requests) == 0 {
		return fwk.NewStatus(fwk.Skip)
	}
	state.Write(key, podKey{&pod})
	return nil
}

// Prepared returns what PreScore left.
func Prepared(state fwk.CycleState, key fwk.StateKey) (*Pod, *fwk.Status) {
	data, err := state.Read(key)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	return data.(podKey).Pod, nil
}
