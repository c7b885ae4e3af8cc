package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Status is how a cluster is.
type Status struct {
	Name  string `json:"name"`
	Dir   string `json:"dir"`
	Phase Phase  `json:"phase"`
	// Failure says why a cluster did not start.
	Failure string `json:"failure,omitempty"`
	// Server is the API server's URL.
	Server  string  `json:"server,omitempty"`
	Version Version `json:"version"`
	// OtherBinary reports that another binary than this one started the cluster.
	OtherBinary bool `json:"otherBinary"`
	// Detached reports that the launcher is a process of its own.
	Detached         bool              `json:"detached"`
	LauncherPID      int               `json:"launcherPID"`
	LauncherRSSBytes int64             `json:"launcherRSSBytes"`
	Created          time.Time         `json:"created"`
	ReadySeconds     float64           `json:"readySeconds,omitempty"` // from created until all was ready
	Components       []ComponentStatus `json:"components"`
	// Exits that nobody had asked for, the last ones.
	Exits []Exit `json:"exits"`
}

// ComponentStatus is how a component is.
type ComponentStatus struct {
	Name    Component `json:"name"`
	Running bool      `json:"running"`
	// Healthy is what the component says of itself when asked; Problem says why
	// it is not.
	Healthy      bool    `json:"healthy"`
	Problem      string  `json:"problem,omitempty"`
	PID          int     `json:"pid,omitempty"`
	Ports        []int   `json:"ports"`
	RSSBytes     int64   `json:"rssBytes"`
	CPUSeconds   float64 `json:"cpuSeconds"`
	AgeSeconds   float64 `json:"ageSeconds"`
	ReadySeconds float64 `json:"readySeconds,omitempty"` // from its start until it was ready
	Restarts     int     `json:"restarts"`
}

// Healthy reports whether the cluster is up and each component says it is well.
func (s *Status) Healthy() bool {
	return s.Phase == PhaseUp && len(s.Components) == len(Components()) &&
		!slices.ContainsFunc(s.Components, func(c ComponentStatus) bool { return !c.Healthy })
}

// Component finds a component's status.
func (s *Status) Component(name Component) ComponentStatus {
	if i := slices.IndexFunc(s.Components, func(c ComponentStatus) bool { return c.Name == name }); i >= 0 {
		return s.Components[i]
	}
	return ComponentStatus{Name: name, Problem: "never started"}
}

// Status looks at the processes and asks each component how it is.
func (c *Cluster) Status(ctx context.Context) (*Status, error) {
	s, err := readState(c.l)
	if err != nil {
		if errors.Is(err, errNoState) {
			return nil, fmt.Errorf("%w: %s", ErrNotFound, c.l)
		}
		return nil, err
	}
	st := &Status{
		Name: s.Name, Dir: string(c.l), Phase: s.Phase, Failure: s.Failure, Version: s.Version, Detached: s.Detached,
		LauncherPID: s.Launcher.PID, Created: s.Created, ReadySeconds: s.Ready, Exits: s.Exits,
	}
	var other *VersionError
	if err := s.checkBinary(c.l); errors.As(err, &other) {
		st.OtherBinary = true
	} else if err != nil {
		return nil, err
	}
	if s.Launcher.running() {
		st.LauncherRSSBytes = s.Launcher.rss()
	} else if s.Phase != PhaseFailed {
		st.Phase = PhaseGone
	}
	if port := s.member(APIServer).Port; port != 0 {
		st.Server = loopbackURL(port)
	}
	st.Components = make([]ComponentStatus, len(Components()))
	prober, proberErr := newProber(c.l)
	var wg sync.WaitGroup
	for i, name := range Components() {
		m := *s.member(name)
		wg.Go(func() { st.Components[i] = statusOf(ctx, m, prober, proberErr) })
	}
	wg.Wait()
	return st, nil
}

func statusOf(ctx context.Context, m member, prober *prober, proberErr error) ComponentStatus {
	st := ComponentStatus{Name: m.Name, ReadySeconds: m.Ready, Restarts: m.Restarts, Ports: []int{}}
	for _, port := range []int{m.Port, m.PeerPort} {
		if port != 0 {
			st.Ports = append(st.Ports, port)
		}
	}
	switch {
	case m.Process.PID == 0:
		st.Problem = "never started"
		return st
	case !m.Process.running():
		st.Problem = "not running"
		return st
	}
	st.Running, st.PID, st.RSSBytes = true, m.Process.PID, m.Process.rss()
	st.AgeSeconds, st.CPUSeconds = m.Process.age().Seconds(), m.Process.cpu().Seconds()
	err := proberErr
	if err == nil {
		err = prober.ready(ctx, m.Name, m.Port)
	}
	if st.Healthy = err == nil; !st.Healthy {
		st.Problem = err.Error()
	}
	return st
}

// List returns the clusters in StateDir by name, dead ones too.
func List() ([]*Cluster, error) {
	base, err := StateDir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(base)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list clusters: %w", err)
	}
	var list []*Cluster
	for _, e := range entries {
		c, err := Open(filepath.Join(base, e.Name()))
		if err == nil {
			list = append(list, c)
		}
	}
	return list, nil
}
