package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Execute runs a program's tree of commands the way that all of kwatt's
// programs do: an error is said once, with the program's name, and leads to an
// exit code.
func Execute(env Env, root *cobra.Command) int {
	root.SilenceUsage, root.SilenceErrors = true, true
	root.SetFlagErrorFunc(flagError)
	asUsageErrors(root)
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(env.Context)
	if err != nil {
		complain(env, root.Name(), err)
	}
	return exitCode(err)
}

// flagError makes a wrong flag an error of usage.
func flagError(_ *cobra.Command, err error) error { return &codedError{exitUsage, err} }

// complain prints an error once; a list of faults stands without a prefix, so
// that editors find its file:line:col.
func complain(env Env, program string, err error) {
	text := err.Error()
	if exitCode(err) != exitInvalid {
		text = program + ": " + text
	}
	fmt.Fprintln(env.Stderr, text)
	if exitCode(err) == exitUsage && !strings.Contains(text, "--help") {
		fmt.Fprintf(env.Stderr, "%s: see %s --help\n", program, program)
	}
}

// UsageError is an error of the command line.
func UsageError(format string, args ...any) error { return usageError(format, args...) }

// FilesError is an error of reading or writing a file; nil stays nil.
func FilesError(err error) error { return filesError(err) }

// ClusterError is an error of a control plane: it does not start, or is not in
// the state that the command needs; nil stays nil.
func ClusterError(err error) error {
	if err == nil {
		return nil
	}
	return &codedError{exitCluster, err}
}

// InvalidError is an error of a scenario that the command cannot take; nil
// stays nil.
func InvalidError(err error) error {
	if err == nil {
		return nil
	}
	return &codedError{exitInvalid, err}
}

// DiffersError says that a check that was asked for failed.
func DiffersError(err error) error { return &codedError{exitDiffers, err} }

// LimitError says that a limit was hit: a result would not be what it claims to
// be; nil stays nil.
func LimitError(err error) error {
	if err == nil {
		return nil
	}
	return &codedError{exitLimit, err}
}

// Version is the version that the build gave the program.
func Version() string { return version }
