package energyaware

import (
	"slices"
	"testing"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kwatt-sim/kwatt/internal/kube/plugins/power"
)

// scored returns what the strategy makes of nodes with these draws; less than 0 is
// a node without a model.
func scored(s StrategyType, watts ...float64) []int64 {
	scores := make(fwk.NodeScoreList, len(watts))
	for i, w := range watts {
		if scores[i].Score = power.Unknown; w >= 0 {
			scores[i].Score = s.raw(w)
		}
	}
	s.normalize(scores)
	out := make([]int64, len(watts))
	for i := range scores {
		out[i] = scores[i].Score
	}
	return out
}

func TestInversePowerScores(t *testing.T) {
	for _, x := range []struct {
		name     string
		strategy StrategyType
		watts    []float64
		want     []int64
	}{
		{"as int64 every node that draws a watt is worth 0", InversePowerTruncated, []float64{300, 900, 1, 0.9}, []int64{0, 0, 0, 1}},
		{"a node that draws nothing is worth 10", InversePowerTruncated, []float64{0, 300}, []int64{10, 0}},
		{"in proportion to the largest", InversePower, []float64{299.9, 599.9, 2999.8}, []int64{100, 50, 10}},
		{"three watts of 300 are 1 % and cut off", InversePower, []float64{300, 303}, []int64{100, 99}},
		{"one that draws nothing leaves nothing for the others", InversePower, []float64{0, 300, 900}, []int64{100, 0, 0}},
		{"no model is worst", InversePower, []float64{-1, 300}, []int64{0, 100}},
		{"no model is never best", InversePowerTruncated, []float64{-1, 300}, []int64{0, 0}},
		{"no model at all", InversePower, []float64{-1, -1}, []int64{0, 0}},
	} {
		if got := scored(x.strategy, x.watts...); !slices.Equal(got, x.want) {
			t.Errorf("%s: %s of %v W is %v, want %v", x.name, x.strategy, x.watts, got, x.want)
		}
	}
}
