// Package schedsim writes what a simulated scheduler saw and decided in the
// formats of kube-scheduler-simulator
// (sigs.k8s.io/kube-scheduler-simulator/simulator v0.4.0): the annotations with
// which its scheduler explains a pod's placement, and the JSON snapshot of a
// cluster that it exports and imports. Objects are built anew from the scenario
// and the decision ledger.
package schedsim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
)

// Cluster is what one must know of a simulated cluster to write its objects.
type Cluster struct {
	Scheduler *scheduler.Config
	Initial   []int // nodes of each pool that are on when the window opens
	// Intensity is the g CO2e per kWh of a pool's grid, t seconds after the start.
	Intensity func(pool int, t float64) float64
	Ledger    []decisions.Entry // of one replication, in order
}

// state is the cluster at an instant, as far as its API server knows it.
type state struct {
	nodes []node // by pool and number
	pods  []*pod // in the order of their creation
}

type node struct {
	name         string
	pool, number int
	cordoned     bool
}

type pod struct {
	name        string
	service     int
	created     float64 // s since the start, as below
	node        string  // "" while it has none
	bound       float64
	ready       bool
	terminating *float64           // since when
	attempts    []*decisions.Entry // to place it, in order
}

// pending is the last attempt of a pod that has no node, nil for one that was
// never tried.
func (p *pod) pending() *decisions.Entry {
	if p.node != "" || len(p.attempts) == 0 {
		return nil
	}
	return p.attempts[len(p.attempts)-1]
}

// at plays the ledger until t, that instant included.
func (c *Cluster) at(t float64) (*state, error) {
	nodes := map[string]*node{}
	for i, n := range c.Initial {
		for k := range n {
			name := fmt.Sprintf("%s-%d", c.Scheduler.Pools[i].Name, k)
			nodes[name] = &node{name: name, pool: i, number: k}
		}
	}
	s := &state{}
	byName := map[string]*pod{}
	for i := range c.Ledger {
		e := &c.Ledger[i]
		if e.T > t {
			break
		}
		if err := c.playNode(nodes, e); err != nil {
			return nil, err
		}
		p, err := c.playPod(byName[e.Pod], e)
		if err != nil {
			return nil, err
		}
		if p != nil && byName[e.Pod] == nil {
			byName[e.Pod] = p
			s.pods = append(s.pods, p)
		}
		if e.Kind == decisions.PodGone {
			s.pods = slices.DeleteFunc(s.pods, func(q *pod) bool { return q == p })
		}
	}
	for _, n := range nodes {
		s.nodes = append(s.nodes, *n)
	}
	slices.SortFunc(s.nodes, func(a, b node) int { return cmp.Or(cmp.Compare(a.pool, b.pool), cmp.Compare(a.number, b.number)) })
	return s, nil
}

// playNode changes the nodes by an entry.
func (c *Cluster) playNode(nodes map[string]*node, e *decisions.Entry) error {
	switch e.Kind {
	case decisions.NodeReady: // it joins, or is uncordoned
		pool, number, err := c.poolOf(e.Node)
		if err != nil {
			return err
		}
		nodes[e.Node] = &node{name: e.Node, pool: pool, number: number}
	case decisions.NodeDrain:
		if n := nodes[e.Node]; n != nil {
			n.cordoned = true
		}
	case decisions.NodeOff, decisions.NodeSleep:
		delete(nodes, e.Node)
	}
	return nil
}

// poolOf takes a node's name apart.
func (c *Cluster) poolOf(name string) (pool, number int, err error) {
	for i, p := range c.Scheduler.Pools {
		if rest, ok := strings.CutPrefix(name, p.Name+"-"); ok {
			if k, err := strconv.Atoi(rest); err == nil {
				return i, k, nil
			}
		}
	}
	return 0, 0, fmt.Errorf("node %s of the ledger is of no node pool of the scenario", name)
}

// playPod changes a pod by an entry, and makes it when it is new; nil when the
// entry is about none.
func (c *Cluster) playPod(p *pod, e *decisions.Entry) (*pod, error) {
	if e.Pod == "" {
		return nil, nil
	}
	if p == nil {
		service := slices.IndexFunc(c.Scheduler.Services, func(s scheduler.Service) bool { return s.Name == e.Service })
		if service < 0 {
			return nil, fmt.Errorf("pod %s of the ledger is of service %q, which the scenario does not have", e.Pod, e.Service)
		}
		p = &pod{name: e.Pod, service: service, created: e.T}
	}
	switch e.Kind {
	case decisions.Unschedulable:
		p.attempts = append(p.attempts, e)
	case decisions.Bind:
		p.attempts = append(p.attempts, e)
		p.node, p.bound = e.Node, e.T
	case decisions.PodReady:
		p.ready = true
	case decisions.PodDrain:
		t := e.T
		p.terminating, p.ready = &t, false
	}
	return p, nil
}
