package why

import (
	"slices"

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

// scales reports whether an entry is a scaler's.
func scales(e decisions.Entry) bool { return e.Kind == decisions.Scale || e.Kind == decisions.Tick }

// scaler returns the decision of a service's scaler that is in force.
func (r *Run) scaler(service string, at float64) (Scaler, bool) {
	of := func(e decisions.Entry) bool { return scales(e) && e.Service == service }
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

// cameOf returns what became of the scaling at index i: as many pods as it adds
// or takes away, the first that are created or go after it and before the next.
func (r *Run) cameOf(i int) []PodStory {
	d := r.Entries[i]
	more, less := d.To-d.From, d.From-d.To
	var out []PodStory
	for k := i + 1; k < len(r.Entries) && len(out) < max(more, less); k++ {
		e := r.Entries[k]
		if e.Service != d.Service || e.Pod == "" {
			if e.Service == d.Service && e.Kind == decisions.Scale {
				break
			}
			continue
		}
		seen := slices.ContainsFunc(out, func(s PodStory) bool { return s.Pod == e.Pod })
		goes := e.Kind == decisions.PodDrain || e.Kind == decisions.PodGone
		if !seen && (more > 0 && r.firstOf(e.Pod) == k || less > 0 && goes) {
			out = append(out, r.podStory(e.Pod))
		}
	}
	return out
}

// firstOf returns the index of a pod's first entry.
func (r *Run) firstOf(pod string) int {
	return slices.IndexFunc(r.Entries, func(e decisions.Entry) bool { return e.Pod == pod })
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
