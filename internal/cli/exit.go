package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/kube/externalscaler"
	"github.com/kwatt-sim/kwatt/internal/schema"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// The exit codes.
const (
	exitOK           = 0
	exitBug          = 1   // an error of kwatt's own
	exitUsage        = 2   // unknown command, flag or argument
	exitInvalid      = 3   // invalid scenario, trace or manifest
	exitFiles        = 4   // a file could not be read or written
	exitLimit        = 5   // a limit was hit or an invariant broke
	exitCluster      = 6   // a control plane failed, or is not in the state that is needed; an external scaler failed
	exitInconclusive = 98  // a gate could not decide
	exitDiffers      = 99  // a check that was asked for failed: a gate's, or that two runs are equal
	exitInterrupted  = 130 // stopped by the user; what finished is kept
)

// codedError carries the exit code that an error leads to.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &codedError{exitUsage, fmt.Errorf(format, args...)}
}

func filesError(err error) error {
	if err == nil {
		return nil
	}
	return &codedError{exitFiles, err}
}

// exitCode finds the code of an error.
func exitCode(err error) int {
	var (
		coded     *codedError
		invalid   schema.Errors
		trace     *workload.ReadError
		invariant *engine.InvariantError
		path      *fs.PathError
		syscall   *os.SyscallError
		scaler    *externalscaler.Error
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &invalid), errors.As(err, &trace):
		return exitInvalid
	case errors.As(err, &invariant):
		return exitLimit
	case errors.As(err, &scaler):
		return exitCluster
	case errors.As(err, &path), errors.As(err, &syscall):
		return exitFiles
	}
	return exitBug
}
