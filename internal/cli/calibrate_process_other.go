//go:build !unix

package cli

import "os/exec"

// apart does nothing here: there are no process groups.
func apart(*exec.Cmd) {}

// terminate ends the process.
func terminate(cmd *exec.Cmd) { kill(cmd) }

// kill ends the process.
func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
