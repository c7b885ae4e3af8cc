// Command sim simulates and compares scaling and scheduling policies for GPU
// inference on Kubernetes; see README.md.
package main

import (
	"os"

	"github.com/kwatt-sim/kwatt/internal/cli"
)

func main() { os.Exit(cli.Sim(cli.OSEnv())) }
