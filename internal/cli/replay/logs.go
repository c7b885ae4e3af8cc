package replay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/cli"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
)

// followPeriod is how often followed logs are looked at.
const followPeriod = 200 * time.Millisecond

func logsCommand(env cli.Env) *cobra.Command {
	var t target
	var follow bool
	c := &cobra.Command{
		Use:   "logs [COMPONENT]",
		Short: "Print the log of a component, or of all, each line with the component's name",
		Args:  cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
			for _, name := range controlplane.Components() {
				names = append(names, string(name))
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			components := controlplane.Components()
			if len(args) == 1 {
				one, err := controlplane.ParseComponent(args[0])
				if err != nil {
					return cli.UsageError("%w", err)
				}
				components = []controlplane.Component{one}
			}
			c, err := t.open()
			if err != nil {
				return err
			}
			return printLogs(env, c, components, follow)
		},
	}
	t.flags(c)
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on until interrupted or the cluster is gone")
	return c
}

// logTail is a log that is being read.
type logTail struct {
	prefix string
	file   *os.File
	lines  *bufio.Reader
	part   []byte // of a line whose end is not written yet
}

func printLogs(env cli.Env, c *controlplane.Cluster, components []controlplane.Component, follow bool) error {
	var tails []*logTail
	defer func() {
		for _, t := range tails {
			_ = t.file.Close()
		}
	}()
	for _, name := range components {
		f, err := os.Open(c.LogFile(name))
		if errors.Is(err, fs.ErrNotExist) && len(components) > 1 {
			continue // it has not started
		}
		if err != nil {
			return cli.FilesError(err)
		}
		t := &logTail{file: f, lines: bufio.NewReader(f)}
		if len(components) > 1 {
			t.prefix = string(name) + ": "
		}
		tails = append(tails, t)
	}
	for {
		for _, t := range tails {
			if err := t.print(env.Stdout, !follow); err != nil {
				return cli.FilesError(err)
			}
		}
		if _, err := os.Stat(c.Dir()); !follow || err != nil {
			return nil
		}
		select {
		case <-env.Context.Done():
			return env.Context.Err()
		case <-time.After(followPeriod):
		}
	}
}

// print writes the lines that have come; with last, also one without an end.
func (t *logTail) print(w io.Writer, last bool) error {
	for {
		line, err := t.lines.ReadBytes('\n')
		t.part = append(t.part, line...)
		switch {
		case err == nil, errors.Is(err, io.EOF) && last && len(t.part) > 0:
			end := ""
			if err != nil {
				end = "\n"
			}
			if _, err := fmt.Fprintf(w, "%s%s%s", t.prefix, t.part, end); err != nil {
				return err
			}
			t.part = t.part[:0]
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
	}
}
