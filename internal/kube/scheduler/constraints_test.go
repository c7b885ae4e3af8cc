package scheduler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/cluster"
)

// nodesOf returns the number of pods on each node, like "a-0 2, b-0 1".
func nodesOf(c *cluster.Cluster, service int) string {
	var all []string
	for _, n := range c.Nodes() {
		count := 0
		for i := range n.GPUs {
			for _, p := range n.GPUs[i].Pods {
				if p.Service == service {
					count++
				}
			}
		}
		if count > 0 {
			all = append(all, fmt.Sprint(n.Name, " ", count))
		}
	}
	return strings.Join(all, ", ")
}

// zones is a world of one pool in each zone, of two nodes of four GPUs.
func zones(t testing.TB, names ...string) *world {
	t.Helper()
	w := newWorld(t, "Default")
	w.cluster.Pools, w.config.Pools = nil, nil
	w.cluster.Services[0].Needs = w.cluster.Services[0].Needs[:1]
	for _, name := range names {
		w.pool(t, name, "nvidia-a100-sxm4-80gb", 4, 2).Zone = name
	}
	w.cluster.Services[0].Needs = w.cluster.Services[0].Needs[:len(names)]
	return w
}

// Pods go where their templates let them.
func TestConstraints(t *testing.T) {
	taint := func(effect string) func(*world) {
		return func(w *world) { w.config.Pools[0].Taints = []Taint{{Key: "team", Value: "a", Effect: effect}} }
	}
	for name, x := range map[string]struct {
		edit func(*world)
		spec string
		pods int
		want string
	}{
		"taint":                    {taint("NoSchedule"), "", 4, "b-0 2, b-1 2"},
		"taint that is no ban":     {taint("PreferNoSchedule"), "", 4, "b-0 2, b-1 2"},
		"NoExecute taint":          {taint("NoExecute"), "", 2, "b-0 1, b-1 1"},
		"toleration":               {taint("NoSchedule"), "tolerations: [{key: team, operator: Equal, value: a}]", 4, "a-0 1, a-1 1, b-0 1, b-1 1"},
		"toleration of another":    {taint("NoSchedule"), "tolerations: [{key: team, operator: Equal, value: b}]", 2, "b-0 1, b-1 1"},
		"node selector":            {nil, "nodeSelector: {topology.kubernetes.io/zone: b}", 2, "b-0 1, b-1 1"},
		"selector of a GPU":        {nil, "nodeSelector: {nvidia.com/gpu.product: nvidia-t4}", 1, ""},
		"selector of the pool":     {nil, "nodeSelector: {karpenter.sh/nodepool: a}", 1, "a-0 1"},
		"a pool's own label":       {func(w *world) { w.config.Pools[1].Labels = map[string]string{"disk": "fast"} }, "nodeSelector: {disk: fast}", 1, "b-0 1"},
		"required node affinity":   {nil, "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: topology.kubernetes.io/zone, operator: NotIn, values: [a]}]}]}}}", 2, "b-0 1, b-1 1"},
		"node affinity by name":    {nil, "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [a-1]}]}]}}}", 2, "a-1 2"},
		"preferred node affinity":  {nil, "affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [b]}]}}]}}", 2, "b-0 1, b-1 1"},
		"pod anti-affinity":        {nil, "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: ranker}}}]}}", 3, "a-0 1, b-0 1"},
		"preferred anti-affinity":  {nil, "affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 100, podAffinityTerm: {topologyKey: topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: ranker}}}}]}}", 2, "a-0 1, b-0 1"},
		"pod affinity to itself":   {nil, "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: ranker}}}]}}", 4, "a-0 4"},
		"pod affinity to nobody":   {nil, "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: other}}}]}}", 1, ""},
		"spread over zones":        {nil, "topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: ranker}}}]", 5, "a-0 3, b-0 2"},
		"host port":                {nil, "", 1, "a-0 1"},
		"more memory than any has": {nil, "", 1, "a-0 1"},
	} {
		w := zones(t, "a", "b")
		if x.edit != nil {
			x.edit(w)
		}
		switch name {
		case "host port":
			x.spec, x.pods, x.want = "containers: [{name: c, image: i, ports: [{containerPort: 80, hostPort: 80}]}]", 6, "a-0 1, a-1 1, b-0 1, b-1 1"
		case "more memory than any has":
			x.spec, x.want = "containers: [{name: c, image: i, resources: {requests: {memory: 2Ti}}}]", ""
		default:
			x.spec = "containers: [{name: c, image: i}]\n" + x.spec
		}
		w.config.Services[0].Template = template(t, x.spec)
		c, _ := w.start(t)
		c.Scale(0, x.pods)
		if got := nodesOf(c, 0); got != x.want {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
	}
}

// A hard spread holds pods back rather than putting them all in one zone.
func TestSpreadHoldsPodsBack(t *testing.T) {
	w := zones(t, "a", "b")
	w.config.Pools[1].Taints = []Taint{{Key: "full", Effect: "NoSchedule"}}
	w.config.Services[0].Template = template(t, `
containers: [{name: c, image: i}]
topologySpreadConstraints: [{maxSkew: 2, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: ranker}}}]`)
	c, d := w.start(t)
	c.Scale(0, 4)
	if got := nodesOf(c, 0); got != "a-0 2" {
		t.Errorf("%s, want no more than two pods in zone a while b has none", got)
	}
	if text := d.take(); !strings.Contains(text, "2 node(s) didn't match pod topology spread constraints") {
		t.Error(text)
	}
}

// Pods of another service are sought, also when they come later.
func TestPodsWaitForTheirNeighbours(t *testing.T) {
	w := zones(t, "a", "b")
	w.config.Services[0].Template = template(t, `
containers: [{name: c, image: i}]
affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: cache}}}]}}`)
	w.service("cache", 1)
	c, d := w.start(t)
	c.Scale(0, 2)
	if got := nodesOf(c, 0); got != "" {
		t.Errorf("%s before there is a cache", got)
	}
	d.runTo(time.Minute)
	c.Scale(1, 1)
	if got := nodesOf(c, 0); got != "a-0 2" {
		t.Errorf("%s, want both with the cache on a-0", got)
	}
}

// A cordoned node takes no pod until it is uncordoned.
func TestCordonedNode(t *testing.T) {
	w := newWorld(t, "Default")
	var s *Scheduler
	c, d := w.startWith(t, func(h cluster.Host, _ uint64) (_ cluster.Scheduler, err error) {
		s, err = New(&w.config, h)
		return s, err
	})
	defer c.Close()
	n := c.Nodes()[0]
	cordon := func(yes bool) {
		n.Cordoned = yes
		s.NodeUpdated(n)
	}
	cordon(true)
	c.Scale(0, 3)
	if text := d.take(); !strings.Contains(text, "0s ranker-1 on a100-1/0\n0s ranker-2 on a100-1/1\n0s ranker-3: 0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) were unschedulable.") {
		t.Error(text)
	}
	d.runTo(time.Minute)
	cordon(false)
	d.runTo(time.Minute + time.Millisecond)
	d.expect(t, "1m0s ranker-3 on a100-0/0")
}
