package replay_test

import (
	"os"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/kube/controlplane/component"
)

// The test binary is its own control plane: it is started anew per component.
func TestMain(m *testing.M) {
	component.Dispatch()
	os.Exit(m.Run())
}
