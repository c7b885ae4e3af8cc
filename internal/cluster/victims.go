package cluster

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// victims returns the pods that are not draining, the first to go first, in the
// order of a ReplicaSet (pkg/controller, ActivePodsWithRanks.Less): without a
// node before pulling before running before ready; then by the
// pod-deletion-cost if that is set; then from the nodes that hold most of the
// service's pods; then the younger. Ages count by their binary logarithm, as
// with LogarithmicScaleDown, and within one power of two the order is that of
// the pods' uids: by chance.
func (c *Cluster) victims(service int) []*Pod {
	onNode := map[*Node]int{}
	var live []*Pod
	for _, p := range c.services[service].pods {
		if p.Phase == Draining {
			continue
		}
		live = append(live, p)
		if p.Node != nil {
			onNode[p.Node]++
		}
	}
	now := c.queue.Now()
	slices.SortStableFunc(live, func(a, b *Pod) int {
		order := cmp.Compare(stage(a, now), stage(b, now))
		if order == 0 && a.Node != nil {
			if c.cfg.EmptiestFirst {
				order = cmp.Compare(a.Node.pods, b.Node.pods)
			}
			order = cmp.Or(order, cmp.Compare(onNode[b.Node], onNode[a.Node]))
		}
		return cmp.Or(order, byAge(a, b, now), cmp.Compare(a.uid, b.uid))
	})
	return live
}

// victimReason is what put a pod in its place in the order of victims.
func (c *Cluster) victimReason(p *Pod) string {
	switch p.Phase {
	case Pending:
		return "scale-down: pods without a place go first"
	case Starting:
		return "scale-down: pods that are not ready go before those that are"
	}
	held, what := p.Node.pods, "pods, and the emptiest nodes go first"
	if !c.cfg.EmptiestFirst {
		held, what = 0, "of the service's pods, and the fullest go first"
		for _, q := range c.services[p.Service].pods {
			if q.Node == p.Node && q.Phase != Draining {
				held++
			}
		}
	}
	return fmt.Sprintf("scale-down: %s holds %d %s; ready for %v", p.Node.Name, held, what, c.queue.Now().Sub(p.ReadyAt).Round(time.Second))
}

// stage is how far a pod has come: without a node, pulling its image, running
// and ready.
func stage(p *Pod, now vtime.Time) int {
	switch {
	case p.Phase == Ready:
		return 3
	case p.Phase == Starting && p.Pulled <= now:
		return 2
	case p.Phase == Starting:
		return 1
	}
	return 0
}

// byAge puts the younger first: of two ready pods the later ready, of others the
// later created.
func byAge(a, b *Pod, now vtime.Time) int {
	x, y := a.Created, b.Created
	if a.Phase == Ready && b.Phase == Ready && apiTime(a.ReadyAt) != apiTime(b.ReadyAt) {
		x, y = a.ReadyAt, b.ReadyAt
	}
	if apiTime(x) == apiTime(y) {
		return 0
	}
	return cmp.Compare(logAge(x, now), logAge(y, now))
}

// apiTime is a time as an API object holds it, in whole seconds.
func apiTime(t vtime.Time) vtime.Time { return t - t%vtime.Time(time.Second) }

// logAge is the binary logarithm of an age in nanoseconds, rounded down; -1
// when it is 0 (logarithmicRankDiff).
func logAge(t, now vtime.Time) int {
	age := now.Sub(apiTime(t))
	if age <= 0 {
		return -1
	}
	return int(math.Log2(float64(age)))
}
