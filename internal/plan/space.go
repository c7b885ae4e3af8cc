package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/sweep"
)

// Candidate is a policy at a point of the axes.
type Candidate struct {
	Policy  string
	Values  []string // of the axes' paths; nil for the scenario as it is written
	Written bool     // it is the scenario as it is written
}

// Space is the candidates, and where their runs are kept: in sweeps over the axes
// and over none, of the whole window and of the screening window.
type Space struct {
	Parameters []string // the paths of the axes
	Candidates []Candidate
	Sweeps     []*sweep.Sweep // written, grid; with screening also both of its window
	at         []place
}

// place is where a candidate stands in the sweeps.
type place struct{ sweep, point int }

// NewSpace makes the candidates: every policy of the scenario as it is written, and at
// every point of the axes; those that come to the same scenario are one. part are the
// overrides that cut the screening window out, nil for none.
func NewSpace(load sweep.Loader, axes []sweep.Axis, policies []string, seeds scenario.Seeds, part []scenario.Override) (*Space, error) {
	for _, a := range axes {
		for _, p := range a.Paths {
			if what := worldly(p); what != "" {
				return nil, fmt.Errorf("path %s: %s is the task, not a choice: candidates with different ones do not compare", p, what)
			}
		}
	}
	s := &Space{}
	loaders := []sweep.Loader{load}
	if part != nil {
		loaders = append(loaders, func(point []scenario.Override) (*scenario.File, error) {
			return load(append(point[:len(point):len(point)], part...))
		})
	}
	for _, l := range loaders {
		for _, over := range [][]sweep.Axis{nil, axes} {
			w, err := sweep.New(l, over, policies, &seeds)
			if err != nil {
				return nil, err
			}
			s.Sweeps = append(s.Sweeps, w)
		}
	}
	s.Parameters = s.Sweeps[1].Parameters
	return s, s.collect()
}

// worldly names what a path changes of the task itself, "" when it does not.
func worldly(path string) string {
	switch {
	case path == "spec.duration":
		return "the window"
	case strings.HasPrefix(path, "spec.services[") && strings.Contains(path, "].workload"):
		return "the load"
	case strings.HasPrefix(path, "spec.services[") && strings.Contains(path, "].slo"):
		return "the SLO"
	}
	return ""
}

// collect makes the candidates of the first two sweeps.
func (s *Space) collect() error {
	seen := map[string]bool{}
	for k, w := range s.Sweeps[:2] {
		for i, point := range w.Points {
			for _, policy := range w.Policies {
				f, err := s.file(k, i, policy)
				if err != nil {
					return err
				}
				effective, err := f.Effective()
				if err != nil {
					return err
				}
				if id := string(effective) + f.Digest(); !seen[id] {
					seen[id] = true
					s.Candidates = append(s.Candidates, Candidate{policy, point.Values, k == 0})
					s.at = append(s.at, place{k, i})
				}
			}
		}
	}
	return nil
}

// file is a point of a sweep with one policy alone.
func (s *Space) file(sweep, point int, policy string) (*scenario.File, error) {
	f, err := s.Sweeps[sweep].File(point)
	if err != nil {
		return nil, err
	}
	return f, f.Choose([]string{policy})
}

// File is the scenario that a trial runs.
func (s *Space) File(t Trial) (*scenario.File, error) {
	w, u := s.Unit(t)
	return s.file(w, u.Point, u.Policy)
}

// Unit is a trial among the runs of the sweep with that index.
func (s *Space) Unit(t Trial) (sweepIndex int, u sweep.Unit) {
	at := s.at[t.Candidate]
	if t.Short {
		at.sweep += 2
	}
	return at.sweep, sweep.Unit{Point: at.point, Policy: s.Candidates[t.Candidate].Policy, Seed: t.Seed}
}

// Written are the candidates that are the scenario as it is written.
func (s *Space) Written() []int {
	var out []int
	for i, c := range s.Candidates {
		if c.Written {
			out = append(out, i)
		}
	}
	return out
}

// ID names all runs that the space can have.
func (s *Space) ID() string {
	h := sha256.New()
	for _, w := range s.Sweeps {
		fmt.Fprintln(h, w.ID)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// Part are the overrides that cut a part of the window out of a scenario, its load
// and its dates unchanged. ok is false for a scenario with events, whose times are
// counted from the window's start.
func (s *Screen) Part(f *scenario.File) (part []scenario.Override, ok bool) {
	part = []scenario.Override{{Path: "spec.duration", Value: s.Length.String()}}
	for i, svc := range f.Scenario.Spec.Services {
		path := "spec.services[" + svc.Name + "].workload."
		if len(svc.Workload.Events) > 0 {
			return nil, false
		}
		curve := f.Curves[i]
		if f.Traces[i] != nil {
			part = append(part, scenario.Override{Path: path + "trace.start", Value: curve.Start.Add(s.From).Format("2006-01-02T15:04:05.999999999Z07:00")})
		}
		if svc.Workload.Scale != nil && svc.Workload.Scale.Peak != nil {
			// The part's own peak may be another than the window's.
			part = append(part, scenario.Override{Path: path + "scale", Value: fmt.Sprintf("{factor: %v}", curve.Scale)})
		}
	}
	return part, true
}
