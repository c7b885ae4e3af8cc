// Command replay runs a real Kubernetes control plane with fake GPU nodes on
// this machine; see docs/replay.md.
package main

import (
	"os"

	"github.com/kwatt-sim/kwatt/internal/cli"
	"github.com/kwatt-sim/kwatt/internal/cli/replay"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane/component"
)

func main() {
	component.Dispatch() // the process may be a part of a control plane
	os.Exit(replay.Main(cli.OSEnv()))
}
