package placements

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// When enough nodes are found the filters' goroutines may have let others pass:
// the cycle takes no notice of them, and neither does the record. (What a whole
// scheduler's record holds is tested in package scheduler.)
func TestNodesThatPassInVain(t *testing.T) {
	c := &cycle{status: map[string]*fwk.Status{}, scores: map[string]decisions.NodeResult{"scored": {Node: "scored", Total: 7}}}
	full := fwk.NewStatus(fwk.Unschedulable, "full")
	full.SetPlugin("NodeResourcesFit")
	var all sync.WaitGroup
	for name, status := range map[string]*fwk.Status{"scored": nil, "in vain": nil, "full": full, "chosen": nil} {
		all.Go(func() { c.filtered(name, status) })
	}
	all.Wait()
	var got []decisions.NodeResult
	for _, name := range []string{"scored", "in vain", "full", "never asked", "chosen"} {
		status, asked := c.status[name]
		if x, ok := c.node(name, status, asked, "chosen"); ok {
			got = append(got, x)
		}
	}
	want := []decisions.NodeResult{{Node: "scored", Total: 7}, {Node: "full", Rejected: "NodeResourcesFit", Reason: "full"}, {Node: "chosen"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
