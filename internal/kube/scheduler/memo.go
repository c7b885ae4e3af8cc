package scheduler

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/kwatt-sim/kwatt/internal/kube/plugins/carbonaware"
	"github.com/kwatt-sim/kwatt/internal/kube/plugins/energyaware"
)

// memo is a profile's framework that remembers what the plugins said.
//
// The pods of a service are alike but for their names, and from one cycle to
// the next few nodes change. Most plugins look at nothing but the pod's spec
// and one node (nodeLocal). What they say of a service's pods on a node stays
// true until the node's generation changes, which upstream's cache counts up
// with every pod that comes or goes and every new version of the Node object.
//
// All plugins' PreFilter and PreScore run in every cycle, but for that of
// PodTopologySpread (memo_spread.go): where a plugin that looks beyond the node
// takes part in a cycle, it is asked about every node as ever. So are all
// filters about a node that a waiting pod is nominated to.
//
// Config.Forgetful turns it off. TestMemoChangesNothing holds both to the same
// decisions.
type memo struct {
	framework.Framework
	s       *Scheduler
	wide    []string // Filter plugins that look beyond the node
	pre     []fwk.PreScorePlugin
	scorers []scorer
	spread  *config.PodTopologySpreadArgs // nil without that plugin
	classes []*class                      // by service; nil before its first pod

	next    *int // nextStart
	percent int  // percentageOfNodesToScore, 0 is adaptive

	// Of the cycle that runs; the slices are used again:
	class  *class
	ask    bool  // the filters, about every node
	cursor int   // in the rows
	passed []int // places of nodes that passed
	nodes  []fwk.NodeInfo
	rows   []*row
	scores fwk.NodeScoreList
	sums   []int64
	heap   totalHeap
}

// nodeLocal are the plugins whose Filter and raw Score depend on the pod's spec
// and the NodeInfo alone. Of ImageLocality that is so because no Node here
// lists an image, of DynamicResources because no pod has a claim; GPUDevices
// asks for the room on the node's devices, which changes with its pods.
var nodeLocal = sets.New(names.NodeUnschedulable, names.NodeName, names.TaintToleration, names.NodeAffinity, names.NodePorts,
	names.NodeResourcesFit, names.NodeResourcesBalancedAllocation, names.ImageLocality, names.DynamicResources,
	devicesName, energyaware.Name, carbonaware.Name)

// class is what is remembered of a service's pods.
type class struct {
	nodes   []fwk.NodeInfo
	rows    []row            // by place in nodes
	skipped sets.Set[string] // node-local scorers that had nothing to say
	asks    bool             // memo.ask of the last cycle
	spread  *spread          // nil without constraints
}

// row is what is remembered of a node; generations are above 0.
type row struct {
	info fwk.NodeInfo

	filtered int64 // the generation of status
	status   *fwk.Status

	scored int64   // the generation of plain and raw
	plain  int64   // weighted sum of the scores that are not normalised
	raw    []int64 // by place in memo.scorers

	spreadRow
}

// nodeList is the snapshot's list of nodes. Its NodeInfos are the same objects
// for as long as a node is there.
type nodeList struct {
	list []fwk.NodeInfo
	at   map[fwk.NodeInfo]int
}

func sameList(a, b []fwk.NodeInfo) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// refresh takes over the snapshot's list, if nodes have come or gone.
func (l *nodeList) refresh(now []fwk.NodeInfo) {
	if sameList(now, l.list) {
		return
	}
	l.list, l.at = now, make(map[fwk.NodeInfo]int, len(now))
	for i, n := range now {
		l.at[n] = i
	}
}

// follow moves a class's rows to where the list now has their nodes.
func (c *class) follow(l *nodeList) {
	if sameList(c.nodes, l.list) {
		return
	}
	rows := make([]row, len(l.list))
	for i, n := range c.nodes {
		if k, ok := l.at[n]; ok {
			rows[k] = c.rows[i]
		}
	}
	for k := range rows {
		rows[k].info = l.list[k]
	}
	c.nodes, c.rows = l.list, rows
}

// RunPreFilterPlugins implements framework.Framework; it begins a cycle.
func (m *memo) RunPreFilterPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod) (*fwk.PreFilterResult, *fwk.Status, sets.Set[string]) {
	result, status, plugins := m.Framework.RunPreFilterPlugins(ctx, state, pod)
	m.begin(m.s.inCycle.Service)
	skip := state.GetSkipFilterPlugins()
	for _, name := range m.wide {
		m.ask = m.ask || !skip.Has(name)
	}
	m.class.asks = m.ask
	return result, status, plugins
}

func (m *memo) begin(service int) {
	m.ask, m.cursor, m.passed = false, 0, m.passed[:0]
	all, err := m.s.snapshot.NodeInfos().List()
	m.s.must(err, "list", "the nodes")
	m.s.nodeList.refresh(all)
	if m.class = m.classes[service]; m.class == nil {
		m.class = &class{spread: m.newSpread(m.s.templates[service])}
		m.classes[service] = m.class
	}
	m.class.follow(&m.s.nodeList)
}

// row returns what is remembered of a node, and its place in the list. Nodes
// are asked for in their order, mostly.
func (m *memo) row(n fwk.NodeInfo) (*row, int) {
	i := m.cursor
	if i >= len(m.class.rows) {
		i = 0
	}
	if m.class.rows[i].info != n {
		i = m.s.nodeList.at[n]
	}
	m.cursor = i + 1
	return &m.class.rows[i], i
}

// RunFilterPluginsWithNominatedPods implements framework.Framework.
func (m *memo) RunFilterPluginsWithNominatedPods(ctx context.Context, state fwk.CycleState, pod *v1.Pod, n fwk.NodeInfo) *fwk.Status {
	if m.ask || m.s.nominees > 0 && len(m.NominatedPodsForNode(n.Node().Name)) > 0 {
		return m.Framework.RunFilterPluginsWithNominatedPods(ctx, state, pod, n)
	}
	r, i := m.row(n)
	if r.filtered != n.GetGeneration() {
		m.filter(ctx, state, pod, r)
	}
	if r.status == nil {
		m.passed = append(m.passed, i)
	}
	return r.status
}

// filter asks the filters about a node.
func (m *memo) filter(ctx context.Context, state fwk.CycleState, pod *v1.Pod, r *row) {
	r.filtered, r.status = r.info.GetGeneration(), m.RunFilterPlugins(ctx, state, pod, r.info)
}

// newMemos returns the memo of each profile.
func (s *Scheduler) newMemos() (map[string]framework.Framework, error) {
	twin, err := s.twin()
	if err != nil {
		return nil, err
	}
	out := map[string]framework.Framework{}
	for _, p := range s.profiles {
		m := &memo{Framework: s.Profiles[p.SchedulerName], s: s, classes: make([]*class, len(s.cfg.Services)), next: nextStart(s.Scheduler)}
		for _, percent := range []*int32{s.cfg.Configuration.internal.PercentageOfNodesToScore, m.PercentageOfNodesToScore()} {
			if percent != nil {
				m.percent = int(*percent)
			}
		}
		plugins := m.ListPlugins()
		for _, x := range plugins.Filter.Enabled {
			if !nodeLocal.Has(x.Name) {
				m.wide = append(m.wide, x.Name)
			}
		}
		for _, x := range plugins.PreScore.Enabled {
			if pre, ok := twin.plugin(p.SchedulerName, x.Name).(fwk.PreScorePlugin); ok {
				m.pre = append(m.pre, pre)
			}
		}
		for _, x := range plugins.Score.Enabled {
			if score, ok := twin.plugin(p.SchedulerName, x.Name).(fwk.ScorePlugin); ok {
				m.scorers = append(m.scorers, scorer{score, int64(x.Weight), nodeLocal.Has(x.Name)})
			}
		}
		for _, args := range p.PluginConfig {
			if spread, ok := args.Args.(*config.PodTopologySpreadArgs); ok {
				m.spread = spread
			}
		}
		out[p.SchedulerName] = m
	}
	return out, nil
}
