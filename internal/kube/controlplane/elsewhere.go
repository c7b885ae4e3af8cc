package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// verdict is what a launcher process reports of its start.
type verdict struct {
	Error string `json:"error,omitempty"`
}

// UpDetached is Up in a process of its own, which holds the cluster until it is
// taken down; the caller may end.
func UpDetached(ctx context.Context, cfg Config) (*Cluster, error) {
	cfg, l, err := prepare(cfg)
	if err != nil {
		return nil, err
	}
	input, err := json.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("start a control plane: %w", err)
	}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start a control plane: %w", err)
	}
	var complaint bytes.Buffer
	report, reportEnd, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start a control plane: %w", err)
	}
	defer func() { _ = report.Close() }()
	cmd := &exec.Cmd{
		Path: selfExe, Args: append([]string{program}, reexecFor(launcherRole, l, nil)...), Env: os.Environ(), Dir: "/",
		Stdin: bytes.NewReader(input), Stderr: &complaint, ExtraFiles: []*os.File{reportEnd},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	err = cmd.Start()
	_ = reportEnd.Close()
	if err != nil {
		return nil, fmt.Errorf("start a control plane: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	var v verdict
	if err := json.NewDecoder(report).Decode(&v); err != nil {
		_ = cmd.Wait() // without a verdict it has ended
		return nil, fmt.Errorf("start a control plane: its launcher died: %s\n%s", cmd.ProcessState, complaint.String())
	}
	if v.Error != "" {
		_ = cmd.Wait()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, errors.New(v.Error)
	}
	go func() { _ = cmd.Wait() }() // so that it leaves no zombie if it ends before us
	return Open(string(l))
}

// runLauncher is the main function of a launcher process.
func runLauncher(string) int {
	report := os.NewFile(lifelineFD, "report")
	syscall.CloseOnExec(lifelineFD)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	n, err := launchFromInput(signals)
	if err != nil {
		_ = json.NewEncoder(report).Encode(verdict{Error: err.Error()})
		return 1
	}
	_ = json.NewEncoder(report).Encode(verdict{})
	_ = report.Close()
	for s := range signals {
		if s == syscall.SIGHUP {
			n.reviveAll()
			continue
		}
		if err := n.down(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	return 0
}

// launchFromInput starts the cluster whose Config is on stdin. A signal ends
// the start.
func launchFromInput(signals chan os.Signal) (*launcher, error) {
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's configuration: %w", err)
	}
	var cfg Config
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&cfg); err != nil {
		return nil, fmt.Errorf("read the cluster's configuration: %w", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	started := make(chan struct{})
	go func() {
		select {
		case s := <-signals:
			cancel(fmt.Errorf("%w by signal %v", context.Canceled, s))
		case <-started:
		}
	}()
	n, err := launch(ctx, cfg, true)
	close(started)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(n.l.log(launcherRole), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		err = redirectOutput(log)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the launcher's log: %w", err), n.down())
	}
	return n, nil
}

// restartElsewhere has the launcher's process restart a component: it ends it
// and, should the launcher leave it down, tells that to start what is down.
func (c *Cluster) restartElsewhere(ctx context.Context, component Component) error {
	s, err := readState(c.l)
	if err != nil {
		return err
	}
	if !s.Launcher.running() {
		return errors.New("its launcher is gone")
	}
	if !s.Detached {
		return fmt.Errorf("process %d (%s) holds the cluster and takes no requests", s.Launcher.PID, strings.Join(s.Launcher.Args, " "))
	}
	before := s.member(component).Process
	if err := before.signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if left := awaitEnd([]process{before}, stopGrace); len(left) > 0 {
		if err := before.signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
	}
	told := false
	for {
		if s, err = readState(c.l); err != nil {
			return err
		}
		switch m := s.member(component); {
		case m.Process.PID != before.PID || m.Process.Start != before.Start:
			if m.Ready > 0 {
				return nil
			}
		case m.Down && !told:
			if err := s.Launcher.signal(syscall.SIGHUP); err != nil {
				return fmt.Errorf("tell the launcher: %w", err)
			}
			told = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(probePeriod):
		}
	}
}

// downPatience is how long a launcher may take to end its cluster: the
// components' grace, three times over, and some.
const downPatience = 3*stopGrace + 15*time.Second

// downElsewhere ends a cluster that this process does not hold.
func (c *Cluster) downElsewhere(ctx context.Context) error {
	deadline := time.Now().Add(downPatience)
	var holder process // once it has been told
	for {
		lock, ok, err := lockDir(c.l)
		if errors.Is(err, os.ErrNotExist) { // the launcher has removed the folder
			ok, err = true, nil
		}
		if err != nil {
			return err
		}
		if ok {
			awaitEnd([]process{holder}, killPatience)
			if lock == nil {
				return nil
			}
			return errors.Join(clearStale(c.l), c.l.clear(), lock.Close())
		}
		switch {
		case holder.PID == 0:
			if holder, err = c.holder(); err == nil {
				err = holder.signal(syscall.SIGTERM)
			}
		case time.Now().After(deadline): // it hangs; its components end with it
			err = holder.signal(syscall.SIGKILL)
		}
		if err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("end the launcher: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(probePeriod):
		}
	}
}

// holder is the launcher process that holds the folder.
func (c *Cluster) holder() (process, error) {
	if s, err := readState(c.l); err == nil && s.Launcher.running() {
		if !s.Detached {
			return process{}, fmt.Errorf("process %d (%s) holds cluster %s and takes it down when it ends: end that one",
				s.Launcher.PID, strings.Join(s.Launcher.Args, " "), s.Name)
		}
		return s.Launcher, nil
	}
	// Its state cannot be read, or not yet: go by the arguments.
	all, err := processesOf(c.l)
	if err != nil {
		return process{}, err
	}
	for _, p := range all {
		if p.role() == launcherRole {
			return p, nil
		}
	}
	return process{}, nil // it may just have ended: signals to nobody do nothing
}
