package sweep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// IncompleteError says that runs are missing.
type IncompleteError struct {
	Missing, All int
	First        string // the first that is missing
}

func (e *IncompleteError) Error() string {
	return fmt.Sprintf("%d of %d runs are missing, the first %s", e.Missing, e.All, e.First)
}

// ErrContradiction says that two stores hold different figures of one run.
var ErrContradiction = errors.New("the same run has different figures in two stores")

// Join takes the runs of stores of one sweep together. A run that several hold
// counts once. An *IncompleteError error says which are missing.
func Join(stores []*Store) (Plan, map[Unit]*results.Run, []string, error) {
	first := stores[0]
	runs := map[Unit]*results.Run{}
	from := map[Unit]*Store{}
	var warnings []string
	for _, s := range stores {
		switch {
		case !reflect.DeepEqual(s.Plan, first.Plan):
			return Plan{}, nil, nil, fmt.Errorf("%s and %s hold runs of different sweeps", first.dir, s.dir)
		case s.binary != first.binary:
			return Plan{}, nil, nil, fmt.Errorf("%s and %s were run by different builds of kwatt: run one of them again", first.dir, s.dir)
		}
		more, faults := s.Load()
		warnings = append(warnings, faults...)
		for u, r := range more {
			before, ok := runs[u]
			if ok && !sameFigures(before, r) {
				return Plan{}, nil, nil, fmt.Errorf("%w: %s and %s, %s", ErrContradiction, from[u].dir, s.dir, first.Plan.name(u))
			}
			runs[u], from[u] = r, s
		}
	}
	return first.Plan, runs, warnings, first.Plan.complete(runs)
}

// complete is an *IncompleteError unless every run is there.
func (p *Plan) complete(runs map[Unit]*results.Run) error {
	e := IncompleteError{}
	for _, u := range p.Units() {
		e.All++
		if runs[u] != nil {
			continue
		}
		if e.Missing++; e.Missing == 1 {
			e.First = p.name(u)
		}
	}
	if e.Missing > 0 {
		return &e
	}
	return nil
}

func (p *Plan) name(u Unit) string {
	return fmt.Sprintf("%s, policy %s, seed %d", p.Describe(u.Point), u.Policy, u.Seed)
}

// sameFigures compares to the last bit.
func sameFigures(a, b *results.Run) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(x, y)
}
