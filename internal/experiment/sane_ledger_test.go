package experiment

import (
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// wrongDecisions tells the stories of scalers, pods and nodes from the ledger
// alone and holds them against the time series.
func wrongDecisions(c *engine.Config, r *results.Run) string {
	l := &storyTeller{c: c, nodes: map[string]string{}, pods: map[string]string{}, on: map[string]string{}, limits: map[string]float64{}, asked: map[string]int{}, ready: map[string]int{}}
	for _, p := range c.Cluster.Pools {
		for i := range p.Initial {
			l.nodes[fmt.Sprintf("%s-%d", p.Name, i)] = "on"
		}
	}
	for _, s := range c.Services {
		l.asked[s.Name] = s.Initial
	}
	next := 0
	for _, p := range r.Points {
		if p.Service == "" || p.ReplicasReady == nil { // of the cluster or a region
			continue
		}
		for next < len(r.Decisions) && r.Decisions[next].T < p.T {
			if what := l.tell(r.Decisions[next]); what != "" {
				return fmt.Sprintf("%s: %+v", what, r.Decisions[next])
			}
			next++
		}
		// What happens at the end of a bin itself is seen or not, as it falls.
		low, high, now := l.ready[p.Service], l.ready[p.Service], l.ready[p.Service]
		for _, d := range r.Decisions[next:] {
			if d.T > p.T {
				break
			}
			if d.Service == p.Service {
				now += readyChange(d)
				low, high = min(low, now), max(high, now)
			}
		}
		if n := int(*p.ReplicasReady); n < low || n > high {
			return fmt.Sprintf("%d replicas of %s are ready at %v s, the ledger has %d to %d", n, p.Service, p.T, low, high)
		}
	}
	return ""
}

func readyChange(d decisions.Entry) int {
	switch d.Kind {
	case decisions.PodReady:
		return 1
	case decisions.PodDrain:
		return -1
	}
	return 0
}

type storyTeller struct {
	c            *engine.Config
	nodes        map[string]string  // off (not there), booting, on, cordoned
	pods         map[string]string  // the last that happened to each
	on           map[string]string  // the node of each
	asked, ready map[string]int     // replicas by service
	limits       map[string]float64 // W or MHz by kind and pool
}

// tell adds an entry and returns what is wrong with it, or "".
func (l *storyTeller) tell(d decisions.Entry) string {
	l.ready[d.Service] += readyChange(d)
	switch d.Kind {
	case decisions.Scale, decisions.Tick:
		return l.scaling(d)
	case decisions.Route:
		return wrongRouting(d)
	case decisions.PowerCap, decisions.SMClock:
		return l.limiting(d)
	case decisions.NodeOn, decisions.NodeWake, decisions.NodeReady, decisions.NodeDrain, decisions.NodeOff, decisions.NodeSleep:
		return l.node(d)
	}
	return l.pod(d)
}

func (l *storyTeller) limiting(d decisions.Entry) string {
	of, least := d.Cap, 1.0
	if d.Kind == decisions.SMClock {
		of, least = d.Clock, 0
	}
	if of == nil || d.Reason == "" || of.From == of.To || of.To < least {
		return "it changes nothing, or does not say why"
	}
	key := d.Kind + " " + of.Pool
	if was, ok := l.limits[key]; ok && was != of.From {
		return fmt.Sprintf("it starts from another limit than %v", was)
	}
	l.limits[key] = of.To
	return ""
}

func (l *storyTeller) scaling(d decisions.Entry) string {
	before := l.asked[d.Service]
	l.asked[d.Service] = d.To
	switch {
	case d.From != before:
		return fmt.Sprintf("it starts from another number than %d", before)
	case (d.Kind == decisions.Tick) != (d.From == d.To):
		return "a tick changes nothing, a scale does"
	case d.Scaling == nil || d.Reason == "":
		return "it does not say what was seen, or why"
	case d.Scaling.Ready != l.ready[d.Service]:
		return fmt.Sprintf("%d replicas were ready", l.ready[d.Service])
	case d.Scaling.Seen != nil && *d.Scaling.Seen > d.T:
		return "it sees the future"
	case l.c.Ledger < engine.Ticks && d.Kind == decisions.Tick:
		return "ticks were not asked for"
	}
	return ""
}

func wrongRouting(d decisions.Entry) string {
	sum := 0.0
	for _, r := range d.Routing.Regions {
		sum += r.Share
		if r.Share < 0 || r.Limit != nil && *r.Limit < 0 {
			return "a share or a limit makes no sense"
		}
	}
	if d.Reason == "" || !close9(sum, 1) {
		return fmt.Sprintf("shares that add up to %v, or no reason", sum)
	}
	return ""
}

// before are what can have happened to a pod last, before each kind of entry.
var before = map[string][]string{
	decisions.Unschedulable: {"", decisions.Unschedulable},
	decisions.Bind:          {"", decisions.Unschedulable},
	decisions.PodReady:      {decisions.Bind},
	decisions.Preempt:       {decisions.Bind, decisions.PodReady},
	decisions.Evict:         {decisions.Bind, decisions.PodReady},
	decisions.PodDrain:      {decisions.PodReady, decisions.Preempt, decisions.Evict},
	decisions.PodGone:       {"", decisions.Unschedulable, decisions.Bind, decisions.PodDrain, decisions.Preempt, decisions.Evict},
}

func (l *storyTeller) pod(d decisions.Entry) string {
	last, ok := l.pods[d.Pod], false
	for _, may := range before[d.Kind] {
		ok = ok || may == last
	}
	l.pods[d.Pod] = d.Kind
	p := d.Placement
	switch {
	case !ok:
		return "before it the last was " + last
	case (d.Kind == decisions.Bind || d.Kind == decisions.Unschedulable) != (p != nil):
		return "only the scheduler's decisions have a placement, and all of them"
	case d.Kind == decisions.Bind:
		l.on[d.Pod] = d.Node
		if l.nodes[d.Node] != "on" || p.Feasible < 1 || p.GPU == nil {
			return "the node is " + l.nodes[d.Node] + ", or the scheduler had none"
		}
	case d.Node != l.on[d.Pod]:
		return "the pod is on " + l.on[d.Pod]
	case d.Kind != decisions.PodGone && d.Reason == "":
		return "there is no reason"
	}
	if p != nil && p.Feasible > 0 != (feasible(p.Nodes) > 0) && len(p.Nodes) > 0 {
		return fmt.Sprintf("%d of the nodes' results let the pod pass", feasible(p.Nodes))
	}
	if p != nil && (len(p.Nodes) > 0) != (l.c.Ledger == engine.NodeResults && p.Evaluated > 0) {
		return "the nodes' results are there without having been asked for, or are missing"
	}
	return ""
}

// feasible counts the nodes that no filter rejected.
func feasible(nodes []decisions.NodeResult) (n int) {
	for _, r := range nodes {
		if r.Reason == "" {
			n++
		}
	}
	return n
}

func (l *storyTeller) node(d decisions.Entry) string {
	was := l.nodes[d.Node]
	allowed := map[string]string{
		decisions.NodeOn: "", decisions.NodeWake: "", decisions.NodeDrain: "on",
	}
	l.nodes[d.Node] = map[string]string{
		decisions.NodeOn: "booting", decisions.NodeWake: "booting", decisions.NodeReady: "on", decisions.NodeDrain: "cordoned",
	}[d.Kind]
	want, fixed := allowed[d.Kind]
	switch {
	case fixed && was != want, d.Kind == decisions.NodeReady && was != "booting" && was != "cordoned",
		(d.Kind == decisions.NodeOff || d.Kind == decisions.NodeSleep) && was != "on" && was != "cordoned":
		return "the node was " + was
	case d.Reason == "":
		return "there is no reason"
	case (l.nodes[d.Node] == "booting") != (d.Expansion != nil):
		return "a node is asked for without an expansion, or has one without being asked for"
	}
	if x := d.Expansion; x != nil {
		chosen := 0
		for _, o := range x.Options {
			if o.Chosen {
				chosen++
			}
			if o.Nodes < 1 || o.Pods < 1 || o.Pods > x.Pending {
				return "an option makes no sense"
			}
		}
		if chosen != 1 {
			return "no option or more than one was chosen"
		}
	}
	return ""
}
