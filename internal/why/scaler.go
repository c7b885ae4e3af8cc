package why

import (
	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// Scaler is a scaler's decision and what became of it.
type Scaler struct {
	Decision decisions.Entry `json:"decision"`
	// Change is the last decision that changed the replicas, when that is
	// another one.
	Change *decisions.Entry `json:"change,omitempty"`
	// Came is what the change, or else the decision, led to: pods that came or went.
	Came []PodStory `json:"came,omitempty"`
}

// PodStory is when a pod reached what; an instant that the run did not see is nil.
type PodStory struct {
	Pod       string   `json:"pod"`
	Node      string   `json:"node,omitempty"`
	Created   float64  `json:"created"`             // s since the start, as all here
	Refused   string   `json:"refused,omitempty"`   // why it found no place at first
	NodeAsked *float64 `json:"nodeAsked,omitempty"` // its node was asked for after the pod was created
	NodeReady *float64 `json:"nodeReady,omitempty"` // and joined
	Bound     *float64 `json:"bound,omitempty"`
	Ready     *float64 `json:"ready,omitempty"`
	Drained   *float64 `json:"drained,omitempty"`
	Gone      *float64 `json:"gone,omitempty"`
	Why       string   `json:"why,omitempty"` // it went
}

// scaler returns the decision of a service's scaler that is in force.
func (r *Run) scaler(service string, at float64) (Scaler, bool) {
	of := func(e decisions.Entry) bool { return e.Scaling != nil && e.Service == service }
	i := r.last(at, of)
	if i < 0 {
		return Scaler{}, false
	}
	s := Scaler{Decision: r.Entries[i]}
	if s.Decision.Kind == decisions.Tick {
		i = r.last(at, func(e decisions.Entry) bool { return of(e) && e.Kind == decisions.Scale })
		if i < 0 {
			return s, true
		}
		change := r.Entries[i]
		s.Change = &change
	}
	s.Came = r.cameOf(i)
	return s, true
}

// cameOf returns what became of the scaling at index i: the pods that were
// created or told to go in the same instant, after it.
func (r *Run) cameOf(i int) []PodStory {
	d := r.Entries[i]
	if d.Kind != decisions.Scale {
		return nil
	}
	var out []PodStory
	seen := map[string]bool{}
	for _, e := range r.Entries[i+1:] {
		if e.T != d.T || e.Service == d.Service && e.Scaling != nil {
			break
		}
		if e.Service != d.Service || e.Pod == "" || seen[e.Pod] {
			continue
		}
		seen[e.Pod] = true
		s := r.podStory(e.Pod)
		came := d.To > d.From && s.Created == d.T
		went := d.To < d.From && (e.Kind == decisions.PodDrain || e.Kind == decisions.PodGone)
		if came || went {
			out = append(out, s)
		}
	}
	return out
}

// podStory puts a pod's entries together.
func (r *Run) podStory(pod string) PodStory {
	s := PodStory{Pod: pod, Created: -1}
	for i, e := range r.Entries {
		if e.Pod != pod {
			continue
		}
		if s.Created < 0 {
			s.Created = e.T
			if p := e.Placement; p != nil {
				s.Created -= p.Waited
			}
		}
		t := e.T
		switch e.Kind {
		case decisions.Unschedulable:
			if s.Refused == "" {
				s.Refused = e.Reason
			}
		case decisions.Bind:
			s.Node, s.Bound = e.Node, &t
			s.NodeAsked, s.NodeReady = r.broughtUp(e.Node, s.Created, i)
		case decisions.PodReady:
			s.Ready = &t
		case decisions.PodDrain:
			s.Drained, s.Why = &t, e.Reason
		case decisions.PodGone:
			s.Gone = &t
			if s.Why == "" {
				s.Why = e.Reason
			}
		}
	}
	return s
}

// broughtUp returns when a node was asked for and joined between an instant
// and the entry at index i.
func (r *Run) broughtUp(node string, since float64, i int) (asked, ready *float64) {
	for _, e := range r.Entries[:i] {
		if e.Node != node || e.T < since {
			continue
		}
		t := e.T
		switch e.Kind {
		case decisions.NodeOn, decisions.NodeWake:
			asked, ready = &t, nil
		case decisions.NodeReady:
			ready = &t
		}
	}
	return asked, ready
}
