package controlplane

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// stateSchema of state.json. Who finds another one can still end the cluster: its
// processes are recognised without it.
const stateSchema = 1

// process is a process by all that tells it from others with its number.
type process struct {
	PID   int      `json:"pid"`
	Start uint64   `json:"start"` // in clock ticks since the machine started
	Boot  string   `json:"boot"`
	Args  []string `json:"args"`
}

// Phase is where a cluster is in its life.
type Phase string

// The phases of a cluster.
const (
	PhaseStarting Phase = "starting"
	PhaseUp       Phase = "up"
	PhaseStopping Phase = "stopping"
	PhaseFailed   Phase = "failed" // it did not start; its logs are kept
	PhaseGone     Phase = "gone"   // its launcher ended without taking it down
)

// Exit is the end of a component that nobody had asked for.
type Exit struct {
	Component Component `json:"component"`
	At        time.Time `json:"at"`
	// Status says how: an exit code or a signal.
	Status string `json:"status"`
	// LastLines of its log.
	LastLines []string `json:"lastLines,omitempty"`
	// Restarted reports whether the launcher will start it again.
	Restarted bool `json:"restarted"`
}

// String is one line about the exit.
func (e Exit) String() string {
	s := fmt.Sprintf("%s ended: %s", e.Component, e.Status)
	if n := len(e.LastLines); n > 0 {
		s += ": " + e.LastLines[n-1]
	}
	return s
}

// member is what the state says of a component.
type member struct {
	Name     Component `json:"name"`
	Process  process   `json:"process"` // of a component that is down: its last one
	Down     bool      `json:"down,omitempty"`
	Port     int       `json:"port,omitempty"`
	PeerPort int       `json:"peerPort,omitempty"` // of etcd
	Started  time.Time `json:"started"`
	Ready    float64   `json:"readySeconds,omitempty"` // from its start
	Restarts int       `json:"restarts,omitempty"`
}

// state is all that others need to know of a cluster.
type state struct {
	Schema   int       `json:"schema"`
	Name     string    `json:"name"`
	Version  Version   `json:"version"`
	Launcher process   `json:"launcher"`
	Detached bool      `json:"detached"` // the launcher is a process of its own
	Phase    Phase     `json:"phase"`
	Failure  string    `json:"failure,omitempty"`
	Created  time.Time `json:"created"`
	Ready    float64   `json:"readySeconds,omitempty"` // from Created
	Members  []member  `json:"components"`
	Exits    []Exit    `json:"exits,omitempty"`
}

// keptExits bounds the exits that a state holds; the last ones count.
const keptExits = 100

func (s *state) member(c Component) *member {
	if i := slices.IndexFunc(s.Members, func(m member) bool { return m.Name == c }); i >= 0 {
		return &s.Members[i]
	}
	s.Members = append(s.Members, member{Name: c, Down: true})
	return &s.Members[len(s.Members)-1]
}

// write replaces the state file in one step.
func (s *state) write(l layout) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write the cluster's state: %w", err)
	}
	f, err := os.CreateTemp(string(l), stateFile+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the cluster's state: %w", err)
	}
	_, err = f.Write(append(data, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), l.path(stateFile))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write the cluster's state: %w", err)
	}
	return nil
}

// errNoState says that the folder holds no cluster.
var errNoState = errors.New("no cluster")

func readState(l layout) (*state, error) {
	data, err := os.ReadFile(l.path(stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoState
	}
	if err != nil {
		return nil, fmt.Errorf("read the cluster's state: %w", err)
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("read the cluster's state: %s: %w; `replay down` clears it", l.path(stateFile), err)
	}
	if s.Schema != stateSchema {
		return nil, fmt.Errorf("read the cluster's state: %s has schema %d, this program knows %d; `replay down` clears it", l.path(stateFile), s.Schema, stateSchema)
	}
	return &s, nil
}
