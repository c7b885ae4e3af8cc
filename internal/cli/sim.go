package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	_ "github.com/kwatt-sim/kwatt/internal/policies/all" // the policies that scenarios can name
)

// version is set at link time.
var version = "unknown"

// Sim runs the command `sim` and returns its exit code.
func Sim(env Env) int { return Execute(env, simCommand(env)) }

func simCommand(env Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "sim",
		Short: "Compare scaling and scheduling policies for GPU inference on Kubernetes",
		Long: `sim replays request traces against a model of a Kubernetes GPU fleet in virtual
time and compares policies side by side: latency, utilisation, energy, cost and
CO2e. Start with

  sim init > scenario.yaml
  sim run scenario.yaml

Exit codes: 0 done, 1 bug, 2 usage, 3 invalid scenario, trace or manifest,
4 files, 5 a limit or an invariant broke, 98 a gate could not decide, 99 a check
failed, 130 interrupted.`,
		Version: fmt.Sprintf("%s %s %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddGroup(&cobra.Group{ID: "core", Title: "Simulate:"}, &cobra.Group{ID: "author", Title: "Write scenarios:"},
		&cobra.Group{ID: "measure", Title: "Measure:"}, &cobra.Group{ID: "catalogue", Title: "Look things up:"})
	add := func(group string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("core", runCommand(env), reportCommand(env), compareCommand(env), gateCommand(env), sweepCommand(env), mergeCommand(env), studyCommand(env), planCommand(env), whyCommand(env), diffCommand(env), exportCommand(env))
	add("measure", calibrateCommand(env))
	add("author", validateCommand(env), schemaCommand(env), explainCommand(env), initCommand(env))
	add("catalogue", traceCommand(env), forecastCommand(env), powerCommand(env), profileCommand(env), carbonCommand(env))
	return root
}

// asUsageErrors gives wrong arguments and unknown commands the usage exit code.
func asUsageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return &codedError{exitUsage, err}
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		asUsageErrors(c)
	}
}

// group makes a command that only holds others.
func group(use, short string, cmds ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		return usageError("%s needs a subcommand", use)
	}}
	c.AddCommand(cmds...)
	return c
}
