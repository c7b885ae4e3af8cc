package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
)

// commandLoad is a user's command as a load: one process for each state.
type commandLoad struct {
	command string
	device  string // UUID
	warmup  time.Duration
	log     string // file of what the command prints
	clock   calibrate.Clock

	cmd    *exec.Cmd // nil while none runs
	output *os.File
	ended  chan struct{}
	result error // how it ended, once ended is closed
}

// Open starts the command idle, if it can be told to be.
func (l *commandLoad) Open(ctx context.Context) error {
	if !strings.Contains(l.command, "{duty}") {
		return nil
	}
	return l.run(ctx, calibrate.Work{Duty: 0, Batch: 1})
}

// Start starts the command in place of the one that runs.
func (l *commandLoad) Start(ctx context.Context, w calibrate.Work) error {
	if err := l.end(); err != nil {
		return err
	}
	return l.run(ctx, w)
}

// run starts the command and gives it its time to warm up.
func (l *commandLoad) run(ctx context.Context, w calibrate.Work) error {
	text := strings.NewReplacer("{duty}", strconv.FormatFloat(w.Duty, 'g', -1, 64), "{batch}", strconv.Itoa(w.Batch), "{device}", l.device).Replace(l.command)
	var err error
	if l.output, err = os.OpenFile(l.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666); err != nil {
		return fmt.Errorf("write what the load prints: %w", err)
	}
	fmt.Fprintf(l.output, "$ %s\n", text)
	cmd := exec.Command("sh", "-c", text)
	cmd.Env = append(os.Environ(), visible(l.device))
	cmd.Stdout, cmd.Stderr = l.output, l.output
	apart(cmd)
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("start the load: %w", err), l.output.Close())
	}
	l.cmd, l.ended, l.result = cmd, make(chan struct{}), nil
	go func(ended chan<- struct{}) {
		l.result = cmd.Wait()
		close(ended)
	}(l.ended)
	const look = 100 * time.Millisecond
	for left := l.warmup; left > 0; left -= look {
		if err := l.clock.Sleep(ctx, min(look, left)); err != nil {
			return err
		}
		if err := l.Alive(); err != nil {
			return err
		}
	}
	return nil
}

// Alive returns an error once the command has ended.
func (l *commandLoad) Alive() error {
	if l.cmd == nil {
		return nil
	}
	select {
	case <-l.ended:
		why := "it exited without an error"
		if l.result != nil {
			why = l.result.Error()
		}
		return fmt.Errorf("%q: %s; see %s", l.command, why, l.log)
	default:
		return nil
	}
}

// Stop ends the command.
func (l *commandLoad) Stop() (calibrate.Done, error) { return calibrate.Done{}, l.end() }

// Close ends the command.
func (l *commandLoad) Close() error { return l.end() }

// grace is how long the command may take to end before it is killed.
const grace = 500 * time.Millisecond

// end asks the command's processes to end, and then makes them.
func (l *commandLoad) end() error {
	if l.cmd == nil {
		return nil
	}
	cmd := l.cmd
	l.cmd = nil
	terminate(cmd)
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-l.ended:
	case <-t.C:
	}
	kill(cmd) // also those that outlived the shell
	<-l.ended
	return l.output.Close()
}
