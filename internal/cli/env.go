// Package cli is the command line: flags, exit codes, progress. It is the only
// package of the simulator that touches the process and the wall clock.
package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// Env is all that a command sees of the process; tests make their own.
type Env struct {
	Args    []string // without the program's name
	Stdin   io.Reader
	Stdout  io.Writer // data, byte-stable
	Stderr  io.Writer // progress and diagnostics
	Getenv  func(string) string
	Now     func() time.Time
	Context context.Context // done when the user interrupts
}

// OSEnv returns the process's own Env. The first interrupt cancels its
// context, a second one kills the process as usual.
func OSEnv() Env {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Now: time.Now, Context: ctx,
	}
}

// isTerminal reports whether w is a terminal that understands control codes.
func (e Env) isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || e.Getenv("TERM") == "dumb" {
		return false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return err == nil && width > 0
}

// color reports whether w is to be coloured; mode is auto, always or never.
func (e Env) color(w io.Writer, mode string) bool {
	switch mode {
	case "always":
		return true
	case "never":
		return false
	}
	return e.isTerminal(w) && e.Getenv("NO_COLOR") == ""
}
