package hpa

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// recommendation is what the metrics asked for at an instant.
type recommendation struct {
	at       vtime.Time
	replicas int32
}

// recommendations are the recent ones. An outdated one is overwritten, so the
// list stays as short as the window.
type recommendations []recommendation

// record stores n, in place of old if that is an index.
func (r *recommendations) record(now vtime.Time, n int32, old int) {
	if old >= 0 {
		(*r)[old] = recommendation{now, n}
		return
	}
	*r = append(*r, recommendation{now, n})
}

// highest returns the highest of want and what was recommended within the
// window, its far edge included, and records want. It is upstream's
// stabilizeRecommendation, for an autoscaler without behavior.
func (r *recommendations) highest(now vtime.Time, want int32, window time.Duration) int32 {
	cutoff := now.Add(-window)
	top, old := want, -1
	for i, x := range *r {
		if x.at < cutoff {
			old = i
		} else {
			top = max(top, x.replicas)
		}
	}
	r.record(now, want, old)
	return top
}

// stabilize moves current as little as recent recommendations allow: up to
// the lowest within up, down to the highest within down, far edges excluded.
// It is upstream's stabilizeRecommendationWithBehaviors.
func (r *recommendations) stabilize(now vtime.Time, current, want int32, up, down time.Duration) int32 {
	upCutoff, downCutoff := now.Add(-up), now.Add(-down)
	lowest, highest, old := want, want, -1
	for i, x := range *r {
		if x.at > upCutoff {
			lowest = min(lowest, x.replicas)
		}
		if x.at > downCutoff {
			highest = max(highest, x.replicas)
		}
		if x.at < upCutoff && x.at < downCutoff {
			old = i
		}
	}
	r.record(now, want, old)
	return min(max(current, lowest), highest)
}
