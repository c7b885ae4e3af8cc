package hpatest

import (
	"fmt"
	"reflect"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// Mismatch is where a scaler parts from the upstream controller.
type Mismatch struct {
	Seed        uint64
	Step        int // index of the reconcile in its trace
	Config      string
	Observation policies.Observation
	Decision    policies.Decision
	Diff        string // of the outcomes: - is upstream's, + the scaler's
}

// Compare feeds a scaler the observations of a trace and returns the first
// mismatch, nil for none.
func Compare(s policies.Scaler, t Trace) *Mismatch {
	var before Outcome
	for i, step := range t.Steps {
		d := s.Decide(step.Observation)
		ours := predict(t.Setup.Object, before, step.Observation.Desired, d)
		if !reflect.DeepEqual(step.Outcome, ours) {
			return &Mismatch{Seed: t.Seed, Step: i, Config: t.Setup.Config, Observation: step.Observation, Decision: d, Diff: cmp.Diff(step.Outcome, ours)}
		}
		before = step.Outcome
	}
	return nil
}

// String implements fmt.Stringer.
func (m *Mismatch) String() string {
	o := m.Observation
	text := fmt.Sprintf("seed %d, reconcile %d, at %v with %d replicas asked for and %d draining\n%s\nscaler: %s\ndecision: %+v\nvalid %t, scraped at %v, window %v, %g req/s, %+v\n",
		m.Seed, m.Step, o.Now, o.Desired, o.Draining, m.Diff, m.Config, m.Decision, o.Valid, o.At, o.Window, o.ArrivalRate, o.Latency)
	for _, p := range o.Pods {
		text += fmt.Sprintf("%+v\n", p)
	}
	return text
}
