// Package why reads a decision ledger for people: why something was decided
// (Run.Ask), and where two runs first decide differently (Compare).
package why

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// Run is the ledger of one replication, with what one must know to read it.
type Run struct {
	Scenario string
	Policy   string
	Seed     uint64
	Start    time.Time // of the window; zero when it has no date
	Duration float64   // of the window in s
	Entries  []decisions.Entry
	// Recorder is the command that records the results of every node; it is
	// shown where a ledger lacks them.
	Recorder string
}

// Query is a question to a ledger. Empty fields do not narrow it.
type Query struct {
	At      float64 // s since the start; what was decided until then, the instant included
	Whole   bool    // no instant was asked for: At is the end, and stories are told whole
	Around  float64 // s before and after At from which events are shown
	Service string
	Kind    string
	Pod     string
	Node    string
}

// Answer is what a ledger says to a query.
type Answer struct {
	Scenario string            `json:"scenario"`
	Policy   string            `json:"policy"`
	Seed     uint64            `json:"seed"`
	At       float64           `json:"at"`              // s since the start
	Clock    string            `json:"clock,omitempty"` // At as a date, RFC 3339
	Scalers  []Scaler          `json:"scalers,omitempty"`
	Others   []decisions.Entry `json:"decisions,omitempty"` // of scheduler, cluster and node autoscaler, in full
	Events   []Event           `json:"events,omitempty"`    // around it, or the story of a pod or node
	Notes    []string          `json:"notes,omitempty"`     // what the ledger does not hold, and how to get it
	start    time.Time         // of the window
	told     storyOf           // what Events are
	nodes    bool              // the ledger has the nodes' results
}

// storyOf says what the events of an answer are.
type storyOf uint8

const (
	ofTime storyOf = iota
	ofPod
	ofNode
)

// Event is an entry of the ledger in short.
type Event struct {
	T    float64 `json:"t"`
	Kind string  `json:"kind"`
	Text string  `json:"text"`
}

// Ask answers a query. An error says what the ledger knows instead.
func (r *Run) Ask(q Query) (*Answer, error) {
	if len(r.Entries) == 0 {
		return nil, fmt.Errorf("the ledger has no decision of policy %s with seed %d", r.Policy, r.Seed)
	}
	if err := r.check(q); err != nil {
		return nil, err
	}
	a := &Answer{Scenario: r.Scenario, Policy: r.Policy, Seed: r.Seed, At: q.At, start: r.Start, nodes: r.has(hasNodes)}
	if !r.Start.IsZero() {
		a.Clock = clock(r.Start, q.At).Format(time.RFC3339)
	}
	switch {
	case q.Pod != "":
		a.told = ofPod
		r.askAbout(a, q, placements)
	case q.Node != "":
		a.told = ofNode
		r.askAbout(a, q, ofNodes)
	case q.Kind != "":
		r.askKind(a, q)
	default:
		r.askTime(a, q)
	}
	r.note(a)
	return a, nil
}

// What was decided about pods and nodes; the other kinds tell what came of it.
var (
	placements = []string{decisions.Bind, decisions.Unschedulable}
	ofNodes    = []string{decisions.NodeOn, decisions.NodeWake, decisions.NodeDrain, decisions.NodeSleep, decisions.NodeOff}
	creating   = []string{decisions.Scale, decisions.Preempt, decisions.Evict} // pods
	decided    = slices.Concat(placements, ofNodes, []string{decisions.Preempt, decisions.Evict, decisions.PowerCap, decisions.SMClock})
)

// askTime tells what was decided at an instant, and by each scaler last.
func (r *Run) askTime(a *Answer, q Query) {
	for _, s := range r.services() {
		if q.Service == "" || s == q.Service {
			if x, ok := r.scaler(s, q.At); ok {
				a.Scalers = append(a.Scalers, x)
			}
		}
	}
	for _, s := range r.services() { // routers decide rarely: the last word holds
		if i := r.last(q.At, func(e decisions.Entry) bool { return e.Kind == decisions.Route && e.Service == s && q.match(e) }); i >= 0 {
			a.Others = append(a.Others, r.Entries[i])
		}
	}
	for _, e := range r.Entries {
		if near(e.T, q.At, precision) && slices.Contains(decided, e.Kind) && q.match(e) {
			a.Others = append(a.Others, e)
		}
	}
	r.eventsAround(a, q, q.At)
}

// askKind tells the last decision of a kind.
func (r *Run) askKind(a *Answer, q Query) {
	at := q.At
	if q.Kind == decisions.Scale || q.Kind == decisions.Tick {
		for _, s := range r.services() {
			if q.Service != "" && s != q.Service {
				continue
			}
			if i := r.last(q.At, func(e decisions.Entry) bool { return e.Kind == q.Kind && e.Service == s }); i >= 0 {
				a.Scalers = append(a.Scalers, Scaler{Decision: r.Entries[i], Came: r.cameOf(i)})
				at = r.Entries[i].T
			}
		}
	} else if i := r.last(q.At, func(e decisions.Entry) bool { return e.Kind == q.Kind && q.match(e) }); i >= 0 {
		a.Others = append(a.Others, r.Entries[i])
		at = r.Entries[i].T
	}
	if len(a.Scalers)+len(a.Others) == 0 {
		a.Notes = append(a.Notes, fmt.Sprintf("no decision of the kind %s was taken until %s", q.Kind, offset(q.At)))
	}
	r.eventsAround(a, q, at)
}

// askAbout tells the story of a pod or a node, and the last decision about it
// of one of these kinds in full.
func (r *Run) askAbout(a *Answer, q Query, kinds []string) {
	about := func(e decisions.Entry) bool {
		return e.Pod == q.Pod && q.Pod != "" || e.Node == q.Node && q.Node != ""
	}
	i := r.last(q.At, func(e decisions.Entry) bool {
		return about(e) && (q.Kind == "" && slices.Contains(kinds, e.Kind) || e.Kind == q.Kind)
	})
	if i >= 0 {
		a.Others = append(a.Others, r.Entries[i])
	}
	first := slices.IndexFunc(r.Entries, about)
	for k, e := range r.Entries {
		if q.Pod != "" && k < first && e.T == r.Entries[first].T && slices.Contains(creating, e.Kind) && e.Service == r.Entries[first].Service {
			a.Events = append(a.Events, event(e)) // the pod is there because of it
		}
		if about(e) && (q.Whole || near(e.T, q.At, q.Around)) {
			a.Events = append(a.Events, event(e))
		}
	}
}

// precision in s to which instants are printed: what is that near to an instant
// was printed as that instant.
const precision = 0.0005

func near(t, at, around float64) bool { return t >= at-around && t <= at+around }

// eventsAround adds what happened around an instant; ticks would drown it.
func (r *Run) eventsAround(a *Answer, q Query, at float64) {
	for _, e := range r.Entries {
		if e.Kind != decisions.Tick && near(e.T, at, q.Around) && (q.Service == "" || e.Service == "" || e.Service == q.Service) {
			a.Events = append(a.Events, event(e))
		}
	}
}

// match reports whether an entry belongs to the query's service.
func (q Query) match(e decisions.Entry) bool { return q.Service == "" || e.Service == q.Service }

// last returns the index of the last entry until an instant, -1 for none.
func (r *Run) last(at float64, is func(decisions.Entry) bool) int {
	for i := len(r.Entries) - 1; i >= 0; i-- {
		if r.Entries[i].T <= at+precision && is(r.Entries[i]) {
			return i
		}
	}
	return -1
}

// services are those that the ledger knows, in the order of their first entries.
func (r *Run) services() []string {
	return r.distinct(func(e decisions.Entry) string { return e.Service })
}

func (r *Run) distinct(of func(decisions.Entry) string) []string {
	var names []string
	seen := map[string]bool{"": true}
	for _, e := range r.Entries {
		if name := of(e); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

// has reports whether an entry of the ledger is so.
func (r *Run) has(is func(decisions.Entry) bool) bool { return slices.ContainsFunc(r.Entries, is) }

func hasNodes(e decisions.Entry) bool { return e.Placement != nil && len(e.Placement.Nodes) > 0 }
func isTick(e decisions.Entry) bool   { return e.Kind == decisions.Tick }

// note says what the ledger lacks for this answer.
func (r *Run) note(a *Answer) {
	if len(a.Scalers) > 0 && !r.has(isTick) {
		a.Notes = append(a.Notes, "the ledger holds no ticks: what a scaler saw when it changed nothing is recorded with --ledger ticks, the default")
	}
	placed := slices.ContainsFunc(a.Others, func(d decisions.Entry) bool {
		return d.Placement != nil && (d.Placement.Evaluated > 0 || d.Kind == decisions.Bind)
	})
	if placed && !a.nodes {
		a.Notes = append(a.Notes, "what each node was filtered out for and how it scored was not recorded; this records it:\n"+r.Recorder)
	}
}

// check says what a query asks for that the ledger does not know.
func (r *Run) check(q Query) error {
	if err := r.Within(q.At); err != nil {
		return err
	}
	for _, c := range []struct {
		what, name string
		known      func() []string
	}{
		{"service", q.Service, r.services},
		{"kind", q.Kind, decisions.Kinds},
		{"pod", q.Pod, func() []string { return r.distinct(func(e decisions.Entry) string { return e.Pod }) }},
		{"node", q.Node, func() []string { return r.distinct(func(e decisions.Entry) string { return e.Node }) }},
	} {
		if c.name == "" {
			continue
		}
		if known := c.known(); !slices.Contains(known, c.name) {
			return fmt.Errorf("no %s %q in the ledger; it has %s", c.what, c.name, some(known))
		}
	}
	if q.Pod != "" && q.Node != "" {
		return fmt.Errorf("ask for a pod or for a node, not for both")
	}
	return nil
}

// Within says whether an instant is outside of the run.
func (r *Run) Within(t float64) error {
	if t < 0 || t > r.Duration {
		return fmt.Errorf("%s is outside of the run, which lasts from 0s to %s", offset(t), offset(r.Duration))
	}
	return nil
}

// some lists names, but not hundreds of them.
func some(names []string) string {
	const most = 12
	if len(names) > most {
		return fmt.Sprintf("%s and %d more, up to %s", strings.Join(names[:most], ", "), len(names)-most-1, names[len(names)-1])
	}
	return strings.Join(names, ", ")
}
