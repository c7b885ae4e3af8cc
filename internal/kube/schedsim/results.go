package schedsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// The annotations of the simulator (scheduler/plugin/annotation and
// scheduler/storereflector of its v0.4.0).
const (
	prefix = "kube-scheduler-simulator.sigs.k8s.io/"

	preFilterStatusKey = prefix + "prefilter-result-status"
	preFilterKey       = prefix + "prefilter-result"
	filterKey          = prefix + "filter-result"
	postFilterKey      = prefix + "postfilter-result"
	preScoreKey        = prefix + "prescore-result"
	scoreKey           = prefix + "score-result"
	finalScoreKey      = prefix + "finalscore-result"
	reserveKey         = prefix + "reserve-result"
	permitKey          = prefix + "permit-result"
	permitTimeoutKey   = prefix + "permit-result-timeout"
	preBindKey         = prefix + "prebind-result"
	bindKey            = prefix + "bind-result"
	selectedNodeKey    = prefix + "selected-node"
	historyKey         = prefix + "result-history"
)

// Its words for what a plugin said (scheduler/plugin/resultstore).
const (
	passedMessage    = "passed"
	successMessage   = "success"
	nominatedMessage = "preemption victim"
)

// byPlugin and byNode are what the annotations hold, as JSON.
type (
	byPlugin map[string]string
	byNode   map[string]byPlugin
)

// attemptResults are the annotations of one attempt to place a pod, with the
// results of these nodes.
func attemptResults(e *decisions.Entry, nodes []decisions.NodeResult) (map[string]string, error) {
	how := e.Placement
	filter, score, final := nodeResults(how, nodes)
	c := how.Cycle
	out := map[string]string{selectedNodeKey: e.Node}
	for key, value := range map[string]any{
		preFilterStatusKey: statuses(c.PreFilter),
		preFilterKey:       candidates(c.Candidates, nodes),
		filterKey:          filter,
		postFilterKey:      postFilter(how, nodes),
		preScoreKey:        statuses(c.PreScore),
		scoreKey:           score,
		finalScoreKey:      final,
		reserveKey:         each(c.Reserve, successMessage),
		permitKey:          each(c.Permit, successMessage),
		permitTimeoutKey:   each(c.Permit, "0s"),
		preBindKey:         each(c.PreBind, successMessage),
		bindKey:            each(c.Bind, successMessage),
	} {
		b, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("write %s of pod %s: %w", key, e.Pod, err)
		}
		out[key] = string(b)
	}
	return out, nil
}

// nodeResults are what filtered a node out or how it scored. A plugin behind
// the one that rejects a node is not asked.
func nodeResults(how *decisions.Placement, nodes []decisions.NodeResult) (filter, score, final byNode) {
	filter, score, final = byNode{}, byNode{}, byNode{}
	for _, n := range nodes {
		if n.Rejected == "" && n.Reason != "" { // by a PreFilter plugin: no filter saw it
			continue
		}
		passed := how.Cycle.Filter
		if n.Rejected != "" {
			passed = passed[:max(slices.Index(passed, n.Rejected), 0)]
		}
		if len(how.Cycle.Filter) > 0 {
			filter[n.Node] = each(passed, passedMessage)
		}
		if n.Rejected != "" {
			if len(how.Cycle.Filter) > 0 {
				filter[n.Node][n.Rejected] = n.Reason
			}
			continue
		}
		for _, s := range n.Scores {
			if score[n.Node] == nil {
				score[n.Node], final[n.Node] = byPlugin{}, byPlugin{}
			}
			score[n.Node][s.Plugin] = strconv.FormatInt(s.Raw, 10)
			final[n.Node][s.Plugin] = strconv.FormatInt(s.Final, 10)
		}
	}
	return filter, score, final
}

// statuses are what plugins said of the pod. The simulator has the message of
// each that is not a success; that of a skip is empty.
func statuses(list []decisions.PluginStatus) byPlugin {
	out := byPlugin{}
	for _, s := range list {
		out[s.Plugin] = s.Reason
		if s.Code == "Success" {
			out[s.Plugin] = successMessage
		}
	}
	return out
}

// candidates are the nodes to which PreFilter plugins narrow the choice.
func candidates(all map[string][]string, nodes []decisions.NodeResult) map[string][]string {
	out := map[string][]string{}
	for plugin, names := range all {
		out[plugin] = []string{}
		for _, n := range nodes {
			if slices.Contains(names, n.Node) {
				out[plugin] = append(out[plugin], n.Node)
			}
		}
	}
	return out
}

// postFilter has the rejected nodes, without a word but for the one on which
// preemption makes room.
func postFilter(how *decisions.Placement, nodes []decisions.NodeResult) byNode {
	out := byNode{}
	plugins := how.Cycle.PostFilter
	if how.Feasible > 0 || len(plugins) == 0 {
		return out
	}
	nominator := plugins[len(plugins)-1]
	if slices.Contains(plugins, preemption) {
		nominator = preemption
	}
	for _, n := range nodes {
		out[n.Node] = byPlugin{}
		if n.Node == how.Nominated {
			out[n.Node][nominator] = nominatedMessage
		}
	}
	return out
}

// preemption is the plugin that nominates nodes.
const preemption = "DefaultPreemption"

func each(plugins []string, message string) byPlugin {
	out := byPlugin{}
	for _, p := range plugins {
		out[p] = message
	}
	return out
}
