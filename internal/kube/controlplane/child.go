package controlplane

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// child is a component's process that we started.
type child struct {
	name    Component
	process process
	cmd     *exec.Cmd
	asked   atomic.Bool   // its end was asked for
	ended   chan struct{} // closed when it has ended and been waited for
}

// startChild starts a program, by default this one anew, as a component of the
// folder. Its output
// goes to the log, behind a line that says so.
func startChild(c Component, l layout, program string, args, env []string, lifeline *os.File) (*child, error) {
	log, err := os.OpenFile(l.log(c), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c, err)
	}
	defer func() { _ = log.Close() }() // the child has its own
	fmt.Fprintf(log, "--- %s starts at %s\n", c, time.Now().Format(time.RFC3339Nano))
	path := program
	if program == "" {
		path = selfExe
		if program, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("start %s: %w", c, err)
		}
	}
	cmd := &exec.Cmd{
		Path: path, Args: append([]string{program}, args...), Env: env, Dir: string(l),
		Stdout: log, Stderr: log, ExtraFiles: []*os.File{lifeline},
		// An interrupt of the terminal is for the launcher, which knows the order in which to stop.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c, err)
	}
	ch := &child{name: c, cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in its state
		close(ch.ended)
	}()
	if ch.process, err = ch.identify(); err != nil {
		ch.stop(0)
		return nil, fmt.Errorf("start %s: %w", c, err)
	}
	return ch, nil
}

// identify describes the new process. For a moment after it was started, the
// kernel does not show its arguments yet.
func (ch *child) identify() (process, error) {
	for {
		p, err := identify(ch.cmd.Process.Pid)
		switch {
		case errors.Is(err, os.ErrNotExist): // it has ended already
			return process{PID: ch.cmd.Process.Pid, Args: ch.cmd.Args}, nil
		case err != nil || slices.Equal(p.Args, ch.cmd.Args):
			return p, err
		}
		select {
		case <-ch.ended:
		case <-time.After(time.Millisecond):
		}
	}
}

// alive reports whether the process has not ended.
func (ch *child) alive() bool {
	select {
	case <-ch.ended:
		return false
	default:
		return true
	}
}

// stop ends the process, by force when the grace is over, and waits for it.
func (ch *child) stop(grace time.Duration) {
	ch.asked.Store(true)
	if grace > 0 {
		_ = ch.cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended
		select {
		case <-ch.ended:
			return
		case <-time.After(grace):
		}
	}
	_ = ch.cmd.Process.Kill()
	<-ch.ended
}

// status says how the process ended.
func (ch *child) status() string {
	<-ch.ended
	status, ok := ch.cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case !ok:
		return ch.cmd.ProcessState.String()
	case status.Signaled():
		return "signal " + status.Signal().String()
	default:
		return fmt.Sprintf("exit code %d", status.ExitStatus())
	}
}

// tailLength is how many last lines of a log tell why a component ended.
const tailLength = 8

// tailLines returns the last lines of a file, without its trailing newline.
func tailLines(path string, n int) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	const window = 1 << 16
	buf := make([]byte, min(info.Size(), window))
	read, err := f.ReadAt(buf, info.Size()-int64(len(buf)))
	if err != nil && read == 0 {
		return nil
	}
	lines := strings.Split(strings.TrimRight(string(buf[:read]), "\n"), "\n")
	return lines[max(0, len(lines)-n):]
}
