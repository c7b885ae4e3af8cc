package parity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Record is a verified run: the same scenario, policy and seed simulated and on
// a real control plane, and how close they are.
type Record struct {
	Scenario string  `json:"scenario"`
	Policy   string  `json:"policy"`
	Seed     uint64  `json:"seed"`
	Command  string  `json:"command"`
	Duration float64 `json:"durationSeconds"` // of the scenario
	Speed    int     `json:"speed"`
	// Nodes and Pods are the most that there were.
	Nodes int     `json:"nodes"`
	Pods  int     `json:"pods"`
	Date  string  `json:"date"`
	CPUs  int     `json:"cpus"`
	Load  float64 `json:"load"` // the machine's load average over a minute before the run; 0 where it has none
	// Versions of what ran.
	Versions map[string]string `json:"versions"`
	Lag      []string          `json:"lag"` // how well the control plane kept its times, in sentences
	// Real compares the simulation with the control plane; Again, if it ran
	// twice, the control plane with itself.
	Real  Report  `json:"simulationAndReal"`
	Again *Report `json:"realAndReal,omitempty"`
}

// Aims are what parity is to reach.
type Aims struct {
	Equal   float64 // least part of the looks with equal replicas
	Energy  float64 // largest relative difference of energy
	Latency float64 // and of the p95 latency
}

// Default aims.
var Default = Aims{Equal: 0.95, Energy: 0.01, Latency: 0.05}

// Missed says which aims a report misses; none when it meets all.
func (a Aims) Missed(r *Report) []string {
	var missed []string
	for _, t := range r.Trajectories {
		if t.Equal < a.Equal {
			missed = append(missed, fmt.Sprintf("the replicas of %s are equal at %.1f %% of the looks, not %.0f %%", t.Service, 100*t.Equal, 100*a.Equal))
		}
	}
	for _, x := range []struct {
		name, what string
		most       float64
	}{{"energy_kwh", "energy", a.Energy}, {"latency_p95_seconds", "the p95 latency", a.Latency}} {
		if m, ok := r.Metric(x.name); ok && !(max(m.Error, -m.Error) <= x.most) {
			missed = append(missed, fmt.Sprintf("%s differs by %+.2f %%, more than %.0f %%", x.what, 100*m.Error, 100*x.most))
		}
	}
	return missed
}

// File is the name of the record's file.
func (r *Record) File() string { return fmt.Sprintf("%s-%s-%d.json", r.Scenario, r.Policy, r.Seed) }

// Write writes the record into a folder, over an older one of the same run.
func (r *Record) Write(dir string) (path string, err error) {
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("write the parity of %s under %s: %w", r.Scenario, r.Policy, err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fail(err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fail(err)
	}
	path = filepath.Join(dir, r.File())
	if err := os.WriteFile(path+".tmp", b.Bytes(), 0o666); err != nil {
		return fail(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return fail(errors.Join(err, os.Remove(path+".tmp")))
	}
	return path, nil
}

// Read reads the records of a folder, by name.
func Read(dir string) ([]*Record, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read verified runs: %w", err)
	}
	var all []*Record
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read verified runs: %w", err)
		}
		r := new(Record)
		if err := json.Unmarshal(b, r); err != nil {
			return nil, fmt.Errorf("read verified runs: %s: %w", e.Name(), err)
		}
		all = append(all, r)
	}
	return all, nil
}
