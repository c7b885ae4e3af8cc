package replay

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/cli"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
)

func downCommand(env cli.Env) *cobra.Command {
	var t target
	c := &cobra.Command{
		Use:   "down",
		Short: "End a control plane and remove its folder",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := t.open()
			if errors.Is(err, controlplane.ErrNotFound) {
				fmt.Fprintln(env.Stderr, err)
				return nil
			}
			if err != nil {
				return err
			}
			if err := c.Down(env.Context); err != nil {
				return cli.ClusterError(err)
			}
			fmt.Fprintf(env.Stderr, "cluster %s is gone\n", c.Name())
			return nil
		},
	}
	t.flags(c)
	return c
}

func statusCommand(env cli.Env) *cobra.Command {
	var t target
	var output string
	c := &cobra.Command{
		Use:   "status",
		Short: "Say how a control plane is; exit code 6 if it is not well",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if output != "text" && output != "json" {
				return cli.UsageError("-o %s: want text or json", output)
			}
			c, err := t.open()
			if err != nil {
				return err
			}
			st, err := c.Status(env.Context)
			if err != nil {
				return cli.ClusterError(err)
			}
			if output == "json" {
				err = writeJSON(env.Stdout, st)
			} else {
				err = printStatus(env, st)
			}
			if err == nil && !st.Healthy() {
				err = cli.ClusterError(fmt.Errorf("cluster %s is not well", st.Name))
			}
			return err
		},
	}
	t.flags(c)
	c.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return c
}

func printStatus(env cli.Env, st *controlplane.Status) error {
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "cluster\t%s, %s\n", st.Name, st.Phase)
	if st.Failure != "" {
		fmt.Fprintf(w, "failure\t%s\n", st.Failure)
	}
	fmt.Fprintf(w, "server\t%s\nfolder\t%s\n", st.Server, st.Dir)
	fmt.Fprintf(w, "version\tkwatt %s, Kubernetes %s, sha256 %.12s\n", st.Version.Kwatt, st.Version.Kubernetes, st.Version.SHA256)
	if st.OtherBinary {
		fmt.Fprintf(w, "\tstarted by another binary than this: %s\n", st.Version.Binary)
	}
	fmt.Fprintf(w, "launcher\tpid %d, %s\n\n", st.LauncherPID, mebibytes(st.LauncherRSSBytes))
	if err := w.Flush(); err != nil {
		return cli.FilesError(err)
	}
	fmt.Fprintln(w, "COMPONENT\tHEALTH\tPID\tPORTS\tRSS\tCPU\tAGE\tREADY AFTER\tRESTARTS")
	for _, c := range st.Components {
		health := "ok"
		if !c.Healthy {
			health = c.Problem
		}
		ports := make([]string, len(c.Ports))
		for i, p := range c.Ports {
			ports[i] = strconv.Itoa(p)
		}
		age := time.Duration(c.AgeSeconds * float64(time.Second)).Round(time.Second)
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%.1f s\t%v\t%.1f s\t%d\n", c.Name, health, c.PID, strings.Join(ports, ","), mebibytes(c.RSSBytes), c.CPUSeconds, age, c.ReadySeconds, c.Restarts)
	}
	if len(st.Exits) > 0 {
		fmt.Fprintln(w)
	}
	for _, e := range st.Exits {
		fmt.Fprintf(w, "%s  %s\n", e.At.Format(time.DateTime), e)
	}
	return cli.FilesError(w.Flush())
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

func listCommand(env cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the control planes by name",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			clusters, err := controlplane.List()
			if err != nil {
				return cli.FilesError(err)
			}
			w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
			for _, c := range clusters {
				phase := "unknown: "
				st, err := c.Status(env.Context)
				if err != nil {
					phase += err.Error()
				} else {
					phase = string(st.Phase)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", c.Name(), phase, c.Dir())
			}
			return cli.FilesError(w.Flush())
		},
	}
}
