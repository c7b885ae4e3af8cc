package energyaware

import (
	"math"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kwatt-sim/kwatt/internal/kube/plugins/power"
)

// Strategy is what a node is scored by, named as NodeResourcesFit names its own.
type Strategy struct {
	Type StrategyType `json:"type"`
}

// StrategyType is a way to score a node.
type StrategyType string

// The strategies.
const (
	// MarginalWatts prefers the node whose draw grows least by the pod.
	MarginalWatts StrategyType = "MarginalWatts"
	// InversePower scores 1/(P + 0.1), P the node's draw now in watts, without the
	// pod: it prefers the node that draws least, whatever the pod adds. Scores are
	// brought to 0..100 in proportion to the largest.
	InversePower StrategyType = "InversePower"
	// InversePowerTruncated is the same number as int64, which a plugin's score is:
	// 0 for every node that draws a watt or more, so that none is preferred.
	InversePowerTruncated StrategyType = "InversePowerTruncated"
)

// Strategies are all there are, the default first.
func Strategies() []StrategyType {
	return []StrategyType{MarginalWatts, InversePower, InversePowerTruncated}
}

// perInverse makes whole numbers of inverse watts: nine digits for 1/(1 W).
const perInverse = 1e9

// unknownInverse is the raw score of a node without a model: no score is lower.
const unknownInverse = 0

// draw is a node's watts as a meter would show them: an empty node is on.
func draw(node power.Node, ni fwk.NodeInfo) float64 {
	used := node.Used(ni, nil)
	if used == 0 {
		return node.Base + float64(node.Devices*node.Bare)
	}
	return node.Watts(used, node.Busy)
}

// raw is the score of a node that draws so many watts, before it is normalised.
func (s StrategyType) raw(watts float64) int64 {
	score := 1 / (watts + 0.1)
	if s == InversePower {
		return int64(math.Round(score * perInverse))
	}
	return int64(score)
}

// normalize brings raw scores to 0..100. An inverse power becomes its share of the
// largest, cut off to a whole per cent as kube-scheduler's own default does: nodes
// whose draws are within 1 % of each other may tie. Truncated scores are within
// 0..10 already and stay as they are.
func (s StrategyType) normalize(scores fwk.NodeScoreList) {
	if s == MarginalWatts {
		power.Normalize(scores)
		return
	}
	most := int64(0)
	for i := range scores {
		if scores[i].Score == power.Unknown {
			scores[i].Score = unknownInverse
		}
		most = max(most, scores[i].Score)
	}
	if s == InversePowerTruncated || most == 0 {
		return
	}
	for i := range scores {
		scores[i].Score = fwk.MaxScore * scores[i].Score / most
	}
}
