package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
	"github.com/kwatt-sim/kwatt/internal/calibrate/loadgen"
	"github.com/kwatt-sim/kwatt/internal/nvml/cuda"
)

// workerCommand is the load process that `sim calibrate` starts. It is told
// what to do on its standard input.
func workerCommand(env Env) *cobra.Command {
	var saturating int
	c := &cobra.Command{
		Use:    "worker",
		Short:  "The load process of sim calibrate",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return filesError(loadgen.Serve(env.Stdin, env.Stdout, cuda.Open, saturating, wallClock{}))
		},
	}
	c.Flags().IntVar(&saturating, "saturate", calibrate.Saturating, "the batch-like size whose blocks fill the GPU once")
	return c
}

// workerLoad is the builtin load: this very program as a process of its own.
func workerLoad(id calibrate.Identity, saturating int) calibrate.Load {
	return &loadgen.Client{Launch: func() (*loadgen.Process, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd := exec.Command(self, "calibrate", "worker", "--saturate", fmt.Sprint(saturating))
		cmd.Env = append(os.Environ(), visible(id.UUID))
		return launch(cmd)
	}}
}

// visible makes a GPU the only one that a process sees, whatever its index is
// for CUDA.
func visible(uuid string) string { return "CUDA_VISIBLE_DEVICES=" + uuid }

// launch starts a load process in a group of its own, so that an interrupt from
// the terminal reaches only this program.
func launch(cmd *exec.Cmd) (*loadgen.Process, error) {
	apart(cmd)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &loadgen.Process{
		In: in, Out: out,
		Kill: func() { _ = cmd.Process.Kill() }, // it may be gone already
		Wait: sync.OnceValue(func() error {
			err := cmd.Wait()
			if said := strings.TrimSpace(complaint.String()); said != "" {
				err = errors.Join(err, errors.New(said))
			}
			return err
		}),
	}, nil
}
